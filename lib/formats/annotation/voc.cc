#include "formats/annotation/voc.h"

#include <algorithm>
#include <charconv>
#include <pugixml.hpp>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::formats {
namespace {

constexpr int kMaxDepth = 64;

// The nodes of one file, with the line of each for messages.
class VocReader {
 public:
  VocReader(std::string_view text, const std::string& where) : text_(text), where_(where) {
    if (text.size() > kMaxVocBytes)
      throw user_error("{}: {} of XML, expected at most {}", where, format_bytes(text.size()), format_bytes(kMaxVocBytes));
    const pugi::xml_parse_result result =
        document_.load_buffer(text.data(), text.size(), pugi::parse_default | pugi::parse_doctype, pugi::encoding_auto);
    if (result.status == pugi::status_out_of_memory) throw machine_error("{}: not enough memory", where);
    if (!result) throw user_error("{}:{}: no valid XML: {}", where, line_of(result.offset), to_lower(result.description()));
    DepthCheck check;
    if (!document_.traverse(check))
      throw user_error("{}: elements within elements, {} deep; expected a VOC annotation", where, kMaxDepth);
    for (const pugi::xml_node& node : document_.children()) {
      if (node.type() == pugi::node_doctype && std::string_view(node.value()).find("ENTITY") != std::string_view::npos)
        throw user_error("{}:{}: declares entities; expected XML without", where, line_of(node.offset_debug()));
    }
  }

  pugi::xml_node top() const {
    const pugi::xml_node found = document_.document_element();
    if (std::string_view(found.name()) != "annotation")
      throw user_error("{}: its element is {}, expected <annotation>", place(found), smtrain::quoted(found.name()));
    return found;
  }

  std::string place(const pugi::xml_node& node) const { return fmt::format("{}:{}", where_, line_of(node.offset_debug())); }

  pugi::xml_node child(const pugi::xml_node& node, const char* name) const {
    const pugi::xml_node found = node.child(name);
    if (!found) throw user_error("{}: <{}> has no <{}>", place(node), node.name(), name);
    return found;
  }

  std::string_view text(const pugi::xml_node& node) const { return trim(node.child_value()); }

  double number(const pugi::xml_node& node, const char* name) const {
    const pugi::xml_node found = child(node, name);
    const std::string_view digits = text(found);
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size())
      throw user_error("{}: <{}> is {}, expected a number", place(found), name, smtrain::quoted(digits));
    return value;
  }

 private:
  struct DepthCheck final : pugi::xml_tree_walker {
    bool for_each(pugi::xml_node&) override { return depth() < kMaxDepth; }
  };

  // Of UTF-16 the offsets are those of its UTF-8, which is near enough to find the place.
  std::ptrdiff_t line_of(std::ptrdiff_t offset) const {
    const auto end = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(offset, 0, static_cast<std::ptrdiff_t>(text_.size())));
    return 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(end), '\n');
  }

  std::string_view text_;
  const std::string& where_;
  pugi::xml_document document_;
};

std::int64_t side(const VocReader& reader, const pugi::xml_node& size, const char* name) {
  const double value = reader.number(size, name);
  if (!(value >= 0 && value <= static_cast<double>(kMaxImageSide)) ||
      value != static_cast<double>(static_cast<std::int64_t>(value)))
    throw user_error("{}: <{}> is {}, expected an integer from 1 to {}", reader.place(size), name, value, kMaxImageSide);
  return static_cast<std::int64_t>(value);
}

Box box_of(const VocReader& reader, const pugi::xml_node& object, VocCorners corners) {
  const pugi::xml_node bounds = reader.child(object, "bndbox");
  const double first = corners == VocCorners::from_one ? 1 : 0;
  Box box;
  box.left = reader.number(bounds, "xmin") - first;
  box.top = reader.number(bounds, "ymin") - first;
  box.width = reader.number(bounds, "xmax") - box.left;
  box.height = reader.number(bounds, "ymax") - box.top;
  const std::string_view difficult = reader.text(object.child("difficult"));
  if (!difficult.empty() && difficult != "0" && difficult != "1")
    throw user_error("{}: <difficult> is {}, expected 0 or 1", reader.place(object), smtrain::quoted(difficult));
  box.difficult = difficult == "1";
  return box;
}

void append_escaped(std::string& out, std::string_view text, std::string_view of) {
  for (const char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '\n' || c == '\t' || c == '\r') out += fmt::format("&#{};", static_cast<int>(c));
    else if (static_cast<unsigned char>(c) < 32) throw user_error("{}: {} cannot be written in XML", of, smtrain::quoted(text));
    else out += c;
  }
}

void append_object(std::string& out, const Box& box, const std::string& name, const std::string& file, VocCorners corners) {
  const double first = corners == VocCorners::from_one ? 1 : 0;
  out += "\t<object>\n\t\t<name>";
  append_escaped(out, name, "class of " + file);
  out += fmt::format(
      "</name>\n\t\t<pose>Unspecified</pose>\n\t\t<truncated>0</truncated>\n\t\t<difficult>{}</difficult>\n\t\t<bndbox>\n",
      box.difficult ? 1 : 0);
  const std::pair<const char*, double> sides[] = {
      {"xmin", box.left + first}, {"ymin", box.top + first}, {"xmax", box.left + box.width}, {"ymax", box.top + box.height}};
  for (const auto& [tag, value] : sides) {
    out += fmt::format("\t\t\t<{}>", tag);
    append_pixels(out, value);
    out += fmt::format("</{}>\n", tag);
  }
  out += "\t\t</bndbox>\n\t</object>\n";
}

}  // namespace

VocImage parse_voc(std::string_view text, const std::string& where, VocCorners corners) {
  const VocReader reader(text, where);
  const pugi::xml_node top = reader.top();
  VocImage out;
  const pugi::xml_node file = reader.child(top, "filename");
  out.image.file = reader.text(file);
  check_image_name(out.image.file, reader.place(file) + ": <filename>");
  if (const pugi::xml_node size = top.child("size")) {
    out.image.width = side(reader, size, "width");
    out.image.height = side(reader, size, "height");
    if (out.image.width == 0 || out.image.height == 0) out.image.width = out.image.height = 0;
  }
  for (const pugi::xml_node& object : top.children("object")) {
    const std::string_view name = reader.text(reader.child(object, "name"));
    if (name.empty()) throw user_error("{}: <name> is empty, expected a class", reader.place(object));
    out.names.emplace_back(name);
    out.image.boxes.push_back(box_of(reader, object, corners));
  }
  return out;
}

void settle_voc(VocImage& voc, std::string_view where, BoxNotes& notes) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < voc.names.size(); ++i) {
    Box box = voc.image.boxes[i];
    if (!settle_box(box, voc.image, [&] { return fmt::format("{}: object {}", where, i + 1); }, notes)) continue;
    voc.image.boxes[kept] = box;
    if (kept != i) voc.names[kept] = std::move(voc.names[i]);
    ++kept;
  }
  voc.names.resize(kept);
  voc.image.boxes.resize(kept);
}

std::string voc_xml(const AnnotatedImage& image, const ClassNames& classes, VocCorners corners) {
  std::string out = "<annotation>\n\t<filename>";
  append_escaped(out, image.file, "file name");
  out += fmt::format(
      "</filename>\n\t<size>\n\t\t<width>{}</width>\n\t\t<height>{}</height>\n\t\t<depth>3</depth>\n\t</size>\n\t<segmented>0</"
      "segmented>\n",
      image.width, image.height);
  for (const Box& box : image.boxes) append_object(out, box, class_name(classes, box.class_id), image.file, corners);
  return out + "</annotation>\n";
}

}  // namespace smtrain::formats
