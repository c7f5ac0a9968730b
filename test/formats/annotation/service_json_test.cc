#include "formats/annotation/service_json.h"

#include <catch2/catch.hpp>

#include "annotation_help.h"

using namespace smtrain;
using namespace smtrain::formats;
using Catch::Contains;

namespace {

const std::string kDocumented = R"({"file":"sub/img01.jpg",
 "image_size":[{"width":500,"height":400,"depth":3}],
 "annotations":[{"class_id":0,"left":111,"top":134,"width":61,"height":128},
                {"class_id":2,"left":10,"top":5,"width":40,"height":90}],
 "categories":[{"class_id":0,"name":"cat"},{"class_id":2,"name":"bird"}]})";

std::string with(const std::string& from, const std::string& to) { return with_change(kDocumented, from, to); }

std::string message(const std::string& text) {
  return error_of([&] { parse_service_json(text, "a.json", true); });
}

}  // namespace

TEST_CASE("service JSON: the documented example is read", "[formats][annotation]") {
  const ServiceJson read = parse_service_json(kDocumented, "a.json", true);
  CHECK(read.image.file == "sub/img01.jpg");
  CHECK(read.image.width == 500);
  CHECK(read.image.height == 400);
  REQUIRE(read.image.boxes.size() == 2);
  CHECK(read.image.boxes[0] == Box{0, 111, 134, 61, 128, false});
  CHECK(read.image.boxes[1] == Box{2, 10, 5, 40, 90, false});
  CHECK(read.classes == ClassNames{{0, "cat"}, {2, "bird"}});
}

TEST_CASE("service JSON: writing and reading gives the same image", "[formats][annotation]") {
  const ClassNames names = {{0, "cat"}, {1, "a \"dog\"\n"}, {2, "Vögel"}, {3, ""}};
  RandomStream draw(7, "boxes");
  for (std::size_t i = 0; i < 200; ++i) {
    const AnnotatedImage image = random_image(draw, i, i % 2 == 0);
    const ServiceJson read = parse_service_json(service_json(image, names, true), "a.json", true);
    CHECK(read.image == image);
    for (const auto& [id, name] : read.classes) CHECK(names.at(id) == name);
    CHECK(parse_service_json(service_json(image, names, false), "a.json", false).image.boxes == image.boxes);
  }
}

TEST_CASE("service JSON: a box may stick out by a pixel, and one without area is dropped", "[formats][annotation]") {
  const ServiceJson read =
      parse_service_json(with(R"("left":111,"top":134,"width":61)", R"("left":-0.5,"top":134,"width":501.25)"), "a.json", true);
  CHECK(read.image.boxes[0] == Box{0, 0, 134, 500, 128, false});
  CHECK(read.notes.clipped == 1);
  const ServiceJson flat = parse_service_json(with(R"("width":61)", R"("width":0)"), "a.json", true);
  CHECK(flat.image.boxes.size() == 1);
  CHECK(flat.notes.dropped == 1);
  CHECK(flat.notes.first_dropped == "a.json: annotations[0]");
}

TEST_CASE("service JSON: what is wrong is named with its place", "[formats][annotation]") {
  CHECK_THAT(message("{"), Contains("a.json: no valid JSON"));
  CHECK_THAT(message("[]"), Contains("a.json: found an array, expected an object"));
  CHECK_THAT(message(with("\"file\"", "\"flie\"")), Contains("a.json: no member \"file\""));
  CHECK_THAT(message(with("sub/img01.jpg", "../img01.jpg")), Contains("a.json: file: \"../img01.jpg\""));
  CHECK_THAT(message(with("sub/img01.jpg", "/img01.jpg")), Contains("a.json: file"));
  CHECK_THAT(message(with(R"({"width":500,"height":400,"depth":3})", "")), Contains("image_size: 0 elements, expected one"));
  CHECK_THAT(message(with("\"depth\":3", "\"depth\":1")), Contains("image_size[0].depth: found 1, expected 3"));
  CHECK_THAT(message(with("\"width\":500", "\"width\":0")), Contains("image_size[0].width: found 0, expected an integer from 1"));
  CHECK_THAT(message(with("\"class_id\":2,\"left\"", "\"class_id\":-1,\"left\"")), Contains("annotations[1].class_id: found -1"));
  CHECK_THAT(message(with("\"class_id\":2,\"left\"", "\"class_id\":1.5,\"left\"")),
             Contains("annotations[1].class_id: found 1.5"));
  CHECK_THAT(message(with("\"left\":10", "\"left\":\"10\"")), Contains("annotations[1].left: found \"10\", expected a number"));
  CHECK_THAT(message(with("\"left\":10", "\"left\":470")),
             Contains("annotations[1]: a box with left 470") && Contains("lies 10 pixels outside of its image of 500 x 400"));
  CHECK_THAT(message(with("\"width\":40", "\"width\":-40")), Contains("expected sides of at least 0"));
  CHECK_THAT(message(with("\"left\":10,", "")), Contains("annotations[1]: no member \"left\""));
  CHECK_THAT(message(with(R"({"class_id":2,"name":"bird"})", R"({"class_id":0,"name":"bird"})")),
             Contains("class 0 is \"bird\", and \"cat\" elsewhere"));
}

TEST_CASE("service JSON: no prefix of it is taken for the whole", "[formats][annotation]") {
  for (std::size_t n = 0; n < kDocumented.size(); ++n) {
    CAPTURE(n);
    CHECK(message(kDocumented.substr(0, n)) != "no error");
  }
}
