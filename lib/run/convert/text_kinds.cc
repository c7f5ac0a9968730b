#include "run/convert/text_kinds.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "formats/content_type.h"
#include "formats/io/file_head.h"
#include "formats/text/field_number.h"
#include "formats/text/lines.h"
#include "formats/words/translations.h"

namespace smtrain::run {
namespace {

constexpr std::size_t kLook = std::size_t{64} << 10, kLines = 200;

// Whole lines of the beginning.
std::vector<std::string_view> first_lines(std::string_view head, bool all) {
  std::vector<std::string_view> found;
  formats::Lines lines(formats::without_bom(all ? head : head.substr(0, head.rfind('\n') + 1)), 1);
  while (found.size() < kLines && lines.next()) found.push_back(lines.line());
  return found;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\t'; });
}

// Several columns, as many in each line.
bool has_columns(const std::vector<std::string_view>& lines, char separator) {
  const auto fields = [&](std::string_view line) { return std::count(line.begin(), line.end(), separator); };
  return fields(lines.front()) > 0 &&
         std::all_of(lines.begin(), lines.end(), [&](std::string_view line) { return fields(line) == fields(lines.front()); });
}

bool has_number(std::string_view line) {
  constexpr std::string_view kSeparators = ",;\t|";
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find_first_of(kSeparators, begin), line.size());
    if (formats::field_number(trim(line.substr(begin, end - begin)))) return true;
    begin = end + 1;
  }
  return false;
}

bool begins_with_number(std::string_view line) {
  return formats::field_number(line.substr(0, std::min(line.find_first_of(" \t"), line.size()))).has_value();
}

}  // namespace

std::optional<DataKind> guess_text_input(const ConvertRequest& request) {
  std::error_code error;
  if (request.content_type || !std::filesystem::is_regular_file(request.input, error)) return std::nullopt;
  const auto named = formats::format_by_suffix(request.input);
  if (named && named != formats::Format::recordio_protobuf) return std::nullopt;
  const std::string head = formats::file_head(formats::expand_path(request.input).front(), kLook);
  if (formats::holds_translations(head)) return DataKind::translations;
  if (named) return std::nullopt;
  if (formats::format_by_content(head) != formats::Format::csv) return std::nullopt;
  const std::vector<std::string_view> lines = first_lines(head, head.size() < kLook);
  if (lines.empty() || std::any_of(lines.begin(), lines.end(), has_control)) return std::nullopt;
  if (lines.front().starts_with("__label__")) return DataKind::sentences;
  if (std::all_of(lines.begin(), lines.end(), begins_with_number)) return std::nullopt;
  // JSON, XML and numbers are told elsewhere; quotes may hold line feeds.
  constexpr std::string_view kOthers = "{[<\"";
  const auto is_other = [&](std::string_view line) { return kOthers.find(line.front()) != std::string_view::npos || has_number(line); };
  if (std::any_of(lines.begin(), lines.end(), is_other)) return std::nullopt;
  for (const char separator : {',', ';', '\t', '|'}) {
    if (lines.size() > 1 && has_columns(lines, separator)) return std::nullopt;
  }
  return DataKind::documents;
}

}  // namespace smtrain::run
