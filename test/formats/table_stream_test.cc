#include "formats/table_stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <random>
#include <thread>

#include "base/error.h"
#include "base/temporary_folder.h"

namespace smtrain::formats {
namespace {

using test::TemporaryFolder;

// Rows 0 … n-1 of width d; row i holds i, i + 0.25, i + 0.5, ….
std::string csv_rows(std::size_t first, std::size_t n, std::size_t d) {
  std::string text;
  for (std::size_t i = first; i < first + n; ++i) {
    for (std::size_t j = 0; j < d; ++j) text += (j > 0 ? "," : "") + fmt::format("{}", static_cast<double>(i) + 0.25 * static_cast<double>(j));
    text += "\n";
  }
  return text;
}

TableStreamOptions small_options() {
  TableStreamOptions options;
  options.table.type = parse_content_type("text/csv;label_size=0");
  options.mini_batch_size = 10;
  options.epochs = 1;
  options.threads = 2;
  options.cache_bytes = std::uint64_t{1} << 30;
  options.block_bytes = 256;
  return options;
}

struct Epoch {
  std::vector<float> first_column;
  std::vector<std::size_t> pieces;
  std::vector<bool> completes;
};

Epoch read_epoch(TableStream& stream) {
  Epoch epoch;
  for (Batch b; stream.next(b);) {
    epoch.pieces.push_back(b.rows);
    epoch.completes.push_back(b.completes_mini_batch);
    for (std::size_t i = 0; i < b.rows; ++i) {
      if (b.sparse()) {
        const std::uint64_t at = b.indptr[i] - b.indptr[0];
        const bool has = b.indptr[i + 1] > b.indptr[i] && b.indices[at] == 0;
        epoch.first_column.push_back(has ? b.values[at] : 0.0f);
      } else {
        epoch.first_column.push_back(b.dense[i * b.ld]);
        REQUIRE(b.dense[i * b.ld + b.cols - 1] == epoch.first_column.back() + 0.25f * static_cast<float>(b.cols - 1));
      }
    }
  }
  return epoch;
}

std::vector<float> counting(std::size_t n) {
  std::vector<float> v(n);
  for (std::size_t i = 0; i < n; ++i) v[i] = static_cast<float>(i);
  return v;
}

}  // namespace

TEST_CASE("table stream: rows come in file order in mini-batches, the last one short", "[formats][stream]") {
  TemporaryFolder folder;
  folder.put("in/a.csv", csv_rows(0, 57, 3));
  folder.put("in/b.csv", csv_rows(57, 40, 3));
  NullLog log;
  for (int threads : {1, 2, 5}) {
    TableStreamOptions options = small_options();
    options.threads = threads;
    auto stream = open_table_stream((folder / "in").string(), false, options, log);
    CHECK(stream->schema().feature_dim == 3);
    const Epoch epoch = read_epoch(*stream);
    CHECK(epoch.first_column == counting(97));
    CHECK(epoch.pieces == std::vector<std::size_t>{10, 10, 10, 10, 10, 10, 10, 10, 10, 7});
    CHECK(std::count(epoch.completes.begin(), epoch.completes.end(), true) == 10);
    CHECK(stream->records() == 97);
  }
}

TEST_CASE("table stream: random sizes of rows, blocks, batches and pieces give the same rows in every epoch", "[formats][stream]") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  NullLog log;
  for (int round = 0; round < 40; ++round) {
    TemporaryFolder folder;
    const std::size_t n = 1 + random() % 300, d = 1 + random() % 5, split = random() % n;
    if (split > 0) folder.put("in/a.csv", csv_rows(0, split, d));
    folder.put("in/b.csv", csv_rows(split, n - split, d));
    TableStreamOptions options = small_options();
    options.threads = 1 + static_cast<int>(random() % 4);
    options.mini_batch_size = 1 + random() % 50;
    options.block_bytes = 1 + random() % 500;
    options.piece_bytes = random() % 3 == 0 ? 1 + random() % 400 : std::uint64_t{1} << 20;
    options.cache_bytes = random() % 3 == 0 ? 0 : random() % (n * d * 8);
    options.epochs = 3;
    CAPTURE(n, d, split, options.threads, options.mini_batch_size, options.block_bytes, options.piece_bytes, options.cache_bytes);
    auto stream = open_table_stream((folder / "in").string(), false, options, log);
    const Epoch first = read_epoch(*stream);
    REQUIRE(first.first_column == counting(n));
    for (int epoch = 1; epoch < 3; ++epoch) {
      stream->next_epoch();
      const Epoch again = read_epoch(*stream);
      REQUIRE(again.first_column == first.first_column);
      REQUIRE(again.pieces == first.pieces);
      REQUIRE(again.completes == first.completes);
    }
    std::size_t in_mini_batch = 0;
    for (std::size_t i = 0; i < first.pieces.size(); ++i) {
      in_mini_batch += first.pieces[i];
      if (!first.completes[i]) continue;
      REQUIRE((in_mini_batch == options.mini_batch_size || i + 1 == first.pieces.size()));
      in_mini_batch = 0;
    }
    REQUIRE(in_mini_batch == 0);
  }
}

TEST_CASE("table stream: the last piece of an epoch completes its mini-batch wherever the file ends", "[formats][stream]") {
  TemporaryFolder folder;
  folder.put("in/a.csv", csv_rows(0, 25, 4));
  folder.put("in/b.csv", csv_rows(25, 199, 4));
  std::string lines;
  for (std::size_t i = 0; i < 224; ++i) lines += fmt::format(R"({{"data":{{"features":{{"keys":[0],"shape":[2],"values":[{}]}}}}}})", i) + "\n";
  const std::string sparse = folder.write("a.jsonl", lines);
  NullLog log;
  // Among so many sizes of blocks are those that end a round of parsing with the last row, before the end of the file is seen.
  for (std::size_t block = 150; block <= 450; ++block) {
    for (const std::string& path : {(folder / "in").string(), sparse}) {
      TableStreamOptions options = small_options();
      if (path == sparse) options.table.type = parse_content_type("application/jsonlines");
      options.mini_batch_size = 50;
      options.piece_bytes = path == sparse ? 32 : 85;  // four rows
      options.block_bytes = path == sparse ? 3 * block : block;
      options.epochs = 2;
      CAPTURE(block, path);
      auto stream = open_table_stream(path, false, options, log);
      for (int epoch = 0; epoch < 2; ++epoch) {
        if (epoch > 0) stream->next_epoch();
        const Epoch e = read_epoch(*stream);
        REQUIRE(e.first_column == counting(224));
        REQUIRE(std::count(e.completes.begin(), e.completes.end(), true) == 5);
        REQUIRE(e.completes.back());
      }
    }
  }
}

TEST_CASE("table stream: an epoch broken off early does not change the next one", "[formats][stream]") {
  TemporaryFolder folder;
  const auto path = folder.put("a.csv", csv_rows(0, 200, 2));
  NullLog log;
  for (std::uint64_t cache : {std::uint64_t{0}, std::uint64_t{500}, std::uint64_t{1} << 20}) {
    TableStreamOptions options = small_options();
    options.epochs = 2;
    options.cache_bytes = cache;
    auto stream = open_table_stream(path.string(), false, options, log);
    Batch batch;
    REQUIRE(stream->next(batch));
    stream->next_epoch();
    CHECK(read_epoch(*stream).first_column == counting(200));
  }
}

TEST_CASE("table stream: a pipe is spooled when later epochs need it and memory does not hold it", "[formats][stream]") {
  TemporaryFolder folder;
  const std::string fifo = (folder / "fifo").string();
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  for (std::uint64_t cache : {std::uint64_t{0}, std::uint64_t{1000}, std::uint64_t{1} << 20}) {
    std::thread writer([&] { std::ofstream(fifo, std::ios::binary) << csv_rows(0, 500, 4); });
    NullLog log;
    TableStreamOptions options = small_options();
    options.epochs = 3;
    options.cache_bytes = cache;
    auto stream = open_table_stream(fifo, false, options, log);
    for (int epoch = 0; epoch < 3; ++epoch) {
      if (epoch > 0) stream->next_epoch();
      CHECK(read_epoch(*stream).first_column == counting(500));
    }
    writer.join();
  }
}

TEST_CASE("table stream: a bad record in a pipe whose writer goes idle is reported at once", "[formats][stream]") {
  TemporaryFolder folder;
  const std::string fifo = (folder / "fifo").string();
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const int idle_writer = ::open(fifo.c_str(), O_RDWR);
  REQUIRE(idle_writer >= 0);
  const std::string text = csv_rows(0, 20, 2) + "bad,1\n" + csv_rows(21, 280, 2);
  REQUIRE(::write(idle_writer, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  NullLog log;
  TableStreamOptions options = small_options();
  options.block_bytes = std::size_t{512} << 10;
  // The first look at a pipe waits for a whole head; the rest of it comes from a writer that lives that long.
  std::thread head([&] {
    const std::string more = csv_rows(301, 90000, 2);
    for (std::size_t at = 0; at < more.size();) {
      const ssize_t n = ::write(idle_writer, more.data() + at, more.size() - at);
      if (n <= 0) break;
      at += static_cast<std::size_t>(n);
    }
  });
  {
    auto stream = open_table_stream(fifo, false, options, log);
    CHECK_THROWS_WITH(read_epoch(*stream), Catch::Contains(":21: column 1"));
  }  // the reading thread ends though no end of the stream has come
  const int drain = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK);
  std::atomic<bool> written = false;
  std::thread drainer([&] {
    char bytes[1 << 16];
    while (!written) {
      if (::read(drain, bytes, sizeof bytes) <= 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  head.join();
  written = true;
  drainer.join();
  ::close(drain);
  ::close(idle_writer);
}

TEST_CASE("table stream: pipe mode reads one FIFO per epoch, and waits for one that is late", "[formats][stream]") {
  TemporaryFolder folder;
  const std::string base = (folder / "train").string();
  REQUIRE(::mkfifo((base + "_0").c_str(), 0600) == 0);
  std::thread writer([&] {
    std::ofstream(base + "_0", std::ios::binary) << csv_rows(0, 90, 2);
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    ::mkfifo((base + "_1").c_str(), 0600);
    std::ofstream(base + "_1", std::ios::binary) << csv_rows(0, 50, 2);
  });
  NullLog log;
  TableStreamOptions options = small_options();
  options.epochs = 2;
  options.guess_format = true;
  auto stream = open_table_stream(base, true, options, log);
  CHECK(read_epoch(*stream).first_column == counting(90));
  stream->next_epoch();
  CHECK(read_epoch(*stream).first_column == counting(50));
  writer.join();
}

TEST_CASE("table stream: of several bad records the first in file order is reported, whatever the threads", "[formats][stream]") {
  TemporaryFolder folder;
  std::string text = csv_rows(0, 400, 2);
  const std::size_t early = text.find("\n150,"), late = text.find("\n390,");
  text.replace(late + 1, 3, "bad");
  text.replace(early + 1, 3, "bad");
  const auto path = folder.put("a.csv", text);
  NullLog log;
  for (int threads : {1, 2, 4, 7}) {
    TableStreamOptions options = small_options();
    options.threads = threads;
    auto stream = open_table_stream(path.string(), false, options, log);
    try {
      read_epoch(*stream);
      FAIL("no error");
    } catch (const Error& e) {
      CHECK(std::string(e.what()).find("a.csv:151:") != std::string::npos);
      CHECK(e.exit_code() == 2);
    }
  }
}

TEST_CASE("table stream: batches know the line and file their rows came from", "[formats][stream]") {
  TemporaryFolder folder;
  folder.put("in/a.csv", csv_rows(0, 25, 2));
  folder.put("in/b.csv", csv_rows(25, 30, 2));
  NullLog log;
  TableStreamOptions options = small_options();
  options.epochs = 2;
  options.cache_bytes = 200;
  auto stream = open_table_stream((folder / "in").string(), false, options, log);
  for (int epoch = 0; epoch < 2; ++epoch) {
    if (epoch > 0) stream->next_epoch();
    for (Batch b; stream->next(b);) {
      for (std::size_t i = 0; i < b.rows; ++i) {
        const auto row = static_cast<std::size_t>(b.dense[i * b.ld]);
        const std::string expected = row < 25 ? fmt::format("a.csv:{}", row + 1) : fmt::format("b.csv:{}", row - 25 + 1);
        const std::string where = b.where(i);
        REQUIRE(where.substr(where.rfind('/') + 1) == expected);
      }
    }
  }
}

TEST_CASE("table stream: rows know their line where blank lines and comments stand between", "[formats][stream]") {
  const TemporaryFolder folder;
  const auto places = [&](const std::string& name, const std::string& text, const char* type, std::size_t block_bytes) {
    NullLog log;
    TableStreamOptions options = small_options();
    options.table.type = parse_content_type(type);
    options.block_bytes = block_bytes;
    auto stream = open_table_stream(folder.put(name, text).string(), false, options, log);
    std::vector<std::string> all;
    for (Batch b; stream->next(b);) {
      for (std::size_t i = 0; i < b.rows; ++i) all.push_back(b.where(i).substr(b.where(i).rfind('/') + name.size() + 1));
    }
    return all;
  };
  using Places = std::vector<std::string>;
  for (const std::size_t block : {std::size_t{30}, std::size_t{4096}}) {
    INFO(block);
    CHECK(places("a.jsonl", "\n{\"features\":[1]}\n\n\n{\"features\":[2]}\n{\"features\":[3]}\n\n{\"features\":[4]}", "jsonl", block) ==
          Places{":2", ":5", ":6", ":8"});
    CHECK(places("a.libsvm", "1 0:1\n# a comment\n\n0 1:1\n0 2:1 # more\n#\n1 0:3\n", "text/libsvm;feature_dim=3", block) ==
          Places{":1", ":4", ":5", ":7"});
    CHECK(places("a.csv", "1,2\n3,4\n\n\n", "text/csv;label_size=0", block) == Places{":1", ":2"});
  }
  CHECK(places("a.json", "{\"instances\":[{\"features\":[1]},\n{\"features\":[2]}]}\n", "json", 4096) == Places{", record 0", ", record 1"});
}

TEST_CASE("table stream: batches outlive the stream", "[formats][stream]") {
  TemporaryFolder folder;
  const auto path = folder.put("a.csv", csv_rows(0, 100, 2));
  NullLog log;
  std::vector<Batch> kept;
  {
    auto stream = open_table_stream(path.string(), false, small_options(), log);
    for (Batch b; stream->next(b);) kept.push_back(b);
  }
  for (std::size_t i = 0; i < kept.size(); ++i) CHECK(kept[i].dense[0] == static_cast<float>(10 * i));
}

TEST_CASE("table stream: sparse rows keep their layout through epochs, caching and spooling", "[formats][stream]") {
  TemporaryFolder folder;
  std::string lines;
  for (int i = 0; i < 120; ++i) {
    lines += fmt::format(R"({{"data":{{"features":{{"keys":[{}],"shape":[5],"values":[{}]}}}}}})", i % 2 == 0 ? "0" : "0,3",
                         i % 2 == 0 ? fmt::format("{}", i) : fmt::format("{},7", i)) + "\n";
  }
  const auto path = folder.put("a.jsonl", lines);
  NullLog log;
  for (std::uint64_t cache : {std::uint64_t{0}, std::uint64_t{600}, std::uint64_t{1} << 20}) {
    TableStreamOptions options = small_options();
    options.table.type = parse_content_type("application/jsonlines");
    options.epochs = 2;
    options.cache_bytes = cache;
    auto stream = open_table_stream(path.string(), false, options, log);
    CHECK(stream->schema().sparse);
    for (int epoch = 0; epoch < 2; ++epoch) {
      if (epoch > 0) stream->next_epoch();
      const Epoch e = read_epoch(*stream);
      CHECK(e.first_column == counting(120));
      CHECK(e.pieces == std::vector<std::size_t>(12, 10));
    }
  }
}

TEST_CASE("table stream: row weights stay with their rows through epochs, caching and spooling", "[formats][stream]") {
  TemporaryFolder folder;
  const std::string fifo = (folder / "fifo").string();
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  std::string lines;
  for (int i = 0; i < 300; ++i) lines += fmt::format("{},{},{},3\n", i % 2, 1000 + i, i);
  for (std::uint64_t cache : {std::uint64_t{0}, std::uint64_t{1000}, std::uint64_t{1} << 20}) {
    std::thread writer([&] { std::ofstream(fifo, std::ios::binary) << lines; });
    NullLog log;
    TableStreamOptions options = small_options();
    options.table.type = parse_content_type("text/csv;label_size=1;weights=1");
    options.epochs = 2;
    options.cache_bytes = cache;
    auto stream = open_table_stream(fifo, false, options, log);
    CHECK(stream->schema().weights);
    for (int epoch = 0; epoch < 2; ++epoch) {
      if (epoch > 0) stream->next_epoch();
      std::size_t row = 0;
      for (Batch b; stream->next(b);) {
        for (std::size_t i = 0; i < b.rows; ++i, ++row) {
          REQUIRE(b.dense[i * b.ld] == static_cast<float>(row));
          REQUIRE(b.weights[i] == static_cast<float>(1000 + row));
          REQUIRE(b.labels[i] == static_cast<float>(row % 2));
        }
      }
      CHECK(row == 300);
    }
    writer.join();
  }
}

TEST_CASE("table stream: nothing to read is refused by name", "[formats][stream]") {
  TemporaryFolder folder;
  const auto path = folder.put("empty.csv", "");
  NullLog log;
  try {
    open_table_stream(path.string(), false, small_options(), log);
    FAIL("no error");
  } catch (const Error& e) {
    CHECK(e.exit_code() == 2);
    CHECK(std::string(e.what()).find("empty.csv") != std::string::npos);
  }
}

}  // namespace smtrain::formats
