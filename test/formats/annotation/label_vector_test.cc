#include "formats/annotation/label_vector.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "annotation_help.h"

using namespace smtrain;
using namespace smtrain::formats;
using Catch::Contains;

namespace {

std::string message(const std::vector<float>& labels) {
  BoxNotes notes;
  return error_of([&] { parse_label_vector(labels, "a.rec: record 3", notes); });
}

}  // namespace

TEST_CASE("label vector: the documented box has the documented fractions", "[formats][annotation]") {
  const AnnotatedImage image{"a.jpg", 500, 400, {{0, 111, 134, 61, 128, false}}};
  CHECK(label_vector(image, false) == std::vector<float>{2, 5, 0, .222F, .335F, .344F, .655F});
  CHECK(label_vector(image, true) == std::vector<float>{2, 6, 0, .222F, .335F, .344F, .655F, 0});
}

TEST_CASE("label vector: whole pixels survive the way through float32", "[formats][annotation]") {
  RandomStream draw(11, "boxes");
  BoxNotes notes;
  for (std::size_t i = 0; i < 500; ++i) {
    AnnotatedImage image = random_image(draw, i, true);
    for (Box& box : image.boxes) box.difficult = draw.below(2) == 1;
    if (image.boxes.empty()) continue;
    std::vector<Box> read;
    for (const FractionBox& box : parse_label_vector(label_vector(image, true), "x", notes))
      read.push_back(box_in_pixels(box, image.width, image.height));
    CHECK(read == image.boxes);
  }
  CHECK(notes.dropped == 0);
}

TEST_CASE("label vector: extra header and extra numbers of objects are passed over", "[formats][annotation]") {
  BoxNotes notes;
  const auto boxes =
      parse_label_vector(std::vector<float>{4, 7, 640, 480, 3, .1F, .2F, .3F, .4F, 1, 9, 1, 0, 0, 1, 1, 0, 9}, "x", notes);
  REQUIRE(boxes.size() == 2);
  CHECK(boxes[0].class_id == 3);
  CHECK(boxes[0].ymin == .2F);
  CHECK(boxes[0].difficult);
  CHECK_FALSE(boxes[1].difficult);
}

TEST_CASE("label vector: objects without area and padding are dropped", "[formats][annotation]") {
  BoxNotes notes;
  const auto boxes =
      parse_label_vector(std::vector<float>{2, 5, 0, .5F, .2F, .5F, .4F, 1, 0, 0, 1, 1, -1, -1, -1, -1, -1}, "x", notes);
  REQUIRE(boxes.size() == 1);
  CHECK(boxes[0].class_id == 1);
  CHECK(notes.dropped == 2);
  CHECK(notes.first_dropped == "x: object 1");
}

TEST_CASE("label vector: what is none is refused", "[formats][annotation]") {
  CHECK_THAT(message({1}), Contains("a.rec: record 3: a label vector of 1 numbers"));
  CHECK_THAT(message({2, 5}), Contains("a label vector of 2 numbers that begins with 2, 5"));
  CHECK_THAT(message({1, 5, 0, 0, 0, 1, 1}), Contains("expected A >= 2"));
  CHECK_THAT(message({2, 4, 0, 0, 0, 1, 1}), Contains("B >= 5"));
  CHECK_THAT(message({2, 5, 0, 0, 0, 1, 1, 0}), Contains("a label vector of 8 numbers"));
  CHECK_THAT(message({NAN, 5, 0, 0, 0, 1, 1}), Contains("begins with nan, 5"));
  CHECK_THAT(message({2, 5, .5F, 0, 0, 1, 1}), Contains("object 1: class 0.5"));
  CHECK_THAT(message({2, 5, -1, 0, 0, 1, 1}), Contains("object 1: class -1"));
  CHECK_THAT(message({2, 5, NAN, 0, 0, 1, 1}), Contains("object 1: class nan"));
  CHECK_THAT(message({2, 5, 0, 0, NAN, 1, 1}), Contains("a corner at nan"));
  CHECK_THAT(message({2, 5, 0, 10, 20, 300, 400}), Contains("a corner at 10, expected fractions"));
}
