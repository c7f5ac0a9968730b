#include "run/convert/box_kinds.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "base/error.h"
#include "base/text.h"
#include "formats/io/file_head.h"
#include "formats/io/input_files.h"

namespace smtrain::run {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLook = std::size_t{64} << 10;

std::string plain_suffix(const std::string& path) {
  fs::path file(to_lower(fs::path(path).filename().string()));
  if (file.extension() == ".gz" || file.extension() == ".zst") file = file.stem();
  return file.extension().string();
}

std::string head_of(const formats::InputFile& file) {
  return file.rewindable ? formats::file_head(file, kLook) : "";
}

bool has_key(std::string_view text, std::string_view key) {
  for (std::size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    const std::string_view rest = trim(text.substr(at + key.size()));
    if (rest.starts_with(':')) return true;
  }
  return false;
}

// Records of members that no other data have.
std::optional<DataKind> kind_of_record(std::string_view line) {
  if (has_key(line, "\"start\"") && has_key(line, "\"target\"")) return DataKind::series;
  if (has_key(line, "\"in0\"") && has_key(line, "\"in1\"")) return DataKind::pairs;
  return std::nullopt;
}

std::string_view first_line(std::string_view head) { return trim(head.substr(0, head.find('\n'))); }

std::optional<DataKind> kind_of_json(const formats::InputFile& file) {
  const std::string head = head_of(file);
  if (has_key(head, "\"instances\"")) return std::nullopt;
  if (const auto kind = kind_of_record(first_line(head))) return kind;
  if (has_key(head, "\"image_size\"") && has_key(head, "\"annotations\"")) return DataKind::boxes;
  if (has_key(head, "\"file_name\"") || (has_key(head, "\"image_id\"") && has_key(head, "\"bbox\""))) return DataKind::coco;
  return std::nullopt;
}

std::optional<DataKind> kind_of_lines(const formats::InputFile& file) {
  const std::string head = head_of(file);
  const std::string_view line = first_line(head);
  if (!line.starts_with('{')) return std::nullopt;
  for (std::size_t at = line.find("-ref\""); at != std::string_view::npos; at = line.find("-ref\"", at + 1)) {
    if (trim(line.substr(at + 5)).starts_with(':')) return DataKind::manifest;
  }
  return kind_of_record(line);
}

std::optional<DataKind> kind_of_file(const formats::InputFile& file) {
  const std::string suffix = plain_suffix(file.path);
  if (suffix == ".xml") return DataKind::voc;
  if (suffix == ".manifest") return DataKind::manifest;
  if (suffix == ".json") return kind_of_json(file);
  if (suffix == ".jsonl") return kind_of_lines(file);
  return std::nullopt;
}

bool annotates_boxes(DataKind kind) { return kind == DataKind::boxes || kind == DataKind::voc || kind == DataKind::coco; }

}  // namespace

std::optional<DataKind> guess_structured_input(const ConvertRequest& request) {
  std::error_code error;
  if (request.input == "-" || !fs::exists(request.input, error)) return std::nullopt;
  const std::vector<formats::InputFile> files = formats::expand_path_if_any(request.input);
  if (files.empty()) return std::nullopt;
  if (!fs::is_directory(request.input, error)) return kind_of_file(files[0]);
  // Images lie among annotations, and the order of names says nothing.
  for (const formats::InputFile& file : files) {
    const std::string suffix = plain_suffix(file.path);
    if (suffix == ".xml") return DataKind::voc;
    if (suffix != ".json" && suffix != ".jsonl") continue;
    const auto kind = kind_of_file(file);
    return kind == DataKind::boxes || kind == DataKind::series || kind == DataKind::pairs ? kind : std::nullopt;
  }
  return std::nullopt;
}

std::optional<DataKind> guess_box_output(const ConvertRequest& request, DataKind input) {
  if (request.to) return std::nullopt;
  const std::string suffix = plain_suffix(request.output);
  const bool boxes = annotates_boxes(input);
  if (suffix == ".manifest") return DataKind::manifest;
  if (!boxes && input != DataKind::masks && input != DataKind::manifest && input != DataKind::image_list &&
      input != DataKind::image_records)
    return std::nullopt;
  if (suffix == ".lst") return DataKind::image_list;
  if (suffix == ".rec") return DataKind::image_records;
  if (suffix == ".json" && (boxes || input == DataKind::manifest)) return DataKind::coco;
  if (suffix == ".jsonl" && boxes) return DataKind::manifest;
  if (input == DataKind::voc || input == DataKind::coco) return DataKind::boxes;
  if (input == DataKind::masks) return DataKind::masks;
  if (input == DataKind::boxes) {
    throw user_error(
        "{}: boxes as JSON can become VOC, COCO, an image list, image records or a manifest; say which with --to voc, or by a "
        "suffix .json, .lst, .rec or .manifest",
        request.output);
  }
  return std::nullopt;
}

}  // namespace smtrain::run
