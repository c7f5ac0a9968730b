#include "formats/image/image_record.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <random>

#include "base/error.h"
#include "formats/image/image_record_reader.h"
#include "formats/image/image_record_writer.h"
#include "formats/io/input_files.h"
#include "formats/recordio_samples.h"
#include "formats/scratch_folder.h"

namespace smtrain::formats::image {
namespace {

using Catch::Contains;
using testing::bytes_of;
using test::error_of;

struct Fixture {
  const char* name;
  ImageRecord record;
  const char* hex;
};

const std::string kMagic = "\x0a\x23\xd7\xce";

const std::vector<Fixture>& fixtures() {
  static const std::vector<Fixture> all = {
      {"scalar", {7, {1}, false, "ABCDE"},
       "0a23d7ce 1d000000 00000000 0000803f 07000000 00000000 00000000 00000000 41424344 45000000"},
      {"multi-hot", {9, {1, 0, 1}, true, "XY"},
       "0a23d7ce 26000000 03000000 00000000 09000000 00000000 00000000 00000000 0000803f 00000000 0000803f 58590000"},
      {"detection", {1, {2, 5, 0, .222f, .335f, .344f, .655f}, true, "JPEG"},
       "0a23d7ce 38000000 07000000 00000000 01000000 00000000 00000000 00000000 00000040 0000a040 00000000 f853633e 1f85ab3e "
       "c520b03e 14ae273f 4a504547"},
      {"split", {1, {2}, false, "abcd" + kMagic + "efg"},
       "0a23d7ce 1c000020 00000000 00000040 01000000 00000000 00000000 00000000 61626364 0a23d7ce 03000060 65666700"},
      {"split twice", {1, {2}, false, kMagic + kMagic + "z"},
       "0a23d7ce 18000020 00000000 00000040 01000000 00000000 00000000 00000000 0a23d7ce 00000040 0a23d7ce 01000060 7a000000"},
  };
  return all;
}

void check_same(const ImageRecord& a, const ImageRecord& b) {
  CHECK(a.id == b.id);
  CHECK(a.labels == b.labels);
  CHECK(a.vector == b.vector);
  CHECK(a.image == b.image);
}

std::vector<PlacedRecord> read_all(const std::string& path, int threads, CollectedLog& log) {
  ImageRecordReader reader(expand_path(path), threads, log);
  std::vector<PlacedRecord> records;
  for (PlacedRecord record; reader.next(record);) records.push_back(record);
  return records;
}

std::vector<PlacedRecord> read_all(const std::string& path) {
  CollectedLog log;
  auto records = read_all(path, 2, log);
  CHECK(log.lines.empty());
  return records;
}

ImageRecord random_record(std::mt19937& draw) {
  ImageRecord record;
  record.id = draw() % 1000;
  record.vector = draw() % 2 == 0;
  record.labels.assign(record.vector ? 1 + draw() % 9 : 1, 0);
  for (float& label : record.labels) label = static_cast<float>(draw() % 100) / 4;
  for (std::size_t words = draw() % 40; words > 0; --words) {
    record.image += draw() % 3 == 0 ? kMagic : std::string(draw() % 6, static_cast<char>(draw()));
  }
  return record;
}

}  // namespace

TEST_CASE("image records: the bytes of the format's description, written and read", "[formats][image]") {
  const ScratchFolder folder;
  for (const Fixture& fixture : fixtures()) {
    CAPTURE(fixture.name);
    std::string framed;
    append_image_record(framed, fixture.record);
    CHECK(framed == bytes_of(fixture.hex));
    const auto records = read_all(folder.write("a.rec", bytes_of(fixture.hex)));
    REQUIRE(records.size() == 1);
    check_same(records[0].record, fixture.record);
  }
}

TEST_CASE("image records: the last one may lack its padding, with a warning", "[formats][image]") {
  const ScratchFolder folder;
  const std::string bytes = bytes_of(fixtures()[0].hex) + bytes_of(fixtures()[1].hex);
  CollectedLog log;
  const auto records = read_all(folder.write("a.rec", bytes.substr(0, bytes.size() - 2)), 2, log);
  REQUIRE(records.size() == 2);
  check_same(records[1].record, fixtures()[1].record);
  REQUIRE(log.lines.size() == 1);
  CHECK_THAT(log.lines[0].second, Contains("padding"));
}

TEST_CASE("image records: random ones come back, whatever the blocks, threads and compression", "[formats][image]") {
  const unsigned seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 draw(seed);
  const ScratchFolder folder;
  for (const std::string name : {"a.rec", "b.rec.gz", "c.rec.zst"}) {
    std::vector<ImageRecord> records;
    for (std::size_t n = draw() % 400; records.size() <= n;) records.push_back(random_record(draw));
    ImageRecordWriter writer(folder / name);
    for (const ImageRecord& record : records) writer.write(record);
    writer.commit();
    CHECK(writer.has_index() == (name == "a.rec"));
    for (const int threads : {1, 3}) {
      CollectedLog log;
      const auto found = read_all(folder / name, threads, log);
      REQUIRE(found.size() == records.size());
      for (std::size_t i = 0; i < found.size(); ++i) {
        check_same(found[i].record, records[i]);
        CHECK(found[i].place.record == i);
      }
    }
  }
}

TEST_CASE("image records: the index says where each begins", "[formats][image]") {
  const ScratchFolder folder;
  ImageRecordWriter writer(folder / "a.rec");
  for (const Fixture& fixture : fixtures()) writer.write(fixture.record);
  writer.commit();
  CHECK(index_path("x/a.rec") == "x/a.idx");
  CHECK(index_path("x/a.data") == "x/a.data.idx");
  CHECK(read_file(folder / "a.idx") == "7\t0\n9\t40\n1\t88\n1\t152\n1\t200\n");
  const auto found = read_all(folder / "a.rec");
  CHECK(found[3].place.offset == 152);
  CHECK_THAT(place_of(found[3].place), Contains("a.rec, record 3 (byte 152)"));
}

TEST_CASE("image records: an output that is given up leaves neither file", "[formats][image]") {
  const ScratchFolder folder;
  {
    ImageRecordWriter writer(folder / "a.rec");
    writer.write(fixtures()[0].record);
  }
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("image records: what is none is refused with its place and what it seems to be", "[formats][image]") {
  const ScratchFolder folder;
  const auto refusal = [&](const std::string& bytes) {
    const std::string path = folder.write("bad.rec", bytes);
    return error_of([&] { read_all(path); });
  };
  const std::string good = bytes_of(fixtures()[0].hex);
  CHECK_THAT(refusal(good + testing::fixture("dense_label.pbr")),
             Contains("bad.rec, record 1 (byte 40)") && Contains("recordIO-protobuf"));
  std::string bare;
  recordio::append_frame(bare, std::string("\xff\xd8\xff\xe0", 4) + std::string(40, 'x'), true);
  CHECK_THAT(refusal(bare), Contains("record 0 (byte 0)") && Contains("augmented manifest"));
  CHECK_THAT(refusal(bytes_of("0a23d7ce 04000000 00000000")), Contains("4 bytes, expected 24"));
  CHECK_THAT(refusal(bytes_of("0a23d7ce 18000000 02000000 00000000 00000000 00000000 00000000 00000000")),
             Contains("24 bytes, expected 32"));
  CHECK_THAT(refusal(bytes_of("0a23d7ce 18000000 00000000 0000c07f 00000000 00000000 00000000 00000000")), Contains("label 0 is nan"));
  CHECK_THAT(refusal(good + "\xff\xd8\xff\xe0 image"), Contains("byte 40") && Contains("ff d8 ff e0") && Contains("JPEG"));
  CHECK_THAT(refusal(good.substr(0, 30)), Contains("truncated"));
  CHECK_THAT(refusal(bytes_of("0a23d7ce 04000060 61626364")), Contains("continuation flag 3"));
}

TEST_CASE("image records: the magic word alone, split as the format says", "[formats][image]") {
  std::string framed;
  recordio::append_frame(framed, kMagic + "zz", true);
  CHECK(framed == bytes_of("0a23d7ce 00000020 0a23d7ce 02000060 7a7a0000"));
}

}  // namespace smtrain::formats::image
