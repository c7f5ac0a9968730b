#include "formats/image/image_list.h"

#include <catch2/catch.hpp>
#include <random>

#include "base/error.h"
#include "formats/io/input_files.h"
#include "formats/recordio_samples.h"
#include "formats/scratch_folder.h"

namespace smtrain::formats::image {
namespace {

using Catch::Contains;
using test::error_of;

std::vector<PlacedImage> read_all(const std::string& path) {
  ImageListReader reader(expand_path(path), 2);
  std::vector<PlacedImage> images;
  for (PlacedImage image; reader.next(image);) images.push_back(image);
  reader.check_unique();
  return images;
}

}  // namespace

TEST_CASE("image lists: the lines of the format's description", "[formats][image]") {
  const ScratchFolder folder;
  const auto images = read_all(folder.write("a.lst",
                                            "5\t1\tyour_image_directory/train_img_dog1.jpg\n"
                                            "1000\t0.000000\tmy folder/cat 1.jpg\r\n"
                                            "\n"
                                            "2676\t1\t0\t0\t1\t0\t000000327617.jpg"));
  REQUIRE(images.size() == 3);
  CHECK(images[0].image.index == 5);
  CHECK(images[0].image.labels == std::vector<float>{1});
  CHECK(images[0].image.path == "your_image_directory/train_img_dog1.jpg");
  CHECK(images[1].image.path == "my folder/cat 1.jpg");
  CHECK(images[1].image.labels == std::vector<float>{0});
  CHECK(images[2].image.labels == std::vector<float>{1, 0, 0, 1, 0});
  CHECK(images[2].line == 4);
}

TEST_CASE("image lists: random ones come back", "[formats][image]") {
  const unsigned seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 draw(seed);
  const ScratchFolder folder;
  std::vector<ListedImage> images;
  std::string text;
  for (std::uint64_t i = 0; i < 500; ++i) {
    ListedImage image{i * 7, {}, fmt::format("a{}/b c{}.jpg", draw() % 9, i)};
    for (std::size_t n = 1 + draw() % 4; image.labels.size() < n;) image.labels.push_back(static_cast<float>(draw() % 4000) / 16);
    append_list_line(text, image);
    images.push_back(image);
  }
  const auto found = read_all(folder.write("a.lst", text));
  REQUIRE(found.size() == images.size());
  for (std::size_t i = 0; i < images.size(); ++i) {
    CHECK(found[i].image.index == images[i].index);
    CHECK(found[i].image.labels == images[i].labels);
    CHECK(found[i].image.path == images[i].path);
  }
}

TEST_CASE("image lists: whole labels are written without a point", "[formats][image]") {
  std::string line;
  append_list_line(line, {3, {2, 0.25f}, "a.jpg"});
  CHECK(line == "3\t2\t0.25\ta.jpg\n");
  CHECK_THROWS_WITH(append_list_line(line, {3, {2}, "a\tb.jpg"}), Contains("rename the file"));
}

TEST_CASE("image lists: bad lines are refused with file, line and what was expected", "[formats][image]") {
  const ScratchFolder folder;
  const auto refusal = [&](const std::string& line) {
    const std::string path = folder.write("bad.lst", "1\t0\ta.jpg\n" + line + "\n");
    return error_of([&] { read_all(path); });
  };
  CHECK_THAT(refusal("2 0 b.jpg"), Contains("bad.lst:2: 1 column apart by tabs"));
  CHECK_THAT(refusal("2\tb.jpg"), Contains("bad.lst:2: 2 columns"));
  CHECK_THAT(refusal("-2\t0\tb.jpg"), Contains("the index is \"-2\""));
  CHECK_THAT(refusal("2.5\t0\tb.jpg"), Contains("the index is \"2.5\""));
  CHECK_THAT(refusal("2\tcat\tb.jpg"), Contains("label 1 is \"cat\""));
  CHECK_THAT(refusal("2\tnan\tb.jpg"), Contains("label 1 is \"nan\""));
  CHECK_THAT(refusal("1\t0\tb.jpg"), Contains("bad.lst:2: index 1 is that of line 1 too"));
}

TEST_CASE("image lists: no path leads out of the folder", "[formats][image]") {
  CHECK(path_below("data", "a/b.jpg") == "data/a/b.jpg");
  CHECK(path_below("data/", "./a/../b.jpg") == "data/b.jpg");
  CHECK(path_below(".", "a.jpg") == "a.jpg");
  CHECK(path_below("/", "/tmp/a.jpg") == "/tmp/a.jpg");
  CHECK_THROWS_WITH(path_below("data", "../secret.jpg"), Contains("leads out of data"));
  CHECK_THROWS_WITH(path_below("data", "a/../../secret.jpg"), Contains("leads out of"));
  CHECK_THROWS_WITH(path_below("data", "/etc/passwd"), Contains("--root"));
}

}  // namespace smtrain::formats::image
