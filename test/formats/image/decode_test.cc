#include "formats/image/decode.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <random>

#include "base/error.h"
#include "base/file.h"
#include "formats/image/resize.h"

namespace smtrain::formats::image {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

const fs::path kFolder = fs::path(SMTRAIN_TEST_DATA) / "images";

std::string sample(const std::string& name) { return read_file(kFolder / name); }

Pixels decoded(const std::string& bytes, DecodeOptions options = {}) {
  Pixels pixels;
  decode_image(bytes, options, pixels);
  return pixels;
}

std::string text_of(const Pixels& pixels) { return {reinterpret_cast<const char*>(pixels.rgb.data()), pixels.rgb.size()}; }

std::string refusal(const std::string& bytes, DecodeOptions options = {}) {
  try {
    decoded(bytes, options);
  } catch (const Error& e) {
    CHECK(e.fault() == Fault::user);
    return e.what();
  }
  return "";
}

std::string check_refusal(const std::string& bytes) {
  try {
    check_image(bytes);
  } catch (const Error& e) {
    CHECK(e.fault() == Fault::user);
    return e.what();
  }
  return "";
}

Pixels random_pixels(std::mt19937& draw, std::uint32_t width, std::uint32_t height) {
  Pixels pixels;
  pixels.resize(width, height);
  for (std::uint8_t& byte : pixels.rgb) byte = static_cast<std::uint8_t>(draw());
  return pixels;
}

Pixels smooth_pixels(std::uint32_t width, std::uint32_t height) {
  Pixels pixels;
  pixels.resize(width, height);
  for (std::uint32_t y = 0; y < height; ++y) {
    for (std::uint32_t x = 0; x < width; ++x) {
      std::uint8_t* p = pixels.row(y) + 3 * x;
      p[0] = static_cast<std::uint8_t>(255 * x / width);
      p[1] = static_cast<std::uint8_t>(255 * y / height);
      p[2] = 128;
    }
  }
  return pixels;
}

int largest_difference(const Pixels& a, const Pixels& b) {
  int largest = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) largest = std::max(largest, std::abs(int{a.rgb[i]} - int{b.rgb[i]}));
  return largest;
}

}  // namespace

TEST_CASE("images: every kind decodes to the pixels that Pillow reads", "[formats][image]") {
  std::size_t seen = 0;
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    const std::string name = entry.path().filename().string();
    std::string pixels = name;
    std::replace(pixels.begin(), pixels.end(), '.', '_');
    if (!has_image_suffix(name) || !fs::exists(kFolder / (pixels + ".rgb"))) continue;
    CAPTURE(name);
    const std::string bytes = sample(name);
    const Pixels found = decoded(bytes);
    CHECK(found.width == 29);
    CHECK(found.height == 21);
    CHECK((text_of(found) == sample(pixels + ".rgb")));
    CHECK(check_image(bytes).width == 29);
    ++seen;
  }
  CHECK(seen == 16);
}

TEST_CASE("images: the header says kind, channels and orientation", "[formats][image]") {
  for (const char* name : {"turned.jpg", "turned.png"}) {
    CHECK(read_image_info(sample(name)).orientation == 6);
    CHECK(check_image(sample(name)).orientation == 6);
  }
  CHECK(read_image_info(sample("rgb.jpg")).orientation == 1);
  CHECK(read_image_info(sample("cmyk.jpg")).channels == 4);
  CHECK(read_image_info(sample("grey.jpg")).channels == 1);
  CHECK(read_image_info(sample("grey_alpha.png")).channels == 2);
  CHECK(read_image_info(sample("rgba.png")).channels == 4);
  CHECK(read_image_info(sample("palette8.png")).channels == 3);
  CHECK(read_image_info(sample("palette8.png")).kind == ImageKind::png);
}

TEST_CASE("images: one that is cut off anywhere is refused", "[formats][image]") {
  for (const char* name : {"rgb.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg", "rgb.png", "interlaced.png", "palette4.png"}) {
    const std::string whole = sample(name);
    // The end marker of a JPEG may be missing: its pixels are all there. Some bits before it may be none that count.
    const bool jpeg = read_image_info(whole).kind == ImageKind::jpeg;
    for (std::size_t size = 0; size + (jpeg ? 6 : 0) < whole.size(); ++size) {
      CAPTURE(name, size, whole.size());
      CHECK(refusal(whole.substr(0, size)) != "");
      CHECK(check_refusal(whole.substr(0, size)) != "");
    }
  }
  CHECK_THAT(check_refusal(sample("rgb.jpg").substr(0, 700)), Contains("ends after 700 bytes") && Contains("cut off"));
  CHECK_THAT(refusal(sample("rgb.jpg").substr(0, 700)), Contains("premature end"));
  CHECK_THAT(refusal(sample("rgb.png").substr(0, 700)), Contains("cut off"));
}

TEST_CASE("images: damage is told from whole files", "[formats][image]") {
  std::string bytes = sample("rgb.png");
  bytes[bytes.find("IDAT") + 40] ^= 1;
  CHECK_THAT(check_refusal(bytes), Contains("checksum") && Contains("IDAT"));
  CHECK_THAT(refusal(bytes), Contains("cannot be decoded"));
  std::string jpeg = sample("rgb.jpg");
  jpeg.replace(jpeg.size() - 60, 30, 30, '\xFE');  // no code of the tables
  CHECK(refusal(jpeg) != "");
}

TEST_CASE("images: what is no image is named", "[formats][image]") {
  CHECK_THAT(refusal("{\"a\": 1}"), Contains("JSON") && Contains("expected a JPEG or PNG"));
  CHECK_THAT(refusal(std::string("GIF89a\1\0", 8)), Contains("47 49 46 38"));
  CHECK_THAT(refusal(""), Contains("an empty file"));
}

TEST_CASE("images: bombs are refused by their header", "[formats][image]") {
  std::string png = sample("rgb.png");
  png.replace(16, 8, std::string("\x00\x00\x7f\xff\x00\x00\x7f\xff", 8));
  CHECK_THAT(refusal(png), Contains("32767 x 32767") && Contains("--max-image-pixels"));
  png.replace(16, 8, std::string("\x00\x00\x27\xff\x00\x00\x27\xff", 8));
  CHECK_THAT(refusal(png), Contains("bytes cannot hold") && Contains("bomb"));
  std::string jpeg = sample("rgb.jpg");
  const std::size_t frame = jpeg.find("\xFF\xC0");
  jpeg.replace(frame + 5, 4, "\x27\x10\x27\x10");
  CHECK_THAT(refusal(jpeg), Contains("10000 x 10000") && Contains("bytes cannot hold"));
  CHECK_THAT(refusal(sample("rgb.jpg"), {.max_pixels = 600}), Contains("29 x 21") && Contains("at most 600"));
  CHECK(refusal(sample("rgb.jpg"), {.max_pixels = 609}) == "");
}

TEST_CASE("images: a progressive JPEG of endless scans ends", "[formats][image]") {
  std::string bytes = sample("progressive.jpg");
  const std::size_t second = bytes.find("\xFF\xDA", bytes.find("\xFF\xDA") + 2);
  const std::size_t end = bytes.find("\xFF\xC4", second);
  const std::string scan = bytes.substr(second, end - second);
  std::string bomb = bytes.substr(0, end);
  for (int i = 0; i < 200; ++i) bomb += scan;
  bomb += bytes.substr(end);
  CHECK_THAT(refusal(bomb), Contains("more than 100 scans"));
}

TEST_CASE("images: pixels survive PNG as they are and JPEG nearly", "[formats][image]") {
  const unsigned seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 draw(seed);
  for (int round = 0; round < 20; ++round) {
    const auto width = static_cast<std::uint32_t>(1 + draw() % 70), height = static_cast<std::uint32_t>(1 + draw() % 70);
    const Pixels noise = random_pixels(draw, width, height);
    for (const int level : {0, 6, 9}) {
      const std::string bytes = encode_image(noise, {ImageKind::png, level});
      check_image(bytes);
      CHECK((text_of(decoded(bytes)) == text_of(noise)));
    }
    const Pixels smooth = smooth_pixels(width + 20, height + 20);
    const std::string bytes = encode_image(smooth, {});
    CHECK(check_image(bytes).width == width + 20);
    CHECK(largest_difference(decoded(bytes), smooth) < 24);
  }
}

TEST_CASE("images: a quality out of range is refused", "[formats][image]") {
  CHECK_NOTHROW(check_encoding({}));
  CHECK_THROWS_WITH(check_encoding({ImageKind::jpeg, 0}), Contains("1 to 100"));
  CHECK_THROWS_WITH(check_encoding({ImageKind::png, 95}), Contains("0 to 9"));
}

TEST_CASE("images: a JPEG comes smaller when its shorter side may be", "[formats][image]") {
  const std::string bytes = encode_image(smooth_pixels(400, 203), {});
  for (const auto& [side, width, height] : {std::tuple{0u, 400u, 203u}, {203u, 400u, 203u}, {102u, 200u, 102u}, {103u, 400u, 203u},
                                            {51u, 100u, 51u}, {26u, 50u, 26u}, {3u, 50u, 26u}}) {
    const Pixels pixels = decoded(bytes, {.short_side = side});
    CAPTURE(side);
    CHECK(pixels.width == width);
    CHECK(pixels.height == height);
    CHECK(largest_difference(pixels, smooth_pixels(width, height)) < 16);
  }
}

TEST_CASE("images: resized as Pillow does", "[formats][image]") {
  const Pixels pixels = decoded(sample("rgb.png"));
  CHECK((text_of(resized(pixels, 13, 17)) == text_of(decoded(sample("smaller.png")))));
  CHECK((text_of(resized(pixels, 61, 40)) == text_of(decoded(sample("larger.png")))));
  CHECK((text_of(resized(pixels, 29, 21)) == text_of(pixels)));
}

TEST_CASE("images: the shorter side and the square in the middle", "[formats][image]") {
  const Pixels wide = smooth_pixels(100, 40), high = smooth_pixels(41, 100);
  CHECK(resized_short_side(wide, 20).width == 50);
  CHECK(resized_short_side(wide, 20).height == 20);
  CHECK(resized_short_side(high, 20).width == 20);
  CHECK(resized_short_side(high, 20).height == 48);
  CHECK(resized_short_side(smooth_pixels(1000, 1), 1).width == 1000);
  CHECK_THROWS_WITH(resized_short_side(smooth_pixels(100000, 1), 1000), Contains("100000000"));
  const Pixels square = centre_square(wide);
  CHECK(square.width == 40);
  CHECK(square.height == 40);
  CHECK(square.row(7)[0] == wide.row(7)[3 * 30]);
  CHECK(square.row(7)[3 * 39] == wide.row(7)[3 * 69]);
}

TEST_CASE("images: upright by each EXIF orientation", "[formats][image]") {
  Pixels pixels;  // a b c above d e f
  pixels.resize(3, 2);
  for (std::size_t i = 0; i < 6; ++i) std::fill_n(pixels.rgb.begin() + static_cast<std::ptrdiff_t>(3 * i), 3, static_cast<std::uint8_t>('a' + i));
  const auto letters = [&](int orientation) {
    const Pixels turned = upright(pixels, orientation);
    std::string text;
    for (std::size_t y = 0; y < turned.height; ++y) {
      if (y > 0) text += '/';
      for (std::size_t x = 0; x < turned.width; ++x) text += static_cast<char>(turned.row(y)[3 * x]);
    }
    return text;
  };
  const char* const expected[] = {"", "abc/def", "cba/fed", "fed/cba", "def/abc", "ad/be/cf", "da/eb/fc", "fc/eb/da", "cf/be/ad"};
  for (int orientation = 1; orientation <= 8; ++orientation) CHECK(letters(orientation) == expected[orientation]);
}

}  // namespace smtrain::formats::image
