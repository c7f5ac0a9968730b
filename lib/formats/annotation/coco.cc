#include "formats/annotation/coco.h"

#include <map>
#include <unordered_map>

#include "base/error.h"
#include "base/text.h"
#include "formats/json/json_members.h"

namespace smtrain::formats {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::int64_t kMaxId = std::int64_t{1} << 53;

std::int64_t id_of(object members, const char* name, const JsonPlace& place) {
  return json_integer(json_member(members, name, place), place.member(name), -kMaxId, kMaxId);
}

class CocoReader {
 public:
  CocoReader(object top, const JsonPlace& place) : top_(top), place_(place) {}

  CocoSet read() {
    read_categories();
    read_images();
    read_boxes();
    return std::move(out_);
  }

 private:
  simdjson::dom::array list(const char* name) const { return json_array(json_member(top_, name, place_), place_.member(name)); }

  void read_categories() {
    std::map<std::int64_t, std::string> names;
    std::size_t i = 0;
    for (const element item : list("categories")) {
      const JsonPlace place = place_.item("categories", i++);
      const object members = json_object(item, place);
      const std::int64_t id = id_of(members, "id", place);
      if (!names.emplace(id, json_text(json_member(members, "name", place), place.member("name"))).second)
        throw user_error("{}: id {} is another category's, too", place.text(), id);
    }
    for (auto& [id, name] : names) {
      const auto class_id = static_cast<std::int64_t>(classes_.size());
      classes_.emplace(id, class_id);
      out_.set.classes.emplace(class_id, std::move(name));
    }
  }

  void read_images() {
    std::size_t i = 0;
    for (const element item : list("images")) {
      const JsonPlace place = place_.item("images", i++);
      const object members = json_object(item, place);
      AnnotatedImage image;
      const JsonPlace file_place = place.member("file_name");
      image.file = json_text(json_member(members, "file_name", place), file_place);
      check_image_name(image.file, file_place.text());
      image.width = json_integer(json_member(members, "width", place), place.member("width"), 1, kMaxImageSide);
      image.height = json_integer(json_member(members, "height", place), place.member("height"), 1, kMaxImageSide);
      const std::int64_t id = id_of(members, "id", place);
      if (!images_.emplace(id, out_.set.images.size()).second)
        throw user_error("{}: id {} is another image's, too", place.text(), id);
      out_.set.images.push_back(std::move(image));
    }
  }

  void read_boxes() {
    std::size_t i = 0;
    for (const element item : list("annotations")) {
      const JsonPlace place = place_.item("annotations", i++);
      const object members = json_object(item, place);
      const std::int64_t image_id = id_of(members, "image_id", place), category = id_of(members, "category_id", place);
      const auto image = images_.find(image_id);
      if (image == images_.end())
        throw user_error("{}: image_id {} is that of none of the {} images", place.text(), image_id, images_.size());
      const auto class_id = classes_.find(category);
      if (class_id == classes_.end()) {
        throw user_error("{}: category_id {} is that of none of the {} categories", place.text(), category, classes_.size());
      }
      AnnotatedImage& into = out_.set.images[image->second];
      Box box = read_box(members, place);
      box.class_id = class_id->second;
      if (settle_box(box, into, [&] { return place.text(); }, out_.notes)) into.boxes.push_back(box);
    }
  }

  static Box read_box(object members, const JsonPlace& place) {
    const JsonPlace list_place = place.member("bbox");
    const simdjson::dom::array sides = json_array(json_member(members, "bbox", place), list_place);
    if (sides.size() != 4)
      throw user_error("{}: {} numbers, expected left, top, width and height", list_place.text(), sides.size());
    double values[4];
    std::size_t i = 0;
    for (const element side : sides) {
      values[i] = json_number(side, place.item("bbox", i));
      ++i;
    }
    Box box{0, values[0], values[1], values[2], values[3], false};
    if (const auto crowd = json_find(members, "iscrowd"))
      box.difficult = json_integer(*crowd, place.member("iscrowd"), 0, 1) == 1;
    return box;
  }

  object top_;
  const JsonPlace& place_;
  CocoSet out_;
  std::map<std::int64_t, std::int64_t> classes_;              // by category id
  std::unordered_map<std::int64_t, std::size_t> images_;      // places by image id
};

void append_box(std::string& out, const Box& box, std::size_t id, std::size_t image_id) {
  out += fmt::format("{{\"id\":{},\"image_id\":{},\"category_id\":{},\"bbox\":[", id, image_id, box.class_id + 1);
  const double sides[] = {box.left, box.top, box.width, box.height};
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) out += ',';
    append_pixels(out, sides[i]);
  }
  out += "],\"area\":";
  append_pixels(out, box.width * box.height);
  out += fmt::format(",\"iscrowd\":{}}}", box.difficult ? 1 : 0);
}

}  // namespace

CocoSet parse_coco(std::string_view text, const std::string& where) {
  simdjson::dom::parser parser;
  const JsonPlace place{where};
  return CocoReader(json_object(parse_json(parser, text, where), place), place).read();
}

std::string coco_json(const AnnotationSet& set) {
  std::string out = "{\"images\":[";
  for (std::size_t i = 0; i < set.images.size(); ++i) {
    const AnnotatedImage& image = set.images[i];
    out += fmt::format("{}\n{{\"id\":{},\"file_name\":{},\"width\":{},\"height\":{}}}", i == 0 ? "" : ",", i + 1,
                       json_quoted(image.file), image.width, image.height);
  }
  out += "],\n\"annotations\":[";
  std::size_t id = 0;
  for (std::size_t i = 0; i < set.images.size(); ++i) {
    for (const Box& box : set.images[i].boxes) {
      out += ++id == 1 ? "\n" : ",\n";
      append_box(out, box, id, i + 1);
    }
  }
  out += "],\n\"categories\":[";
  for (std::int64_t c = 0, count = class_count(set); c < count; ++c) {
    out += fmt::format("{}\n{{\"id\":{},\"name\":{}}}", c == 0 ? "" : ",", c + 1, json_quoted(class_name(set.classes, c)));
  }
  return out + "]}\n";
}

}  // namespace smtrain::formats
