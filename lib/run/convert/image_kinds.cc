#include "run/convert/image_kinds.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/text.h"
#include "formats/content_type.h"
#include "formats/image/image_info.h"
#include "formats/io/file_head.h"
#include "formats/io/input_files.h"

namespace smtrain::run {
namespace {

namespace fs = std::filesystem;
using formats::Format;

constexpr std::size_t kLook = std::size_t{16} << 10;

std::string plain_name(std::string_view path) {
  std::string name = to_lower(path);
  for (const char* packed : {".gz", ".zst"}) {
    if (name.ends_with(packed)) name.resize(name.size() - std::string_view(packed).size());
  }
  return name;
}

bool holds_image_records(const formats::InputFile& file) {
  if (!file.rewindable) return false;
  const std::string head = formats::file_head(file, kLook);
  return formats::format_by_content(head) == Format::image_recordio;
}

std::optional<DataKind> kind_of_format(Format format) {
  if (format == Format::image_recordio) return DataKind::image_records;
  if (format == Format::image) return DataKind::image_folder;
  return std::nullopt;
}

std::optional<DataKind> kind_of_folder(const std::vector<formats::InputFile>& files) {
  const auto records = std::find_if(files.begin(), files.end(), [](const auto& f) { return plain_name(f.path).ends_with(".rec"); });
  if (records != files.end()) return holds_image_records(*records) ? std::optional(DataKind::image_records) : std::nullopt;
  const bool images = std::any_of(files.begin(), files.end(), [](const auto& f) { return formats::image::has_image_suffix(f.path); });
  return images ? std::optional(DataKind::image_folder) : std::nullopt;
}

bool is_of_images(DataKind kind) {
  return kind == DataKind::image_folder || kind == DataKind::image_list || kind == DataKind::image_records;
}

}  // namespace

std::optional<DataKind> guess_image_input(const ConvertRequest& request) {
  if (request.content_type) return kind_of_format(formats::parse_content_type(*request.content_type).format);
  std::error_code error;
  if (request.input == "-" || !fs::exists(request.input, error)) return std::nullopt;
  const std::vector<formats::InputFile> files = formats::expand_path_if_any(request.input);
  if (files.empty()) return std::nullopt;
  if (fs::is_directory(request.input, error)) return kind_of_folder(files);
  if (plain_name(request.input).ends_with(".lst")) return DataKind::image_list;
  return holds_image_records(files[0]) ? std::optional(DataKind::image_records) : std::nullopt;
}

std::optional<DataKind> guess_image_output(const ConvertRequest& request, DataKind input) {
  if (request.to) return kind_of_format(formats::parse_content_type(*request.to).format);
  if (!is_of_images(input)) return std::nullopt;
  const std::string name = plain_name(request.output);
  if (name.ends_with(".lst")) return DataKind::image_list;
  if (name.ends_with(".rec")) return DataKind::image_records;
  return fs::path(name).extension().empty() && request.output != "-" ? std::optional(DataKind::image_folder) : std::nullopt;
}

}  // namespace smtrain::run
