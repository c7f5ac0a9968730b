// Streams that begin at a place, and streams of several processes that share a channel.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <random>
#include <thread>

#include "base/error.h"
#include "base/temporary_folder.h"
#include "formats/table_stream.h"
#include "formats/table_writer.h"

namespace smtrain::formats {
namespace {

using test::TemporaryFolder;
using MiniBatches = std::vector<std::vector<int>>;  // ids of the rows of each

// Files whose row i has the id i in column 0 and 2 i + 1 in column 2, in any format.
class Sample {
 public:
  Sample(const ContentType& type, bool sparse, const std::vector<std::size_t>& file_rows) : type_(type) {
    int id = 0;
    for (std::size_t f = 0; f < file_rows.size(); ++f) {
      std::string text;
      for (std::size_t i = 0; i < file_rows[f]; ++i, ++id) append(text, id, sparse);
      folder_.put(fmt::format("in/part-{:02}", f), text);
    }
  }
  std::string path() const { return (folder_ / "in").string(); }
  const TemporaryFolder& folder() const { return folder_; }

 private:
  void append(std::string& text, int id, bool sparse) const {
    if (type_.format == Format::csv) {
      // Quoted fields with line feeds and blanks: records are not lines.
      text += id % 7 == 3 ? fmt::format("\"{}\", 0 ,\"{}\"\n", id, 2 * id + 1) : fmt::format("{},0,{}\n", id, 2 * id + 1);
      return;
    }
    Batch row;
    const float dense[] = {static_cast<float>(id), 0, static_cast<float>(2 * id + 1)};
    const std::uint64_t indptr[] = {0, 2};
    const std::uint32_t indices[] = {0, 2};
    const float values[] = {dense[0], dense[2]};
    row.rows = 1;
    row.cols = 3;
    if (sparse) row.indptr = indptr, row.indices = indices, row.values = values;
    else row.dense = dense, row.ld = 3;
    const auto writer = make_table_writer({type_, false, {}});
    writer->encode(row, 0, 1, text);
  }

  TemporaryFolder folder_;
  ContentType type_;
};

void append_ids(const Batch& b, std::vector<int>& ids) {
  for (std::size_t i = 0; i < b.rows; ++i) {
    const float* dense = b.sparse() ? nullptr : b.dense + i * b.ld;
    const float id = dense != nullptr ? dense[0] : b.values[b.indptr[i] - b.indptr[0]];
    const float last = dense != nullptr ? dense[2] : b.values[b.indptr[i + 1] - 1 - b.indptr[0]];
    REQUIRE(last == 2 * id + 1);
    ids.push_back(static_cast<int>(id));
  }
}

// The rest of the epoch; cursors after each mini-batch.
MiniBatches read_rest(TableStream& stream, std::vector<TableCursor>* cursors = nullptr) {
  MiniBatches all;
  bool open = false;
  for (Batch b; stream.next(b);) {
    if (!open) all.emplace_back();
    append_ids(b, all.back());
    open = !b.completes_mini_batch;
    if (!open && cursors != nullptr) cursors->push_back(stream.cursor());
  }
  REQUIRE(!open);
  return all;
}

struct Case {
  TableStreamOptions options;
  std::vector<std::size_t> file_rows;
  bool sparse = false;
};

Case random_case(std::mt19937& random) {
  Case c;
  static const char* const kTypes[] = {"text/csv;label_size=0", "application/x-recordio-protobuf", "application/jsonlines"};
  c.options.table.type = parse_content_type(kTypes[random() % 3]);
  c.sparse = c.options.table.type.format != Format::csv && random() % 2 == 0;
  const std::size_t files = 1 + random() % 5;
  for (std::size_t f = 0; f < files; ++f) c.file_rows.push_back(1 + random() % 80);
  c.options.mini_batch_size = 4 + random() % 40;
  c.options.threads = 1 + static_cast<int>(random() % 3);
  c.options.block_bytes = 1 + random() % 900;
  c.options.piece_bytes = random() % 3 == 0 ? 1 + random() % 400 : std::uint64_t{1} << 20;
  c.options.cache_bytes = random() % 2 == 0 ? 0 : random() % 8000;
  c.options.epochs = 3;
  return c;
}

std::string text_of(const Case& c) {
  std::string rows;
  for (const std::size_t n : c.file_rows) rows += fmt::format(" {}", n);
  return fmt::format("{}{}, files of{} rows, mini_batch_size {}, threads {}, block {}, piece {}, cache {}", c.options.table.type.to_string(),
                     c.sparse ? " sparse" : "", rows, c.options.mini_batch_size, c.options.threads, c.options.block_bytes,
                     c.options.piece_bytes, c.options.cache_bytes);
}

std::vector<MiniBatches> read_all(const std::string& path, const TableStreamOptions& options) {
  NullLog log;
  auto stream = open_table_stream(path, false, options, log);
  std::vector<MiniBatches> epochs;
  for (std::int64_t e = options.start.epoch; e < options.epochs; ++e) {
    if (e > options.start.epoch) stream->next_epoch();
    epochs.push_back(read_rest(*stream));
  }
  return epochs;
}

}  // namespace

TEST_CASE("shared stream: processes take their ranges of every mini-batch, in every epoch", "[formats][share]") {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  for (int round = 0; round < 60; ++round) {
    Case c = random_case(random);
    INFO("seed " << seed << ", round " << round << ": " << text_of(c));
    const Sample sample(c.options.table.type, c.sparse, c.file_rows);
    const std::vector<MiniBatches> whole = read_all(sample.path(), c.options);
    const int size = 2 + static_cast<int>(random() % 3);
    std::vector<MiniBatches> joined(whole.size(), MiniBatches(whole[0].size()));
    for (int rank = 0; rank < size; ++rank) {
      c.options.share = {rank, size, RankShare::Split::ranges};
      const std::vector<MiniBatches> part = read_all(sample.path(), c.options);
      REQUIRE(part.size() == whole.size());
      for (std::size_t e = 0; e < part.size(); ++e) {
        REQUIRE(part[e].size() == whole[e].size());  // also where the last one has no rows for this process
        for (std::size_t t = 0; t < part[e].size(); ++t) joined[e][t].insert(joined[e][t].end(), part[e][t].begin(), part[e][t].end());
      }
    }
    REQUIRE(joined == whole);
  }
}

TEST_CASE("shared stream: files go round the processes, and mini-batches join them", "[formats][share]") {
  const ContentType csv = parse_content_type("text/csv;label_size=0");
  const Sample sample(csv, false, {10, 20, 30, 5, 7});
  TableStreamOptions options;
  options.table.type = csv;
  options.mini_batch_size = 7;
  options.epochs = 2;
  std::vector<int> seen;
  for (int rank = 0; rank < 3; ++rank) {
    options.share = {rank, 3, RankShare::Split::files};
    const std::size_t share = rank == 0 ? 2 : rank == 1 ? 2 : 3;  // [7r/3, 7(r+1)/3)
    for (const MiniBatches& epoch : read_all(sample.path(), options)) {
      for (std::size_t t = 0; t + 1 < epoch.size(); ++t) REQUIRE(epoch[t].size() == share);
      seen.insert(seen.end(), epoch[0].begin(), epoch[0].end());
    }
  }
  CHECK(std::vector<int>(seen.begin(), seen.begin() + 2) == std::vector<int>{0, 1});
  CHECK(seen[4] == 10);  // file 1 begins with row 10
  NullLog log;
  options.share = {2, 3, RankShare::Split::files};
  auto last = open_table_stream(sample.path(), false, options, log);
  CHECK(last->files().size() == 1);
  CHECK(last->files()[0].path.ends_with("part-02"));
}

TEST_CASE("shared stream: a process whose files hold nothing has a stream without rows", "[formats][share]") {
  const ContentType csv = parse_content_type("text/csv;label_size=0");
  const Sample sample(csv, false, {4});
  TemporaryFolder empty;
  NullLog log;
  TableStreamOptions options;
  options.table.type = csv;
  for (const auto split : {RankShare::Split::files, RankShare::Split::own}) {
    options.share = {1, 2, split};
    auto stream = open_table_stream(split == RankShare::Split::own ? empty.path().string() : sample.path(), false, options, log);
    CHECK(stream->schema().feature_dim == 0);
    Batch batch;
    CHECK_FALSE(stream->next(batch));
  }
  options.share = {0, 2, RankShare::Split::ranges};
  CHECK_THROWS_WITH(open_table_stream(empty.path().string(), false, options, log), Catch::Contains("holds no file"));
}

TEST_CASE("shared stream: a mini-batch smaller than the processes that share it is refused", "[formats][share]") {
  const ContentType csv = parse_content_type("text/csv;label_size=0");
  const Sample sample(csv, false, {4});
  NullLog log;
  TableStreamOptions options;
  options.table.type = csv;
  options.mini_batch_size = 2;
  options.share = {0, 3, RankShare::Split::ranges};
  CHECK_THROWS_WITH(open_table_stream(sample.path(), false, options, log), Catch::Contains("mini_batch_size 2") && Catch::Contains("3 processes"));
}

TEST_CASE("resumed stream: goes on at any cursor as the first one did", "[formats][share]") {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  NullLog log;
  for (int round = 0; round < 60; ++round) {
    Case c = random_case(random);
    const int size = 1 + static_cast<int>(random() % 3);
    c.options.share = {static_cast<int>(random()) % size & 3, size, random() % 2 == 0 ? RankShare::Split::ranges : RankShare::Split::files};
    c.options.share.rank %= size;
    INFO("seed " << seed << ", round " << round << ": " << text_of(c) << ", rank " << c.options.share.rank << " of " << size);
    const Sample sample(c.options.table.type, c.sparse, c.file_rows);
    auto stream = open_table_stream(sample.path(), false, c.options, log);
    std::vector<MiniBatches> epochs;
    std::vector<std::vector<TableCursor>> cursors;
    for (std::int64_t e = 0; e < c.options.epochs; ++e) {
      if (e > 0) stream->next_epoch();
      cursors.emplace_back();
      epochs.push_back(read_rest(*stream, &cursors.back()));
    }
    for (int trial = 0; trial < 4; ++trial) {
      const std::size_t e = random() % epochs.size();
      if (epochs[e].empty()) continue;
      const std::size_t t = random() % epochs[e].size();
      c.options.start = cursors[e][t];
      CAPTURE(e, t, c.options.start.records);
      REQUIRE(c.options.start.epoch == static_cast<std::int64_t>(e));
      std::vector<MiniBatches> rest(epochs.begin() + static_cast<std::ptrdiff_t>(e), epochs.end());
      rest[0].erase(rest[0].begin(), rest[0].begin() + static_cast<std::ptrdiff_t>(t + 1));
      REQUIRE(read_all(sample.path(), c.options) == rest);
    }
    c.options.start = {};
  }
}

TEST_CASE("resumed stream: says the same places as the one it goes on for", "[formats][share]") {
  const ContentType csv = parse_content_type("text/csv;label_size=0");
  const Sample sample(csv, false, {23});
  NullLog log;
  TableStreamOptions options;
  options.table.type = csv;
  options.mini_batch_size = 5;
  for (const std::int64_t epochs : {2, 3}) {
    options.epochs = epochs;
    options.start = {1, 10};
    auto stream = open_table_stream(sample.path(), false, options, log);
    CHECK((stream->cursor().epoch == 1 && (epochs == 3 || stream->cursor().records == 10)));
    Batch batch;
    REQUIRE(stream->next(batch));
    CHECK(stream->cursor().records == 15);
    CHECK(batch.where(0).ends_with("part-00:11"));
    (void)read_rest(*stream);
    CHECK(stream->cursor().records == 23);
  }
}

TEST_CASE("resumed stream: a pipe is read over up to the place", "[formats][share]") {
  const ContentType csv = parse_content_type("text/csv;label_size=0");
  const Sample sample(csv, false, {23});
  const std::string fifo = (sample.folder() / "fifo").string();
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  NullLog log;
  TableStreamOptions options;
  options.table.type = csv;
  options.mini_batch_size = 5;
  options.epochs = 2;
  options.start = {0, 10};
  std::thread writer([&] { std::ofstream(fifo, std::ios::binary) << std::ifstream(sample.path() + "/part-00", std::ios::binary).rdbuf(); });
  {
    auto stream = open_table_stream(fifo, false, options, log);
    CHECK(stream->fingerprint().starts_with("stream, head "));
    CHECK(read_rest(*stream) == MiniBatches{{10, 11, 12, 13, 14}, {15, 16, 17, 18, 19}, {20, 21, 22}});
    stream->next_epoch();
    CHECK(read_rest(*stream).size() == 5);
  }
  writer.join();
}

TEST_CASE("resumed stream: in pipe mode the FIFOs of finished epochs are opened and left", "[formats][share]") {
  const ContentType csv = parse_content_type("text/csv;label_size=0");
  const Sample sample(csv, false, {23});
  const std::string base = (sample.folder() / "train").string();
  for (int e = 0; e < 2; ++e) REQUIRE(::mkfifo(fmt::format("{}_{}", base, e).c_str(), 0600) == 0);
  ::signal(SIGPIPE, SIG_IGN);  // the writer notices by its error
  std::thread writer([&] {
    for (int e = 0; e < 2; ++e) {
      std::ofstream to(fmt::format("{}_{}", base, e), std::ios::binary);
      for (int i = 0; i < (e == 0 ? 100000 : 23) && to; ++i) to << fmt::format("{},0,{}\n", i, 2 * i + 1) << std::flush;
      CHECK(to.good() == (e == 1));
    }
  });
  NullLog log;
  TableStreamOptions options;
  options.table.type = csv;
  options.mini_batch_size = 5;
  options.epochs = 2;
  options.start = {1, 20};
  auto stream = open_table_stream(base, true, options, log);
  CHECK(read_rest(*stream) == MiniBatches{{20, 21, 22}});
  writer.join();
  ::signal(SIGPIPE, SIG_DFL);
}

TEST_CASE("resumed stream: data that end before the place are refused", "[formats][share]") {
  const ContentType csv = parse_content_type("text/csv;label_size=0");
  const Sample sample(csv, false, {23});
  NullLog log;
  for (const std::int64_t epochs : {1, 2}) {
    TableStreamOptions options;
    options.table.type = csv;
    options.mini_batch_size = 5;
    options.epochs = epochs;
    options.start = {0, 25};
    auto stream = open_table_stream(sample.path(), false, options, log);
    Batch batch;
    CHECK_THROWS_WITH(stream->next(batch), Catch::Contains("ends before record 25"));
  }
}

TEST_CASE("fingerprint: follows contents, not places", "[formats][share]") {
  const ContentType csv = parse_content_type("text/csv;label_size=0");
  NullLog log;
  TableStreamOptions options;
  options.table.type = csv;
  const Sample a(csv, false, {500, 20}), b(csv, false, {500, 20}), c(csv, false, {500, 21});
  const auto of = [&](const Sample& s) { return open_table_stream(s.path(), false, options, log)->fingerprint(); };
  CHECK(of(a) == of(b));
  CHECK(of(a) != of(c));
  CHECK(of(a).starts_with("2 files, "));
  options.share = {1, 2, RankShare::Split::files};
  const std::string shared = of(a);
  options.share = {};
  CHECK(of(a) == shared);
  std::fstream file(a.path() + "/part-00", std::ios::in | std::ios::out | std::ios::binary);
  file << "7";
  file.close();
  CHECK(of(a) != of(b));
}

}  // namespace smtrain::formats
