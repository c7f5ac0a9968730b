#include <catch2/catch.hpp>
#include <filesystem>
#include <random>

#include "formats/image/decode.h"
#include "formats/image/image_list.h"
#include "formats/image/image_record_reader.h"
#include "formats/image/image_record_writer.h"
#include "run/convert/convert_help.h"

namespace smtrain {
namespace {

namespace fs = std::filesystem;
namespace image = formats::image;
using Catch::Matchers::Contains;
using test::converted;
using test::error_of;
using test::request;
using test::TemporaryFolder;

std::string refusal(const run::ConvertRequest& r) {
  return error_of([&] { converted(r); });
}

std::string picture(std::uint32_t width, std::uint32_t height, int shade, image::ImageKind kind = image::ImageKind::jpeg) {
  image::Pixels pixels;
  pixels.resize(width, height);
  std::fill(pixels.rgb.begin(), pixels.rgb.end(), static_cast<std::uint8_t>(shade));
  return image::encode_image(pixels, {kind, {}});
}

/// Two classes of images below images/, some PNG.
std::string make_images(const TemporaryFolder& folder, int count = 30) {
  for (int i = 0; i < count; ++i) {
    const bool png = i % 5 == 0;
    folder.write(fmt::format("images/{}/{:03}.{}", i % 2 ? "dog" : "cat", i, png ? "png" : "jpg"),
                 picture(40 + static_cast<std::uint32_t>(i), 30, 8 * i, png ? image::ImageKind::png : image::ImageKind::jpeg));
  }
  return (folder / "images").string();
}

std::vector<image::ImageRecord> records_of(const std::string& path) {
  NullLog log;
  image::ImageRecordReader reader(formats::expand_path(path), 1, log);
  std::vector<image::ImageRecord> records;
  for (image::PlacedRecord placed; reader.next(placed);) records.push_back(placed.record);
  return records;
}

std::vector<image::ListedImage> lines_of(const std::string& path) {
  image::ImageListReader reader(formats::expand_path(path), 1);
  std::vector<image::ListedImage> lines;
  for (image::PlacedImage placed; reader.next(placed);) lines.push_back(placed.image);
  return lines;
}

}  // namespace

TEST_CASE("convert: a folder of images becomes a list, classes by folder, shuffled by the seed", "[run][convert][image]") {
  const TemporaryFolder folder;
  const std::string images = make_images(folder);
  const std::string console = converted(request(images, folder / "a.lst"));
  CHECK_THAT(console, Contains("30 images of 2 classes"));
  CHECK_THAT(console, Contains("label 1: dog"));
  const auto lines = lines_of(folder / "a.lst");
  REQUIRE(lines.size() == 30);
  bool in_order = true;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    in_order = in_order && lines[i].index == i;
    CHECK(lines[i].labels == std::vector<float>{lines[i].path.starts_with("dog/") ? 1.0f : 0.0f});
  }
  CHECK_FALSE(in_order);
  run::ConvertRequest plain = request(images, folder / "b.lst");
  plain.images.no_shuffle = true;
  converted(plain);
  CHECK(folder.read("b.lst").starts_with("0\t0\tcat/000.png\n1\t0\tcat/002.jpg\n"));
}

TEST_CASE("convert: list and folder to records keep the images' bytes, the same for any threads", "[run][convert][image]") {
  const TemporaryFolder folder;
  const std::string images = make_images(folder);
  converted(request(images, folder / "a.lst"));
  run::ConvertRequest from_list = request(folder / "a.lst", folder / "a.rec");
  from_list.root = images;
  CHECK_THAT(converted(from_list), Contains("30 images"));
  const auto lines = lines_of(folder / "a.lst");
  const auto records = records_of(folder / "a.rec");
  REQUIRE(records.size() == 30);
  for (std::size_t i = 0; i < 30; ++i) {
    CHECK(records[i].id == lines[i].index);
    CHECK(records[i].labels == lines[i].labels);
    CHECK_FALSE(records[i].vector);
    CHECK(records[i].image == folder.read("images/" + lines[i].path));
  }
  converted(request(images, folder / "b.rec", 1));
  CHECK(folder.read("a.rec") == folder.read("b.rec"));
  CHECK(folder.read("a.idx") == folder.read("b.idx"));
  CHECK(folder.read("a.idx").starts_with(fmt::format("{}\t0\n", lines[0].index)));
}

TEST_CASE("convert: records to a folder and back are the same records", "[run][convert][image]") {
  const TemporaryFolder folder;
  converted(request(make_images(folder), folder / "a.rec"));
  CHECK_THAT(converted(request(folder / "a.rec", folder / "out")), Contains("30 images"));
  CHECK(fs::exists(folder / "out/0001/00000017.png"));
  run::ConvertRequest back = request(folder / "out/images.lst", folder / "b.rec");
  converted(back);
  CHECK(folder.read("a.rec") == folder.read("b.rec"));
  CHECK_THAT(refusal(request(folder / "a.rec", folder / "out")), Contains("not empty"));
}

TEST_CASE("convert: several labels are packed, and one when asked", "[run][convert][image]") {
  const TemporaryFolder folder;
  folder.write("a.jpg", picture(8, 8, 10));
  run::ConvertRequest r = request(folder.write("a.lst", "4\t1\t0\t1\ta.jpg\n5\t2\ta.jpg\n"), folder / "a.rec");
  converted(r);
  auto records = records_of(folder / "a.rec");
  CHECK(records[0].labels == std::vector<float>{1, 0, 1});
  CHECK(records[0].vector);
  CHECK_FALSE(records[1].vector);
  r.images.pack_label = true;
  converted(r);
  CHECK(records_of(folder / "a.rec")[1].vector);
  converted(request(folder / "a.rec", folder / "out"));
  CHECK(folder.read("out/images.lst") == "4\t1\t0\t1\t00000004.jpg\n5\t2\t00000005.jpg\n");
}

TEST_CASE("convert: images are cropped, resized and encoded anew when asked", "[run][convert][image]") {
  const TemporaryFolder folder;
  const std::string images = make_images(folder, 10);
  run::ConvertRequest r = request(images, folder / "a.rec");
  r.images.resize = 16;
  converted(r);
  for (const image::ImageRecord& record : records_of(folder / "a.rec")) {
    const image::ImageInfo info = image::check_image(record.image);
    CHECK(info.height == 16);
    CHECK(info.width == (40 + static_cast<std::uint32_t>(record.id < 5 ? 2 * record.id : 2 * record.id - 9)) * 16 / 30);
  }
  r.images.center_crop = true;
  r.images.encoding = "png";
  r.images.quality = 1;
  r.output = folder / "b.rec";
  converted(r);
  for (const image::ImageRecord& record : records_of(folder / "b.rec")) {
    const image::ImageInfo info = image::check_image(record.image);
    CHECK(info.kind == image::ImageKind::png);
    CHECK(info.width == 16);
    CHECK(info.height == 16);
  }
  run::ConvertRequest again = request(folder / "b.rec", folder / "c.rec");
  again.images.encoding = "jpg";
  converted(again);
  CHECK(image::check_image(records_of(folder / "c.rec")[3].image).kind == image::ImageKind::jpeg);
  CHECK(records_of(folder / "c.rec")[3].id == records_of(folder / "b.rec")[3].id);
}

TEST_CASE("convert: options of images that make no sense are refused", "[run][convert][image]") {
  const TemporaryFolder folder;
  run::ConvertRequest r = request(make_images(folder, 2), folder / "a.rec");
  r.images.resize = 16;
  r.images.pass_through = true;
  CHECK_THAT(refusal(r), Contains("--pass-through"));
  r.images = {};
  r.images.resize = 0;
  CHECK_THAT(refusal(r), Contains("--resize 0"));
  r.images = {};
  r.images.encoding = "png";
  r.images.quality = 95;
  CHECK_THAT(refusal(r), Contains("0 to 9 for PNG"));
  CHECK_THAT(refusal(request(folder / "images", folder / "a.csv")), Contains("cannot become a table") && Contains("lst, image-records"));
  CHECK_FALSE(fs::exists(folder / "a.rec"));
}

TEST_CASE("convert: a bad image ends the conversion by name, or is left out and counted", "[run][convert][image]") {
  const TemporaryFolder folder;
  const std::string images = make_images(folder, 6);
  const std::string good = folder.read("images/dog/003.jpg");
  folder.write("images/dog/003.jpg", good.substr(0, good.size() / 2));
  run::ConvertRequest r = request(images, folder / "a.rec");
  CHECK_THAT(refusal(r), Contains("images/dog/003.jpg: a JPEG that ends") && Contains("--skip-bad-images"));
  CHECK_FALSE(fs::exists(folder / "a.rec"));
  CHECK_FALSE(fs::exists(folder / "a.idx"));
  r.images.skip_bad_images = 1;
  const std::string console = converted(r);
  CHECK_THAT(console, Contains("003.jpg"));
  CHECK_THAT(console, Contains("1 image could not be read and was left out"));
  CHECK(records_of(folder / "a.rec").size() == 5);
  folder.write("images/dog/005.png", "no image");
  CHECK_THAT(refusal(r), Contains("all that --skip-bad-images allows"));
}

TEST_CASE("convert: what a list names is looked for below the root, and found missing by line", "[run][convert][image]") {
  const TemporaryFolder folder;
  folder.write("pictures/a.jpg", picture(8, 8, 10));
  run::ConvertRequest r = request(folder.write("a.lst", "0\t0\ta.jpg\n1\t0\tb.jpg\n"), folder / "a.rec");
  r.root = folder / "pictures";
  CHECK_THAT(refusal(r), Contains("a.lst:2:") && Contains("b.jpg"));
  folder.write("a.lst", "0\t0\ta.jpg\n1\t0\t../a.lst\n");
  CHECK_THAT(refusal(r), Contains("a.lst:2:") && Contains("leads out"));
  folder.write("a.lst", "0\t0\ta.jpg\n0\t0\ta.jpg\n");
  CHECK_THAT(refusal(r), Contains("a.lst:2: index 0 is that of line 1 too"));
  CHECK_FALSE(fs::exists(folder / "a.rec"));
}

TEST_CASE("convert: records that share an id get indices of their own", "[run][convert][image]") {
  const TemporaryFolder folder;
  {
    image::ImageRecordWriter writer(folder / "a.rec");
    for (const std::uint64_t id : {0, 0, 5, 0, 5}) writer.write({id, {1}, false, picture(8, 8, 10)});
    writer.commit();
  }
  CHECK_THAT(converted(request(folder / "a.rec", folder / "out")), Contains("3 records have an id"));
  std::vector<std::uint64_t> indices;
  for (const image::ListedImage& line : lines_of(folder / "out/images.lst")) indices.push_back(line.index);
  CHECK(indices == std::vector<std::uint64_t>{0, 1, 5, 6, 7});
}

TEST_CASE("convert: turned images are told of, and turned when they are encoded anew", "[run][convert][image]") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "images");
  fs::copy_file(fs::path(SMTRAIN_TEST_DATA) / "images/turned.jpg", folder / "images/a.jpg");
  run::ConvertRequest r = request(folder / "images", folder / "a.rec");
  CHECK_THAT(converted(r), Contains("1 image has an EXIF orientation"));
  r.images.encoding = "png";
  CHECK_THAT(converted(r), Contains("1 image turned upright"));
  CHECK(image::check_image(records_of(folder / "a.rec")[0].image).width == 21);
}

TEST_CASE("convert: the depfile names what was read", "[run][convert][image]") {
  const TemporaryFolder folder;
  folder.write("a.jpg", picture(8, 8, 10));
  run::ConvertRequest r = request(folder.write("a.lst", "0\t0\ta.jpg\n"), folder / "a.rec");
  r.depfile = folder / "a.d";
  converted(r);
  CHECK_THAT(folder.read("a.d"), Contains("a.rec:") && Contains("a.lst") && Contains("a.jpg"));
}

}  // namespace smtrain
