#include "formats/annotation/coco.h"

#include <catch2/catch.hpp>

#include "annotation_help.h"

using namespace smtrain;
using namespace smtrain::formats;
using Catch::Contains;

namespace {

const std::string kSample = R"({"info":{"year":2017},"licenses":[],
 "images":[{"license":4,"file_name":"000000397133.jpg","height":427,"width":640,"id":397133},
           {"file_name":"000000000139.jpg","height":426,"width":640,"id":139}],
 "annotations":[{"segmentation":[[1.5,2,3,4]],"area":702.1,"iscrowd":0,"image_id":139,"bbox":[236.98,142.51,24.7,69.5],"category_id":64,"id":26547},
                {"segmentation":{"counts":[1,2],"size":[3,4]},"area":7,"iscrowd":1,"image_id":397133,"bbox":[1,2,3,4],"category_id":18,"id":1}],
 "categories":[{"supercategory":"animal","id":18,"name":"dog"},{"id":64,"name":"potted plant"}]})";

std::string with(const std::string& from, const std::string& to) { return with_change(kSample, from, to); }

std::string message(const std::string& text) {
  return error_of([&] { parse_coco(text, "c.json"); });
}

}  // namespace

TEST_CASE("COCO: classes are numbered in the order of the categories", "[formats][annotation]") {
  const AnnotationSet set = parse_coco(kSample, "c.json").set;
  REQUIRE(set.images.size() == 2);
  CHECK(set.images[0].file == "000000397133.jpg");
  CHECK(set.images[0].boxes == std::vector<Box>{{0, 1, 2, 3, 4, true}});
  CHECK(set.images[1].boxes == std::vector<Box>{{1, 236.98, 142.51, 24.7, 69.5, false}});
  CHECK(set.classes == ClassNames{{0, "dog"}, {1, "potted plant"}});
}

TEST_CASE("COCO: writing and reading gives the same images", "[formats][annotation]") {
  RandomStream draw(9, "boxes");
  for (std::size_t round = 0; round < 30; ++round) {
    AnnotationSet set;
    set.classes = {{0, "cat"}, {1, "d\"og"}, {2, "2"}, {3, "Vogel"}};
    for (std::size_t i = 0, n = draw.below(20); i < n; ++i) {
      set.images.push_back(random_image(draw, i, round % 2 == 0));
      for (Box& box : set.images.back().boxes) box.difficult = draw.below(2) == 1;
    }
    const AnnotationSet read = parse_coco(coco_json(set), "c.json").set;
    CHECK(read.images == set.images);
    CHECK(read.classes == set.classes);
  }
}

TEST_CASE("COCO: a class without a name keeps its number", "[formats][annotation]") {
  AnnotationSet set;
  set.classes = {{0, "cat"}};
  set.images = {{"a.jpg", 10, 10, {{2, 1, 1, 2, 2, false}}}};
  const AnnotationSet read = parse_coco(coco_json(set), "c.json").set;
  CHECK(read.images == set.images);
  CHECK(read.classes == ClassNames{{0, "cat"}, {1, "1"}, {2, "2"}});
}

TEST_CASE("COCO: what is wrong is named with its place", "[formats][annotation]") {
  CHECK_THAT(message(with("\"images\"", "\"image\"")), Contains("c.json: no member \"images\""));
  CHECK_THAT(message(with("\"image_id\":139", "\"image_id\":138")),
             Contains("annotations[0]: image_id 138 is that of none of the 2 images"));
  CHECK_THAT(message(with("\"category_id\":18", "\"category_id\":19")),
             Contains("annotations[1]: category_id 19 is that of none of the 2 categories"));
  CHECK_THAT(message(with("[1,2,3,4],\"category", "[1,2,3],\"category")), Contains("annotations[1].bbox: 3 numbers"));
  CHECK_THAT(message(with("[1,2,3,4],\"category", "[1,2,null,4],\"category")),
             Contains("annotations[1].bbox[2]: found null, expected a number"));
  CHECK_THAT(message(with("\"id\":139", "\"id\":397133")), Contains("images[1]: id 397133 is another image's, too"));
  CHECK_THAT(message(with("\"id\":64", "\"id\":18")), Contains("categories[1]: id 18 is another category's"));
  CHECK_THAT(message(with("000000397133.jpg", "../x.jpg")), Contains("images[0].file_name"));
  CHECK_THAT(message(with("\"width\":640", "\"width\":6e2")), Contains("images[0].width"));
  CHECK_THAT(message(with("[1,2,3,4],\"category", "[1,2,3000,4],\"category")), Contains("annotations[1]: a box with"));
  CHECK_THAT(message(with("\"iscrowd\":1", "\"iscrowd\":2")), Contains("annotations[1].iscrowd: found 2"));
}
