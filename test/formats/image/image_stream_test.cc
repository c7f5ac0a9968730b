#include "formats/image/image_stream.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "base/error.h"
#include "formats/image/image_index.h"
#include "formats/image/image_record_writer.h"
#include "formats/recordio_samples.h"
#include "formats/scratch_folder.h"

namespace smtrain::formats::image {
namespace {

using Catch::Contains;
using test::error_of;

std::string picture(std::uint32_t width, int shade) {
  Pixels pixels;
  pixels.resize(width, 20);
  std::fill(pixels.rgb.begin(), pixels.rgb.end(), static_cast<std::uint8_t>(shade));
  return encode_image(pixels, {ImageKind::png, 1});
}

/// Records whose shade is their id.
void write_records(const std::string& path, int count, int first = 0) {
  ImageRecordWriter writer(path);
  for (int i = first; i < first + count; ++i) {
    writer.write({static_cast<std::uint64_t>(i), {static_cast<float>(i % 3)}, false, picture(10 + static_cast<std::uint32_t>(i % 7), i % 256)});
  }
  writer.commit();
}

std::vector<std::uint64_t> ids_of(std::unique_ptr<ImageSource> source, ImageStreamOptions options = {}) {
  NullLog log;
  ImageStream stream(std::move(source), options, log);
  std::vector<std::uint64_t> ids;
  for (ImageSample sample; stream.next(sample);) {
    CHECK(sample.pixels.rgb.at(4) == sample.id % 256);
    CHECK(sample.labels == std::vector<float>{static_cast<float>(sample.id % 3)});
    ids.push_back(sample.id);
  }
  CHECK(stream.images() == ids.size());
  return ids;
}

}  // namespace

TEST_CASE("image streams: decoded in parallel, in the order of the records", "[formats][image]") {
  const ScratchFolder folder;
  write_records(folder / "a.rec", 200);
  NullLog log;
  std::vector<std::uint64_t> in_order(200);
  for (std::size_t i = 0; i < 200; ++i) in_order[i] = i;
  for (const int threads : {1, 4}) {
    for (const std::size_t ahead : {std::size_t{1}, std::size_t{1} << 20}) {
      ImageStreamOptions options;
      options.threads = threads;
      options.ahead_bytes = ahead;
      CHECK(ids_of(open_image_records(expand_path(folder / "a.rec"), log), options) == in_order);
    }
  }
}

TEST_CASE("image streams: shuffled by seed and pass, every record once", "[formats][image]") {
  const ScratchFolder folder;
  write_records(folder / "a.rec", 90);
  write_records(folder / "b.rec", 60, 90);
  const std::vector<InputFile> files = {expand_path(folder / "a.rec")[0], expand_path(folder / "b.rec")[0]};
  const auto first = ids_of(open_shuffled_records(files, 1, 0)), again = ids_of(open_shuffled_records(files, 1, 0));
  const auto next = ids_of(open_shuffled_records(files, 1, 1)), other = ids_of(open_shuffled_records(files, 2, 0));
  CHECK(first == again);
  CHECK(first != next);
  CHECK(first != other);
  CHECK_FALSE(std::is_sorted(first.begin(), first.end()));
  CHECK(std::set<std::uint64_t>(next.begin(), next.end()).size() == 150);
}

TEST_CASE("image streams: a split record is found and read", "[formats][image]") {
  const ScratchFolder folder;
  const std::string magic = "\x0a\x23\xd7\xce";
  ImageRecordWriter writer(folder / "a.rec");
  writer.write({1, {1}, false, magic + magic + "tail"});
  writer.write({2, {2}, false, "plain"});
  writer.commit();
  CHECK(record_offsets(folder / "a.rec") == std::vector<std::uint64_t>{0, 52});
  auto source = open_shuffled_records(expand_path(folder / "a.rec"), 1, 0);
  for (EncodedImage image; source->next(image);) CHECK(image.record.image == (image.record.id == 1 ? magic + magic + "tail" : "plain"));
}

TEST_CASE("image streams: an index of another file is refused", "[formats][image]") {
  const ScratchFolder folder;
  write_records(folder / "a.rec", 3);
  CHECK(record_offsets(folder / "a.rec").size() == 3);
  const auto refusal = [&](const std::string& index) {
    folder.write("a.idx", index);
    return error_of([&] { record_offsets(folder / "a.rec"); });
  };
  CHECK_THAT(refusal("0\t0\n1\t40\n"), Contains("2 entries") && Contains("3 records"));
  CHECK_THAT(refusal("0\t0\n1\t4\n2\t8\n"), Contains("offset 4") && Contains("no record"));
  CHECK_THAT(refusal("0 0\n"), Contains("a.idx:1") && Contains("expected a key"));
}

TEST_CASE("image streams: files that are cut off are refused when they are indexed", "[formats][image]") {
  const ScratchFolder folder;
  write_records(folder / "a.rec", 3);
  const std::string whole = read_file(folder / "a.rec");
  folder.write("b.rec", whole.substr(0, whole.size() - 9));
  CHECK_THAT(error_of([&] { record_offsets(folder / "b.rec"); }), Contains("b.rec, record 2") && Contains("truncated"));
  folder.write("c.rec", whole + "no record");
  CHECK_THAT(error_of([&] { record_offsets(folder / "c.rec"); }), Contains("record 3") && Contains("magic"));
}

TEST_CASE("image streams: bad images end them with the place, or are left out", "[formats][image]") {
  const ScratchFolder folder;
  ImageRecordWriter writer(folder / "a.rec");
  for (std::uint64_t i = 0; i < 6; ++i) {
    writer.write({i, {0}, false, i == 2 ? picture(10, 0).substr(0, 60) : i == 4 ? "no image" : picture(10, 0)});
  }
  writer.commit();
  CollectedLog log;
  ImageSample sample;
  ImageStream strict(open_image_records(expand_path(folder / "a.rec"), log), {}, log);
  CHECK(strict.next(sample));
  CHECK(strict.next(sample));
  CHECK_THAT(error_of([&] { strict.next(sample); }), Contains("a.rec, record 2 (byte") && Contains("cut off"));
  ImageStreamOptions options;
  options.skip_bad_images = 2;
  ImageStream lenient(open_image_records(expand_path(folder / "a.rec"), log), options, log);
  std::vector<std::uint64_t> ids;
  while (lenient.next(sample)) ids.push_back(sample.id);
  CHECK(ids == std::vector<std::uint64_t>{0, 1, 3, 5});
  CHECK(lenient.left_out() == 2);
  CHECK(log.lines.size() == 2);
}

TEST_CASE("image streams: folders and lists", "[formats][image]") {
  const ScratchFolder folder;
  folder.write("images/b/x.png", picture(10, 1));
  folder.write("images/a/y.png", picture(10, 0));
  NullLog log;
  ImageFolder images = list_image_folder(folder / "images");
  ImageStream from_folder(open_image_folder(images, image_order(2, false, 0, "")), {}, log);
  ImageSample sample;
  REQUIRE(from_folder.next(sample));
  CHECK(sample.place == folder / "images/a/y.png");
  REQUIRE(from_folder.next(sample));
  CHECK(sample.labels == std::vector<float>{1});
  CHECK_FALSE(from_folder.next(sample));
  folder.write("a.lst", "7\t1\t0\tb/x.png\n7\t0\t0\ta/y.png\n");
  ImageStream from_list(open_image_lists(expand_path(folder / "a.lst"), folder / "images"), {}, log);
  REQUIRE(from_list.next(sample));
  CHECK(sample.vector);
  CHECK(sample.id == 7);
  REQUIRE(from_list.next(sample));
  CHECK_THAT(error_of([&] { from_list.next(sample); }), Contains("a.lst:2: index 7 is that of line 1 too"));
}

}  // namespace smtrain::formats::image
