#include "formats/annotation/voc.h"

#include <catch2/catch.hpp>

#include "annotation_help.h"

using namespace smtrain;
using namespace smtrain::formats;
using Catch::Contains;

namespace {

const std::string kSample = R"(<?xml version="1.0"?>
<annotation verified="yes">
	<folder>images</folder>
	<filename>raccoon-1.jpg</filename>
	<size><width>650</width><height>417</height><depth>3</depth></size>
	<object>
		<name>rac &amp; coon</name>
		<difficult>1</difficult>
		<bndbox><xmin>81</xmin><ymin>88</ymin><xmax>522</xmax><ymax>408</ymax></bndbox>
		<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></part>
	</object>
</annotation>
)";

std::string with(const std::string& from, const std::string& to) { return with_change(kSample, from, to); }

std::string message(const std::string& text) {
  return error_of([&] {
    VocImage voc = parse_voc(text, "a.xml", VocCorners::from_one);
    BoxNotes notes;
    settle_voc(voc, "a.xml", notes);
  });
}

}  // namespace

TEST_CASE("VOC: pixels count from one, and the last one is inside", "[formats][annotation]") {
  const VocImage voc = parse_voc(kSample, "a.xml", VocCorners::from_one);
  CHECK(voc.image.file == "raccoon-1.jpg");
  CHECK(voc.image.width == 650);
  CHECK(voc.image.height == 417);
  CHECK(voc.names == std::vector<std::string>{"rac & coon"});
  REQUIRE(voc.image.boxes.size() == 1);
  CHECK(voc.image.boxes[0] == Box{0, 80, 87, 442, 321, true});
  CHECK(parse_voc(kSample, "a.xml", VocCorners::from_zero).image.boxes[0] == Box{0, 81, 88, 441, 320, true});
}

TEST_CASE("VOC: writing and reading gives the same image", "[formats][annotation]") {
  const ClassNames names = {{0, "cat"}, {1, "<dog> & \"co\"\tx"}, {2, "Vögel"}};
  RandomStream draw(8, "boxes");
  for (std::size_t i = 0; i < 200; ++i) {
    AnnotatedImage image = random_image(draw, i, i % 2 == 0);
    for (Box& box : image.boxes) box.difficult = draw.below(2) == 1;
    const VocCorners corners = i % 3 == 0 ? VocCorners::from_zero : VocCorners::from_one;
    VocImage read = parse_voc(voc_xml(image, names, corners), "a.xml", corners);
    REQUIRE(read.names.size() == image.boxes.size());
    for (std::size_t b = 0; b < image.boxes.size(); ++b) {
      CHECK(read.names[b] == class_name(names, image.boxes[b].class_id));
      read.image.boxes[b].class_id = image.boxes[b].class_id;
    }
    CHECK(read.image == image);
  }
}

TEST_CASE("VOC: a file without a size is left to who knows the image", "[formats][annotation]") {
  CHECK(parse_voc(with("<size><width>650</width><height>417</height><depth>3</depth></size>", ""), "a.xml", VocCorners::from_one)
            .image.width == 0);
  CHECK(parse_voc(with("<width>650", "<width>0"), "a.xml", VocCorners::from_one).image.height == 0);
}

TEST_CASE("VOC: boxes are checked against the image once its size is known", "[formats][annotation]") {
  VocImage voc = parse_voc(with("<xmin>81", "<xmin>0"), "a.xml", VocCorners::from_one);
  BoxNotes notes;
  settle_voc(voc, "a.xml", notes);
  CHECK(voc.image.boxes[0] == Box{0, 0, 87, 522, 321, true});
  CHECK(notes.clipped == 1);
  CHECK_THAT(message(with("<xmax>522", "<xmax>700")), Contains("a.xml: object 1: a box") && Contains("lies 50 pixels outside"));
  CHECK_THAT(message(with("<xmax>522", "<xmax>70")), Contains("expected sides of at least 0"));
}

TEST_CASE("VOC: what is wrong is named with its line", "[formats][annotation]") {
  CHECK_THAT(message(""), Contains("no valid XML"));
  CHECK_THAT(message("<annotation>\n<x>"), Contains("a.xml:2: no valid XML"));
  CHECK_THAT(message("<html/>"), Contains("a.xml:1: its element is \"html\", expected <annotation>"));
  CHECK_THAT(message(with("<filename>raccoon-1.jpg</filename>", "")), Contains("a.xml:2: <annotation> has no <filename>"));
  CHECK_THAT(message(with("raccoon-1.jpg", "../raccoon-1.jpg")), Contains("a.xml:4: <filename>"));
  CHECK_THAT(message(with("<name>rac &amp; coon</name>", "")), Contains("a.xml:6: <object> has no <name>"));
  CHECK_THAT(message(with("rac &amp; coon", " ")), Contains("<name> is empty"));
  CHECK_THAT(message(with("<xmin>81</xmin>", "")), Contains("a.xml:9: <bndbox> has no <xmin>"));
  CHECK_THAT(message(with("<xmin>81", "<xmin>8l")), Contains("a.xml:9: <xmin> is \"8l\", expected a number"));
  CHECK_THAT(message(with("<xmin>81", "<xmin>nan")), Contains("expected finite numbers"));
  CHECK_THAT(message(with("<difficult>1", "<difficult>yes")), Contains("<difficult> is \"yes\", expected 0 or 1"));
  CHECK_THAT(message(with("<width>650", "<width>-3")), Contains("<width> is -3"));
}

TEST_CASE("VOC: entities are not expanded, and depth is bounded", "[formats][annotation]") {
  const std::string doctype = "<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
  CHECK_THAT(message(with("<?xml version=\"1.0\"?>", doctype)), Contains("a.xml:2: declares entities"));
  CHECK(parse_voc(with("rac &amp; coon", "a&x;b"), "a.xml", VocCorners::from_one).names[0] == "a&x;b");
  std::string deep = "<annotation>";
  for (int i = 0; i < 100000; ++i) deep += "<a>";
  for (int i = 0; i < 100000; ++i) deep += "</a>";
  CHECK_THAT(message(deep + "</annotation>"), Contains("64 deep"));
  CHECK_THAT(message(std::string(kMaxVocBytes + 1, ' ')),
             Contains("expected at most 16.0 MiB") || Contains("expected at most 16"));
}
