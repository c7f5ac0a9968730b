#include "formats/content_type.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::formats {
namespace {

struct FormatFacts {
  Format format;
  const char* mime;
  const char* words;
  bool table, lines;
};

constexpr FormatFacts kFormats[] = {
    {Format::csv, "text/csv", "CSV text", true, true},
    {Format::libsvm, "text/libsvm", "libsvm", true, true},
    {Format::recordio_protobuf, "application/x-recordio-protobuf", "recordIO-protobuf", true, false},
    {Format::json, "application/json", "JSON", true, true},
    {Format::jsonlines, "application/jsonlines", "JSON Lines", true, true},
    {Format::parquet, "application/x-parquet", "Parquet", true, false},
    {Format::npy, "application/x-npy", "NumPy array", true, false},
    {Format::matrix_market, "application/x-matrix-market", "Matrix Market", true, false},
    {Format::image_recordio, "application/x-recordio", "image recordIO", false, false},
    {Format::image, "application/x-image", "image", false, false},
    {Format::text, "text/plain", "text", false, true},
};

const FormatFacts& facts_of(Format format) {
  return *std::find_if(std::begin(kFormats), std::end(kFormats), [&](const FormatFacts& f) { return f.format == format; });
}

struct Alias {
  const char* name;
  Format format;
  const char* delimiter = nullptr;
};

constexpr Alias kAliases[] = {
    {"text/csv", Format::csv},
    {"csv", Format::csv},
    {"text/tab-separated-values", Format::csv, "tab"},
    {"tsv", Format::csv, "tab"},
    {"text/libsvm", Format::libsvm},
    {"text/x-libsvm", Format::libsvm},
    {"libsvm", Format::libsvm},
    {"application/x-recordio-protobuf", Format::recordio_protobuf},
    {"recordio-protobuf", Format::recordio_protobuf},
    {"x-recordio-protobuf", Format::recordio_protobuf},
    {"application/json", Format::json},
    {"json", Format::json},
    {"application/jsonlines", Format::jsonlines},
    {"jsonlines", Format::jsonlines},
    {"jsonl", Format::jsonlines},
    {"application/x-parquet", Format::parquet},
    {"parquet", Format::parquet},
    {"application/x-npy", Format::npy},
    {"npy", Format::npy},
    {"application/x-matrix-market", Format::matrix_market},
    {"mtx", Format::matrix_market},
    {"application/x-recordio", Format::image_recordio},
    {"application/x-image", Format::image},
    {"image/jpeg", Format::image},
    {"image/png", Format::image},
    {"text/plain", Format::text},
    {"application/x-text", Format::text},
};

std::string known_types() {
  std::string text;
  for (const Alias& a : kAliases) {
    if (!text.empty()) text += ", ";
    text += a.name;
  }
  return text;
}

const Alias& find_alias(std::string_view type, std::string_view whole) {
  const std::string name = to_lower(type);
  for (const Alias& a : kAliases)
    if (name == a.name) return a;
  std::vector<std::string> candidates;
  for (const Alias& a : kAliases) candidates.emplace_back(a.name);
  throw user_error("content type {} is not known{}; known are {}", quoted(whole), did_you_mean(name, candidates), known_types());
}

/// Splits at semicolons outside of double quotes.
std::vector<std::string_view> split_parts(std::string_view text) {
  std::vector<std::string_view> parts;
  bool inside = false;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '"') inside = !inside;
    if (i < text.size() && (text[i] != ';' || inside)) continue;
    parts.push_back(text.substr(start, i - start));
    start = i + 1;
  }
  if (inside) throw user_error("content type {}: a double quote is not closed", quoted(text));
  return parts;
}

std::string unquoted(std::string_view value) {
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::string(value);
  return std::string(value.substr(1, value.size() - 2));
}

void add_parameter(ContentType& type, std::string_view part, std::string_view whole) {
  const std::size_t equals = part.find('=');
  const std::string name = to_lower(trim(part.substr(0, equals)));
  if (name.empty()) throw user_error("content type {}: a parameter has no name; expected ;name=value", quoted(whole));
  // A bare word switches something on: application/json;verbose.
  const std::string value = equals == std::string_view::npos ? "true" : unquoted(trim(part.substr(equals + 1)));
  if (!type.parameters.emplace(name, value).second)
    throw user_error("content type {}: parameter {} is given twice", quoted(whole), name);
}

bool starts_with(std::string_view bytes, std::string_view prefix) { return bytes.substr(0, prefix.size()) == prefix; }

constexpr std::string_view kRecordioMagic{"\x0A\x23\xD7\xCE", 4};

/// Text as people write it: no control characters but tab and carriage return, no byte that UTF-8 never has.
bool is_text(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) {
    const auto b = static_cast<unsigned char>(c);
    return (b >= 0x20 && b != 0x7F && b != 0xC0 && b != 0xC1 && b < 0xF5) || b == '\t' || b == '\r' || b == '\n';
  });
}

std::string_view without_bom(std::string_view bytes) {
  if (starts_with(bytes, "\xEF\xBB\xBF")) bytes.remove_prefix(3);
  return bytes;
}

std::string_view without_leading_space(std::string_view bytes) {
  const std::size_t start = bytes.find_first_not_of(" \t\r\n");
  return start == std::string_view::npos ? std::string_view() : bytes.substr(start);
}

std::string_view first_line(std::string_view bytes) { return bytes.substr(0, bytes.find('\n')); }

/// One object per line, or one document? A line that is an object by itself speaks for lines, unless it is the envelope.
Format json_kind(std::string_view text) {
  const std::string_view line = trim(first_line(text));
  const bool whole_object = line.size() >= 2 && line.front() == '{' && (line.back() == '}' || line.back() == ',');
  const bool envelope = line.find("\"instances\"") < 16;
  return whole_object && !envelope ? Format::jsonlines : Format::json;
}

/// A label, perhaps with a weight, then index:value pairs apart by blanks.
bool is_libsvm(std::string_view line) {
  line = trim(line.substr(0, line.find('#')));
  const std::size_t label = line.find(' ');
  if (label == std::string_view::npos || line.find(',') != std::string_view::npos) return false;
  const std::string_view pair = trim(line.substr(label)).substr(0, line.find(' ', label + 1));
  const std::size_t colon = pair.find(':');
  const auto digits = [](std::string_view text) { return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos; };
  return colon != std::string_view::npos && (pair.substr(0, colon) == "qid" || digits(pair.substr(0, colon)));
}

/// A Record as protobuf begins with a map entry whose key is "values".
bool is_record_message(std::string_view bytes) {
  return bytes.size() > 10 && (bytes[0] == 0x0A || bytes[0] == 0x12) && bytes.substr(0, 24).find("\x0A\x06values") < 12;
}

/// Image records hold a 24-byte header, perhaps more labels, then the image file itself.
bool is_image_record(std::string_view bytes) {
  if (bytes.size() < 36) return false;
  std::uint32_t extra_labels;
  std::memcpy(&extra_labels, bytes.data() + 8, sizeof extra_labels);
  if (extra_labels > 1024) return false;
  const std::size_t image = 8 + 24 + 4 * std::size_t{extra_labels};
  if (image >= bytes.size()) return false;
  const std::string_view payload = bytes.substr(image);
  return starts_with(payload, "\xFF\xD8\xFF") || starts_with(payload, "\x89PNG");
}

struct Magic {
  std::string_view bytes;
  const char* words;
  std::optional<Format> format = std::nullopt;
};

using namespace std::string_view_literals;
constexpr Magic kMagics[] = {
    {"\x1F\x8B"sv, "gzip data"},
    {"\x28\xB5\x2F\xFD"sv, "zstd data"},
    {"PAR1"sv, "Parquet", Format::parquet},
    {"\xCE\xD7\x23\x0A"sv, "big-endian recordIO"},
    {"PK\x03\x04"sv, "a zip archive"},
    {"BZh"sv, "bzip2 data"},
    {"\xFD\x37zXZ"sv, "xz data"},
    {"\x89HDF"sv, "HDF5"},
    {"\x93NUMPY"sv, "a NumPy array", Format::npy},
    {"\xFF\xD8\xFF"sv, "a JPEG image", Format::image},
    {"\x89PNG"sv, "a PNG image", Format::image},
    {"ARROW1"sv, "an Arrow file"},
    {"\xFF\xFE"sv, "UTF-16 text"},
    {"\xFE\xFF"sv, "UTF-16 text"},
    {"%PDF"sv, "a PDF"},
};

std::string describe_text(std::string_view text) {
  const std::string_view body = without_leading_space(text);
  if (body.empty()) return "blank text";
  if (body.front() == '{') return json_kind(body) == Format::json ? "JSON" : "JSON Lines";
  if (body.front() == '[') return "JSON";
  if (body.front() == '<') return "XML or HTML";
  return first_line(body).find_first_of(",;\t") != std::string_view::npos ? "CSV text" : "text";
}

}  // namespace

std::vector<Format> all_formats() {
  std::vector<Format> formats;
  for (const FormatFacts& facts : kFormats) formats.push_back(facts.format);
  return formats;
}

const char* mime_type(Format format) { return facts_of(format).mime; }

const char* words_for(Format format) { return facts_of(format).words; }

bool is_table(Format format) { return facts_of(format).table; }

bool has_columns(Format format) {
  return format == Format::csv || format == Format::npy || format == Format::matrix_market;
}

bool has_lines(Format format) { return facts_of(format).lines; }

std::optional<std::string> ContentType::text(const std::string& name) const {
  const auto found = parameters.find(name);
  if (found == parameters.end()) return std::nullopt;
  return found->second;
}

std::optional<long> ContentType::integer(const std::string& name) const {
  const std::optional<std::string> value = text(name);
  if (!value) return std::nullopt;
  long number = 0;
  const char* last = value->data() + value->size();
  const auto [end, error] = std::from_chars(value->data(), last, number);
  if (error != std::errc() || end != last || value->empty())
    throw user_error("content type parameter {}={}: expected an integer", name, quoted(*value));
  return number;
}

std::optional<bool> ContentType::boolean(const std::string& name) const {
  const std::optional<std::string> value = text(name);
  if (!value) return std::nullopt;
  const std::string lower = to_lower(*value);
  if (lower == "true" || lower == "1" || lower == "yes") return true;
  if (lower == "false" || lower == "0" || lower == "no") return false;
  throw user_error("content type parameter {}={}: expected true or false", name, quoted(*value));
}

std::string ContentType::to_string() const {
  std::string out = mime_type(format);
  for (const auto& [name, value] : parameters) {
    const bool plain = !value.empty() && value.find_first_of("; =\t") == std::string::npos;
    out += ';' + name + '=' + (plain ? value : '"' + value + '"');
  }
  return out;
}

ContentType parse_content_type(std::string_view text) {
  const std::vector<std::string_view> parts = split_parts(text);
  const Alias& alias = find_alias(trim(parts.front()), text);
  ContentType type;
  type.format = alias.format;
  for (std::size_t i = 1; i < parts.size(); ++i)
    if (!trim(parts[i]).empty()) add_parameter(type, parts[i], text);
  if (alias.delimiter != nullptr) type.parameters.emplace("delimiter", alias.delimiter);
  return type;
}

std::optional<Format> format_by_suffix(std::string_view path) {
  constexpr std::pair<std::string_view, Format> kSuffixes[] = {
      {".csv", Format::csv},
      {".tsv", Format::csv},
      {".libsvm", Format::libsvm},
      {".svm", Format::libsvm},
      {".pbr", Format::recordio_protobuf},
      {".rec", Format::recordio_protobuf},
      {".protobuf", Format::recordio_protobuf},
      {".json", Format::json},
      {".jsonl", Format::jsonlines},
      {".parquet", Format::parquet},
      {".npy", Format::npy},
      {".mtx", Format::matrix_market},
  };
  std::string name = to_lower(path.substr(path.find_last_of('/') + 1));
  for (const std::string_view packed : {".gz", ".zst"})
    if (name.ends_with(packed)) {
      name.resize(name.size() - packed.size());
      break;
    }
  for (const auto& [suffix, format] : kSuffixes)
    if (name.ends_with(suffix)) return format;
  return std::nullopt;
}

std::optional<Format> format_by_content(std::span<const char> head) {
  const std::string_view bytes(head.data(), head.size());
  if (starts_with(bytes, kRecordioMagic)) return is_image_record(bytes) ? Format::image_recordio : Format::recordio_protobuf;
  for (const Magic& magic : kMagics)
    if (starts_with(bytes, magic.bytes)) return magic.format;
  const std::string_view body = without_leading_space(without_bom(bytes));
  if (body.empty() || !is_text(first_line(body))) return std::nullopt;
  if (body.front() == '{') return json_kind(body);
  if (body.front() == '[' || body.front() == '<') return std::nullopt;
  if (starts_with(body, "%%MatrixMarket")) return Format::matrix_market;
  return is_libsvm(first_line(body)) ? Format::libsvm : Format::csv;
}

std::string describe_content(std::span<const char> head) {
  const std::string_view bytes(head.data(), head.size());
  if (bytes.empty()) return "an empty file";
  if (starts_with(bytes, kRecordioMagic)) return is_image_record(bytes) ? "an MXNet image recordIO" : "recordIO";
  for (const Magic& magic : kMagics)
    if (starts_with(bytes, magic.bytes)) return magic.words;
  if (is_record_message(bytes)) return "protobuf without framing";
  if (bytes.size() >= 262 && bytes.substr(257, 5) == "ustar") return "a tar archive";
  const std::string_view sample = without_bom(bytes.substr(0, 4096));
  return is_text(sample) ? describe_text(sample) : "binary data";
}

}  // namespace smtrain::formats
