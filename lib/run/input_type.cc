#include "run/input_type.h"

#include "base/error.h"
#include "base/text.h"
#include "formats/io/file_head.h"

namespace smtrain::run {
namespace {

constexpr std::size_t kHeadBytes = std::size_t{64} << 10;

std::string_view without_compression(std::string_view name) {
  for (const std::string_view suffix : {".gz", ".zst"}) {
    if (name.ends_with(suffix)) name.remove_suffix(suffix.size());
  }
  return name;
}

formats::ContentType type_by_bytes(const formats::InputFile& file) {
  const std::string head = formats::file_head(file, kHeadBytes);
  if (const auto format = formats::format_by_content(head); format && formats::is_table(*format)) return {*format, {}};
  throw user_error("{}: looks like {}, which is no table that can be read; name the format with --content-type, for example "
                   "text/csv;label_size=0",
                   file.name, formats::describe_content(head));
}

}  // namespace

std::optional<formats::ContentType> type_by_suffix(std::string_view path) {
  const std::string name = to_lower(path);
  if (without_compression(name).ends_with(".tsv")) return formats::parse_content_type("tsv");
  if (const auto format = formats::format_by_suffix(path)) return formats::ContentType{*format, {}};
  return std::nullopt;
}

formats::ContentType input_type(const std::optional<std::string>& given, std::span<const formats::InputFile> files) {
  if (given) return formats::parse_content_type(*given);
  if (files.empty()) throw user_error("no input file");
  const formats::InputFile& first = files.front();
  if (const auto type = type_by_suffix(first.path)) return *type;
  if (first.rewindable) return type_by_bytes(first);
  throw user_error("{}: the format of a stream cannot be guessed; name it with --content-type, for example "
                   "text/csv;label_size=0",
                   first.name);
}

formats::ContentType output_type(const std::optional<std::string>& to, const std::string& path) {
  if (to) return formats::parse_content_type(*to);
  if (const auto type = type_by_suffix(path)) return *type;
  throw user_error("{}: the suffix names no format; expected .csv, .tsv, .libsvm, .svm, .pbr, .rec, .protobuf or .jsonl, before .gz "
                   "or .zst if wanted, .parquet, .npy or .mtx, or a format given with --to",
                   path == "-" ? "standard output" : path);
}

}  // namespace smtrain::run
