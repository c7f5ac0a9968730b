#include "run/convert/manifest_input.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/text.h"
#include "formats/annotation/label_vector.h"
#include "formats/annotation/service_json.h"
#include "run/convert/convert_manifest.h"

namespace smtrain::run {
namespace {

namespace fs = std::filesystem;

formats::BlockTeamOptions team_options(const ConvertRequest& request) {
  formats::BlockTeamOptions options;
  options.threads = request.common.threads.value;
  return options;
}

std::string folder_of(const std::string& path) {
  if (path == "-") return ".";
  const fs::path folder = fs::is_directory(path) ? fs::path(path) : fs::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

const char* words_for(ManifestLabel label) {
  switch (label) {
    case ManifestLabel::classes: return "classes";
    case ManifestLabel::boxes: return "boxes";
    default: return "a mask";
  }
}

}  // namespace

ManifestLabel label_kind_of(const formats::ManifestLine& line) {
  const formats::Attribute& label = line.attributes.back();
  if (label.reference) return ManifestLabel::mask;
  return trim(label.text).starts_with('{') ? ManifestLabel::boxes : ManifestLabel::classes;
}

std::vector<float> class_labels(const std::string& text, const std::string& place, bool& is_list) {
  const nlohmann::json value = nlohmann::json::parse(text, nullptr, false);
  is_list = value.is_array();
  const auto wrong = [&] {
    return user_error("{}: the label is {}, expected a class from 0, or a list of classes such as [0, 2]", place,
                      smtrain::quoted(text));
  };
  std::vector<float> labels;
  for (const nlohmann::json& item : is_list ? value : nlohmann::json::array({value})) {
    if (!item.is_number()) throw wrong();
    const double number = item.get<double>();
    if (!(number >= 0 && number <= static_cast<double>(formats::kMaxClassId)) ||
        number != static_cast<double>(static_cast<std::int64_t>(number)))
      throw wrong();
    labels.push_back(static_cast<float>(number));
  }
  if (labels.empty()) throw wrong();
  return labels;
}

ManifestLabels labels_of(const formats::ManifestLine& line, formats::BoxNotes& notes) {
  const std::string& text = line.attributes.back().text;
  ManifestLabels out;
  switch (label_kind_of(line)) {
    case ManifestLabel::mask:
      throw user_error("{}: the label is a mask, expected classes or boxes; --to masks takes it", line.place);
    case ManifestLabel::classes: out.labels = class_labels(text, line.place, out.vector); break;
    case ManifestLabel::boxes: {
      const formats::ServiceJson parsed = formats::parse_service_json(text, line.place, false);
      notes.add(parsed.notes);
      out.vector = true;
      if (!parsed.image.boxes.empty()) out.labels = formats::label_vector(parsed.image, false);
    }
  }
  return out;
}

ManifestInput::ManifestInput(const ConvertRequest& request)
    : files_(formats::expand_path(request.input)),
      reader_(files_, request.boxes.attribute_names, team_options(request)),
      folder_(folder_of(request.input)),
      root_(request.root.value_or(folder_)) {
  if (reader_.names().size() != 2) {
    throw user_error("{}: {} attribute names, expected two: the image's, then the label's (--attribute-names source-ref,class)",
                     request.input, reader_.names().size());
  }
  if (!reader_.names()[0].ends_with("-ref"))
    throw user_error("{}: the image's attribute {} does not end in -ref; the image comes first", request.input,
                     smtrain::quoted(reader_.names()[0]));
  for (const std::string& map : request.boxes.maps) maps_.push_back(formats::parse_map(map));
}

std::string ManifestInput::path_of(const formats::Attribute& attribute, const std::string& place) const {
  return formats::reference_path(attribute, place, folder_, maps_);
}

std::string ManifestInput::image_name_of(const std::string& path) const {
  const fs::path below = fs::path(path).lexically_relative(fs::absolute(root_).lexically_normal());
  return below.empty() || *below.begin() == ".." ? fs::path(path).filename().string() : below.string();
}

const std::string& ManifestInput::label_of(const formats::ManifestLine& line, ManifestLabel expected) const {
  const ManifestLabel found = label_kind_of(line);
  if (found != expected) throw user_error("{}: the label is {}, expected {}", line.place, words_for(found), words_for(expected));
  return line.attributes.back().text;
}

std::vector<std::string> ManifestInput::files() const {
  std::vector<std::string> paths;
  for (const formats::InputFile& file : files_) paths.push_back(file.path);
  return paths;
}

double ManifestInput::fraction() const {
  std::uint64_t total = 0;
  for (const formats::InputFile& file : files_) {
    if (!file.size) return -1;
    total += *file.size;
  }
  return total == 0 ? -1 : std::min(1.0, static_cast<double>(reader_.bytes_consumed()) / static_cast<double>(total));
}

MovedReferences::MovedReferences(const ConvertRequest& request)
    : request_(request), from_(fs::absolute(folder_of(request.input)).lexically_normal().string()),
      to_(request.output == "-" ? "" : fs::absolute(request.output).lexically_normal().parent_path().string()) {
  for (const std::string& map : request.boxes.maps) maps_.push_back(formats::parse_map(map));
}

std::string MovedReferences::moved(const std::string& uri, const std::string& place) const {
  const bool relative = uri.find("://") == std::string::npos && !uri.starts_with('/');
  if (!relative && !request_.boxes.reference_prefix) return uri;
  const std::string path = formats::reference_path({true, uri}, place, from_, maps_);
  const fs::path below = fs::path(path).lexically_relative(fs::absolute(request_.root.value_or(from_)).lexically_normal());
  const bool inside = !below.empty() && *below.begin() != "..";
  return manifest_reference(request_, path, (inside ? below : fs::path(path).filename()).string());
}

std::string MovedReferences::apply(std::string_view line, const std::string& place) const {
  auto object = nlohmann::ordered_json::parse(line, nullptr, false);
  if (!object.is_object()) throw user_error("{}: expected a JSON object", place);
  if (fs::path(from_) / "" == fs::path(to_) / "" && !request_.boxes.reference_prefix) return std::string(line);
  bool changed = false;
  for (auto& [name, value] : object.items()) {
    if (!name.ends_with("-ref") || !value.is_string()) continue;
    std::string there = moved(value.get_ref<const std::string&>(), place);
    if (there == value.get_ref<const std::string&>()) continue;
    value = std::move(there);
    changed = true;
  }
  return changed ? object.dump() : std::string(line);
}

}  // namespace smtrain::run
