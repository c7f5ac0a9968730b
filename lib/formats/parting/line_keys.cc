#include "formats/parting/line_keys.h"

#include <simdjson.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "formats/parting/packed_records.h"
#include "formats/text/lines.h"

namespace smtrain::formats {
namespace {

std::uint64_t key_of_member(std::string_view line, const std::string& name, bool& found) {
  // A parser's buffers are dear to make and cheap to keep.
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element value;
  found = parser.parse(line.data(), line.size())[name].get(value) == simdjson::SUCCESS;
  return found ? key_of(simdjson::minify(value)) : 0;
}

/// The first word that begins with `prefix`, which is left out.
std::string_view word_with(std::string_view line, std::string_view prefix) {
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
    const std::string_view word = line.substr(at, end - at);
    if (word.starts_with(prefix)) return word.substr(prefix.size());
    at = end + 1;
  }
  return {};
}

}  // namespace

LineKey::LineKey(Format format, std::string flag, std::string name)
    : format_(format), flag_(std::move(flag)), name_(std::move(name)) {
  const bool known = format == Format::jsonlines || (format == Format::libsvm && (name_ == "label" || name_ == "qid")) ||
                     (format == Format::text && name_ == "label");
  if (known) return;
  throw user_error("{} {}: of {} expected {}", flag_, smtrain::quoted(name_), words_for(format),
                   format == Format::libsvm ? "label or qid"
                   : format == Format::text ? "label, which is the first __label__ word"
                                            : "no such flag");
}

std::string_view LineKey::find(std::string_view line) const {
  if (format_ == Format::text) return word_with(line, "__label__");
  if (name_ == "qid") return word_with(line, "qid:");
  return line.substr(0, line.find_first_of(" \t:"));
}

std::uint64_t LineKey::of(std::string_view line, const std::string& source, std::uint64_t number) const {
  line = trim(line);
  bool found = false;
  const std::uint64_t of_member = format_ == Format::jsonlines ? key_of_member(line, name_, found) : 0;
  if (found) return of_member;
  const std::string_view value = format_ == Format::jsonlines ? std::string_view() : find(line);
  if (!value.empty()) return key_of(value);
  throw user_error("{}: the record has no {}, which {} needs", line_place(source, number), smtrain::quoted(name_), flag_);
}

}  // namespace smtrain::formats
