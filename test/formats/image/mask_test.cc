#include "formats/image/mask.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "formats/image/decode.h"
#include "formats/image/mask_pairs.h"
#include "formats/scratch_folder.h"

using namespace smtrain;
using namespace smtrain::formats;
using namespace smtrain::formats::image;
using Catch::Contains;

namespace {

std::string sample(const std::string& name) { return read_file(std::string(SMTRAIN_TEST_DATA) + "/masks/" + name); }

Mask random_mask(RandomStream& draw, bool palette) {
  Mask mask{static_cast<std::uint32_t>(1 + draw.below(40)), static_cast<std::uint32_t>(1 + draw.below(40)), {}, {}};
  for (std::size_t i = 0; i < std::size_t{mask.width} * mask.height; ++i)
    mask.labels.push_back(static_cast<std::uint8_t>(draw.below(256)));
  if (palette) mask.palette = voc_palette();
  return mask;
}

std::string map_message(const std::string& text) {
  try {
    parse_label_map(text, "m.json");
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

std::vector<int> mapped(const std::string& text, std::vector<std::uint8_t> values, std::uint64_t* unknown = nullptr) {
  Mask mask{static_cast<std::uint32_t>(values.size()), 1, values, {}};
  const std::uint64_t count = apply_label_map(parse_label_map(text, "m.json"), mask);
  if (unknown != nullptr) *unknown = count;
  return {mask.labels.begin(), mask.labels.end()};
}

}  // namespace

TEST_CASE("mask: writing and reading gives the same labels and colours", "[formats][mask]") {
  RandomStream draw(3, "masks");
  for (int i = 0; i < 60; ++i) {
    const Mask mask = random_mask(draw, i % 2 == 0);
    const std::string bytes = encode_mask(mask);
    const Mask read = decode_mask(bytes);
    CHECK(read.width == mask.width);
    CHECK(read.height == mask.height);
    CHECK(read.labels == mask.labels);
    CHECK(read.palette == mask.palette);
  }
}

TEST_CASE("mask: indices of all depths come unscaled", "[formats][mask]") {
  // Written by hand from the PNG specification: 7 x 3 pixels of 0, 1, 2, ... modulo 2^depth.
  for (const std::string kind : {"palette", "grey"}) {
    for (const int depth : {1, 2, 4, 8}) {
      CAPTURE(kind, depth);
      const Mask mask = decode_mask(sample(kind + std::to_string(depth) + ".png"));
      REQUIRE(mask.width == 7);
      REQUIRE(mask.height == 3);
      for (std::size_t i = 0; i < 21; ++i) CHECK(mask.labels[i] == i % (1u << depth));
      CHECK(mask.palette.empty() == (kind == "grey"));
    }
  }
}

TEST_CASE("mask: what has no labels is refused with what to do", "[formats][mask]") {
  const auto message = [](const std::string& bytes) {
    try {
      decode_mask(bytes);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  Pixels pixels;
  pixels.resize(4, 3);
  CHECK_THAT(message(encode_image(pixels, {ImageKind::png, {}})),
             Contains("a PNG of colours of 8 bits") && Contains("--palette"));
  CHECK_THAT(message(encode_image(pixels, {ImageKind::jpeg, {}})), Contains("a JPEG, expected a PNG"));
  CHECK_THAT(message(sample("grey16.png")), Contains("grey levels of 16 bits"));
  const std::string whole = sample("palette4.png");
  for (std::size_t n = 0; n + 12 < whole.size(); ++n) {
    CAPTURE(n);
    CHECK_FALSE(message(whole.substr(0, n)).empty());
  }
  CHECK_THROWS_WITH(decode_mask(whole, 20), Contains("21") || Contains("20"));
}

TEST_CASE("mask: VOC's colours are those of the challenge", "[formats][mask]") {
  const std::vector<Color> colors = voc_palette();
  REQUIRE(colors.size() == 256);
  CHECK(colors[0] == Color{0, 0, 0});
  CHECK(colors[1] == Color{128, 0, 0});
  CHECK(colors[2] == Color{0, 128, 0});
  CHECK(colors[3] == Color{128, 128, 0});
  CHECK(colors[15] == Color{192, 128, 128});
  CHECK(colors[20] == Color{0, 64, 128});
  CHECK(colors[255] == Color{224, 224, 192});
}

TEST_CASE("mask: colours become labels and back", "[formats][mask]") {
  const std::vector<Color> palette = parse_palette("0 0 0 background\n\n128, 64, 128 road\r\n1\t2\t3\n", "p.txt");
  CHECK(palette == std::vector<Color>{{0, 0, 0}, {128, 64, 128}, {1, 2, 3}});
  Pixels pixels;
  pixels.resize(2, 2);
  pixels.rgb = {1, 2, 3, 0, 0, 0, 128, 64, 128, 1, 2, 3};
  CHECK(mask_of_colors(pixels, palette).labels == std::vector<std::uint8_t>{2, 0, 1, 2});
  pixels.rgb[7] = 65;
  CHECK_THROWS_WITH(mask_of_colors(pixels, palette), Contains("x 0, y 1") && Contains("128 65 128") && Contains("palette's 3"));
  CHECK_THROWS_WITH(parse_palette("0 0 0\n1 2\n", "p.txt"), Contains("p.txt:2"));
  CHECK_THROWS_WITH(parse_palette("0 0 256\n", "p.txt"), Contains("p.txt:1"));
  CHECK_THROWS_WITH(parse_palette("0 0 0\n1 1 1\n0 0 0\n", "p.txt"), Contains("p.txt:3") && Contains("line 1"));
  CHECK_THROWS_WITH(parse_palette("\n", "p.txt"), Contains("holds no colour"));
}

TEST_CASE("label map: the documented map turns 0, 5, 2 into 1, 0, 2", "[formats][mask]") {
  std::uint64_t unknown = 9;
  CHECK(mapped(R"({"map": {"0": 5, "1": 0, "2": 2}})", {0, 5, 2}, &unknown) == std::vector<int>{1, 0, 2});
  CHECK(unknown == 0);
  CHECK(mapped(R"({"map": {"0": "5", "1": 0}})", {0, 5, 2, 3, 255}, &unknown) == std::vector<int>{1, 0, 255, 255, 255});
  CHECK(unknown == 2);
}

TEST_CASE("label map: a scale rounds down, and a hole stays one", "[formats][mask]") {
  CHECK(mapped(R"({"scale": "3"})", {0, 2, 3, 254, 255}) == std::vector<int>{0, 0, 1, 84, 255});
  CHECK(mapped(R"({"scale": 1})", {0, 7, 255}) == std::vector<int>{0, 7, 255});
}

TEST_CASE("label map: what is none is refused", "[formats][mask]") {
  CHECK_THAT(map_message("{}"), Contains("m.json: has neither"));
  CHECK_THAT(map_message(R"({"scale":1,"map":{}})"), Contains("m.json: has both"));
  CHECK_THAT(map_message(R"({"scale":0})"), Contains("scale: found 0, expected an integer from 1 to 255"));
  CHECK_THAT(map_message(R"({"scale":"x"})"), Contains("scale: found \"x\""));
  CHECK_THAT(map_message(R"({"map":{"0":1,"1":"1"}})"), Contains("map.1: the pixel value 1 means label 0 already"));
  CHECK_THAT(map_message(R"({"map":{"0":256}})"), Contains("map.0: found 256"));
  CHECK_THAT(map_message(R"({"map":{"256":0}})"), Contains("map: found \"256\""));
  CHECK_THAT(map_message(R"({"map":{"0":1,"0":2}})"), Contains("label 0 comes twice"));
  CHECK_THAT(map_message(R"({"map":[1]})"), Contains("map: found an array, expected an object"));
  CHECK_THAT(map_message("{"), Contains("m.json: no valid JSON"));
}

TEST_CASE("mask: a label beyond the classes is named with its pixel", "[formats][mask]") {
  const Mask mask{3, 2, {0, 1, 2, 255, 3, 0}, {}};
  CHECK_NOTHROW(check_mask_labels(mask, 4));
  CHECK_THROWS_WITH(check_mask_labels(mask, 3), Contains("x 1, y 1") && Contains("label 3, expected one below 3"));
}

TEST_CASE("masks: images and masks are paired by base name", "[formats][mask]") {
  const ScratchFolder folder;
  for (const std::string name : {"images/b.jpg", "images/sub/a.JPEG", "masks/a.png", "masks/x/b.png"}) folder.write(name, "x");
  const std::vector<MaskPair> pairs = pair_masks(folder / "images", folder / "masks");
  REQUIRE(pairs.size() == 2);
  CHECK(pairs[0].name == "a");
  CHECK(pairs[0].image == folder / "images/sub/a.JPEG");
  CHECK(pairs[0].mask == folder / "masks/a.png");
  CHECK(pairs[1].mask == folder / "masks/x/b.png");
  folder.write("images/c.png", "x");
  CHECK_THROWS_WITH(pair_masks(folder / "images", folder / "masks"), Contains("images/c.png: there is no mask c.png"));
  folder.write("masks/c.png", "x");
  folder.write("masks/d.png", "x");
  CHECK_THROWS_WITH(pair_masks(folder / "images", folder / "masks"), Contains("masks/d.png: there is no image d.jpg"));
  folder.write("masks/y/a.png", "x");
  CHECK_THROWS_WITH(pair_masks(folder / "images", folder / "masks"), Contains("has the base name of"));
}
