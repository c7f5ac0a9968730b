#include "formats/annotation/service_json.h"

#include <set>

#include "base/error.h"
#include "base/text.h"
#include "formats/json/json_members.h"

namespace smtrain::formats {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

void read_size(object top, const JsonPlace& place, AnnotatedImage& image) {
  const JsonPlace list_place = place.member("image_size");
  const simdjson::dom::array list = json_array(json_member(top, "image_size", place), list_place);
  if (list.size() != 1) throw user_error("{}: {} elements, expected one", list_place.text(), list.size());
  const JsonPlace size_place = place.item("image_size", 0);
  const object size = json_object(list.at(0), size_place);
  image.width = json_integer(json_member(size, "width", size_place), size_place.member("width"), 1, kMaxImageSide);
  image.height = json_integer(json_member(size, "height", size_place), size_place.member("height"), 1, kMaxImageSide);
  const JsonPlace depth_place = size_place.member("depth");
  const std::int64_t depth = json_integer(json_member(size, "depth", size_place), depth_place, 1, 4);
  if (depth != 3)
    throw user_error("{}: found {}, expected 3; only images of three channels are taken", depth_place.text(), depth);
}

void read_boxes(object top, const JsonPlace& place, ServiceJson& out) {
  std::size_t i = 0;
  for (const element item : json_array(json_member(top, "annotations", place), place.member("annotations"))) {
    const JsonPlace box_place = place.item("annotations", i++);
    const object members = json_object(item, box_place);
    const auto number = [&](std::string_view name) {
      return json_number(json_member(members, name, box_place), box_place.member(name));
    };
    Box box;
    box.class_id = json_integer(json_member(members, "class_id", box_place), box_place.member("class_id"), 0, kMaxClassId);
    box.left = number("left");
    box.top = number("top");
    box.width = number("width");
    box.height = number("height");
    if (settle_box(box, out.image, [&] { return box_place.text(); }, out.notes)) out.image.boxes.push_back(box);
  }
}

void read_categories(object top, const JsonPlace& place, ClassNames& classes) {
  const auto found = json_find(top, "categories");
  if (!found) return;
  std::size_t i = 0;
  for (const element item : json_array(*found, place.member("categories"))) {
    const JsonPlace category = place.item("categories", i++);
    const object members = json_object(item, category);
    const std::int64_t id = json_integer(json_member(members, "class_id", category), category.member("class_id"), 0, kMaxClassId);
    const std::string name(json_text(json_member(members, "name", category), category.member("name")));
    add_class_names(classes, {{id, name}}, category.text());
  }
}

}  // namespace

ServiceJson parse_service_json(std::string_view text, std::string_view where, bool needs_file) {
  simdjson::dom::parser parser;
  const JsonPlace place{where};
  const object top = json_object(parse_json(parser, text, where), place);
  ServiceJson out;
  if (needs_file) {
    const JsonPlace file_place = place.member("file");
    out.image.file = json_text(json_member(top, "file", place), file_place);
    check_image_name(out.image.file, file_place.text());
  }
  read_size(top, place, out.image);
  read_boxes(top, place, out);
  read_categories(top, place, out.classes);
  return out;
}

std::string service_json(const AnnotatedImage& image, const ClassNames& classes, bool with_file) {
  std::string out = "{";
  if (with_file) out += "\"file\":" + json_quoted(image.file) + ",";
  out += fmt::format("\"image_size\":[{{\"width\":{},\"height\":{},\"depth\":3}}],\"annotations\":[", image.width, image.height);
  std::set<std::int64_t> used;
  for (const Box& box : image.boxes) {
    out += fmt::format("{}{{\"class_id\":{}", used.empty() ? "" : ",", box.class_id);
    used.insert(box.class_id);
    const std::pair<const char*, double> sides[] = {
        {"left", box.left}, {"top", box.top}, {"width", box.width}, {"height", box.height}};
    for (const auto& [name, value] : sides) {
      out += fmt::format(",\"{}\":", name);
      append_pixels(out, value);
    }
    out += '}';
  }
  out += ']';
  bool first = true;
  for (const std::int64_t id : used) {
    const auto name = classes.find(id);
    if (name == classes.end()) continue;
    out += fmt::format("{}{{\"class_id\":{},\"name\":{}}}", first ? ",\"categories\":[" : ",", id, json_quoted(name->second));
    first = false;
  }
  return out + (first ? "}" : "]}");
}

}  // namespace smtrain::formats
