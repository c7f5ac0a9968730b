// Content types: "text/csv;label_size=0" taken apart, aliases, guesses by suffix and first bytes.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace smtrain::formats {

enum class Format { csv, recordio_protobuf, json, jsonlines };

/// The canonical spelling: "text/csv", "application/x-recordio-protobuf", "application/json", "application/jsonlines".
const char* mime_type(Format format);

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
/// values may be quoted. Aliases: csv, tsv (tab-delimited), recordio-protobuf, x-recordio-protobuf, json, jsonl, jsonlines.
/// Throws a user Error that lists what is known for anything else.
ContentType parse_content_type(std::string_view text);

/// By suffix (.csv .tsv .pbr .rec .protobuf .json .jsonl, then the same before .gz or .zst).
std::optional<Format> format_by_suffix(std::string_view path);

/// By the first (decompressed) bytes: recordIO magic, `{`, a line of text. nullopt when nothing fits.
std::optional<Format> format_by_content(std::span<const char> head);

/// What the first bytes look like, in words, for messages: "CSV text", "gzip data", "Parquet", "big-endian recordIO",
/// "an MXNet image recordIO", "protobuf without framing", "an empty file", "binary data".
std::string describe_content(std::span<const char> head);

}  // namespace smtrain::formats
