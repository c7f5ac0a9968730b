// Content types: "text/csv;label_size=0" taken apart, aliases, guesses by suffix and first bytes.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace smtrain::formats {

enum class Format {
  csv,
  libsvm,
  recordio_protobuf,
  json,
  jsonlines,
  parquet,
  npy,
  matrix_market,
  image_recordio,  ///< MXNet's image records
  image,           ///< JPEG or PNG
  text,
};

/// Every format there is, those of tables first.
std::vector<Format> all_formats();

/// The canonical spelling: "text/csv", "application/x-recordio-protobuf", "application/json", "application/jsonlines", ...
const char* mime_type(Format format);

/// In words, for people: "CSV text", "recordIO-protobuf", ...
const char* words_for(Format format);

/// Whether files of it are rows of numbers.
bool is_table(Format format);

/// Whether its rows are columns of equal standing, of which label_size says how many are labels. Not Parquet, whose columns have
/// names and a rule of their own.
bool has_columns(Format format);

/// Whether its records are told by their lines.
bool has_lines(Format format);

struct ContentType {
  Format format = Format::csv;
  /// Parameters in lower-case names, values as given: label_size, header, label, delimiter, quote, ...
  std::map<std::string, std::string> parameters;

  /// The integer or boolean value of a parameter; absent: nullopt; unreadable: a user Error that names it.
  std::optional<long> integer(const std::string& name) const;
  std::optional<bool> boolean(const std::string& name) const;
  std::optional<std::string> text(const std::string& name) const;
  /// As it would be written: "text/csv;label_size=0".
  std::string to_string() const;
};

/// Takes a content type apart; type and parameter names compare case-insensitively, blanks around ; and = are ignored,
/// values may be quoted. Each format has short names too: csv, tsv (tab-delimited), libsvm, recordio-protobuf, json, jsonl, ....
/// Throws a user Error that lists what is known for anything else.
ContentType parse_content_type(std::string_view text);

/// By suffix (.csv .tsv .libsvm .svm .pbr .rec .protobuf .json .jsonl .parquet .npy .mtx, then the same before .gz or .zst). A
/// .rec may hold images all the same.
std::optional<Format> format_by_suffix(std::string_view path);

/// By the first (decompressed) bytes: a magic number, `{`, a line of text. nullopt when nothing fits.
std::optional<Format> format_by_content(std::span<const char> head);

/// What the first bytes look like, in words, for messages: "CSV text", "gzip data", "Parquet", "big-endian recordIO",
/// "an MXNet image recordIO", "protobuf without framing", "an empty file", "binary data".
std::string describe_content(std::span<const char> head);

}  // namespace smtrain::formats
