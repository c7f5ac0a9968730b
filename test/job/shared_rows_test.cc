#include "job/shared_rows.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "base/error.h"
#include "base/temporary_folder.h"
#include "dist/thread_transport.h"

namespace smtrain::job {
namespace {

using formats::Batch;
using test::on_ranks;

struct Shards {
  explicit Shards(const std::vector<std::string>& contents, const char* type = "text/csv;label_size=0") : content_type(type) {
    for (std::size_t i = 0; i < contents.size(); ++i) std::ofstream(folder.path() / fmt::format("part-{}.csv", i)) << contents[i];
  }
  std::unique_ptr<formats::TableStream> open(dist::Group& group, std::int64_t epochs = 2, formats::TableCursor start = {}) const {
    NullLog log;
    formats::TableStreamOptions options;
    options.table.type = formats::parse_content_type(content_type);
    options.mini_batch_size = 6;
    options.epochs = epochs;
    options.cache_bytes = 1 << 20;
    options.start = start;
    options.share = {group.rank(), group.size(), formats::RankShare::Split::files};
    return keep_in_step(formats::open_table_stream(folder.path().string(), false, options, log), {"train", 6, start}, group);
  }
  // Each rank has a file, and nobody sees those of the others.
  std::unique_ptr<formats::TableStream> open_own(dist::Group& group) const {
    NullLog log;
    formats::TableStreamOptions options;
    options.table.type = formats::parse_content_type(content_type);
    options.mini_batch_size = 6;
    options.share = {group.rank(), group.size(), formats::RankShare::Split::own};
    const std::string own = folder / fmt::format("part-{}.csv", group.rank());
    return keep_in_step(formats::open_table_stream(own, false, options, log), {"train", 6, {}, formats::RankShare::Split::own}, group);
  }
  test::TemporaryFolder folder;
  const char* content_type;
};

std::string rows(int first, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += fmt::format("{},0\n", first + i);
  return text;
}

// The first features of each mini-batch of an epoch.
std::vector<std::vector<float>> mini_batches(formats::TableStream& stream) {
  std::vector<std::vector<float>> all(1);
  for (Batch batch; stream.next(batch);) {
    for (std::size_t i = 0; i < batch.rows; ++i) all.back().push_back(batch.dense[i * batch.ld]);
    if (batch.completes_mini_batch) all.emplace_back();
  }
  all.pop_back();
  return all;
}

TEST_CASE("shared rows: ranks that run out of rows go on with empty mini-batches, in every epoch") {
  const Shards shards({rows(0, 7), rows(100, 3), ""});
  std::vector<std::vector<std::vector<float>>> first(3), second(3);
  on_ranks(3, [&](dist::Group& group) {
    const auto rank = static_cast<std::size_t>(group.rank());
    const auto stream = shards.open(group);
    if (stream->schema().feature_dim != 2) throw std::runtime_error("schema");
    first[rank] = mini_batches(*stream);
    if (stream->cursor().records != 24) throw std::runtime_error("cursor");
    stream->next_epoch();
    second[rank] = mini_batches(*stream);
  });
  CHECK(first[0] == std::vector<std::vector<float>>{{0, 1}, {2, 3}, {4, 5}, {6}});
  CHECK(first[1] == std::vector<std::vector<float>>{{100, 101}, {102}, {}, {}});
  CHECK(first[2] == std::vector<std::vector<float>>{{}, {}, {}, {}});
  CHECK(second == first);
}

TEST_CASE("shared rows: a resumed stream goes on behind its cursor on every rank") {
  const Shards shards({rows(0, 7), rows(100, 3)});
  std::vector<std::vector<std::vector<float>>> rest(2);
  on_ranks(2, [&](dist::Group& group) {
    formats::TableCursor at;
    {
      const auto stream = shards.open(group);
      Batch batch;
      (void)stream->next(batch);
      at = stream->cursor();
    }
    const auto stream = shards.open(group, 2, at);
    rest[static_cast<std::size_t>(group.rank())] = mini_batches(*stream);
  });
  CHECK(rest[0] == std::vector<std::vector<float>>{{3, 4, 5}, {6}});
  CHECK(rest[1] == std::vector<std::vector<float>>{{}, {}});
}

TEST_CASE("shared rows: where each rank measures its own libsvm, the widest is everyone's") {
  const Shards shards({"1 0:1 3:2\n", "0 6:1\n", "1 1:5\n"}, "text/libsvm");
  std::vector<std::size_t> widths(3), columns(3);
  on_ranks(3, [&](dist::Group& group) {
    const auto rank = static_cast<std::size_t>(group.rank());
    const auto stream = shards.open_own(group);
    widths[rank] = stream->schema().feature_dim;
    Batch batch;
    if (stream->next(batch)) columns[rank] = batch.cols;
  });
  CHECK(widths == std::vector<std::size_t>{7, 7, 7});
  CHECK(columns == std::vector<std::size_t>{7, 7, 7});
  const Shards mixed({"1,2\n", "1,2,3\n"});
  CHECK_THROWS_WITH(on_ranks(2, [&](dist::Group& group) { mixed.open_own(group); }), Catch::Contains("give files of one kind"));
}

TEST_CASE("shared rows: what differs between ranks is named with both") {
  const Shards shards({"1,2\n", "1,2,3\n"});
  CHECK_THROWS_WITH(on_ranks(2, [&](dist::Group& group) { shards.open(group); }),
                    Catch::Contains("rank 0 reads 2 features") && Catch::Contains("part-1.csv"));
  const Shards empty({"", ""});
  CHECK_THROWS_WITH(on_ranks(2, [&](dist::Group& group) { empty.open(group); }), Catch::Contains("channel train: holds no records"));
}

TEST_CASE("shared rows: dense and sparse rows come to the first rank in rank order") {
  on_ranks(3, [&](dist::Group& group) {
    const float dense[] = {1, 2, 9, 3, 4, 9};
    const float values[] = {0, 5, 6};
    const std::uint64_t indptr[] = {1, 2, 3};
    const std::uint32_t indices[] = {0, 1, 0};
    Batch batch;
    batch.rows = group.rank() == 1 ? 0 : 2;
    batch.cols = 2;
    if (group.rank() == 0) {
      batch.dense = dense;
      batch.ld = 3;
    } else if (group.rank() == 2) {
      batch.indptr = indptr;
      batch.indices = indices;
      batch.values = values;
    }
    const std::vector<Batch> all = collect_rows(std::vector{batch}, group);
    if (!group.is_root()) {
      if (!all.empty()) throw std::runtime_error("rows on another rank");
      return;
    }
    if (all.size() != 2 || all[0].rows != 2 || all[1].rows != 2) throw std::runtime_error("batches");
    if (all[0].dense[all[0].ld] != 3 || all[0].dense[1] != 2) throw std::runtime_error("dense rows");
    const Batch& sparse = all[1];
    if (!sparse.sparse() || sparse.indptr[1] - sparse.indptr[0] != 1) throw std::runtime_error("sparse rows");
  });
}

}  // namespace
}  // namespace smtrain::job
