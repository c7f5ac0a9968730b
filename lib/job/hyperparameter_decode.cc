#include "job/hyperparameter_decode.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::job {
namespace {

constexpr std::size_t kMaxLength = 2500;  // of a value, as the service's own model says

using Decoded = std::variant<Value, DecodeProblem>;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

DecodeProblem problem(const Hyperparameter& p, std::string_view text, std::string_view what, bool value_stage = false) {
  return {value_stage, fmt::format("Hyperparameter {}: {} {}", p.name, single_quoted(text), what)};
}

std::string or_auto(const Hyperparameter& p) { return p.allows_auto ? " or auto" : ""; }

// "adam" in its JSON quotes, as framework clients send every value.
std::string without_json_quotes(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (json.is_string()) return json.get<std::string>();
  }
  return std::string(text);
}

const Choice* find_choice(const Hyperparameter& p, std::string_view text) {
  for (const Choice& c : p.choices) {
    if (c.name == text || std::find(c.aliases.begin(), c.aliases.end(), text) != c.aliases.end()) return &c;
  }
  return nullptr;
}

// A decimal number taken apart exactly, so that 9007199254740993.0 does not pass through a double.
struct Decimal {
  bool negative = false;
  std::string digits;  // no leading and no trailing zeros
  long scale = 0;      // value = digits * 10^scale
};

std::optional<long> read_exponent(std::string_view text) {
  if (text.empty()) return 0;
  text.remove_prefix(1);  // the e
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  int exponent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (error != std::errc() || end != text.data() + text.size() || std::abs(exponent) > 10000) return std::nullopt;
  return exponent;
}

void strip_zeros(Decimal& d) {
  d.digits.erase(0, d.digits.find_first_not_of('0'));
  while (!d.digits.empty() && d.digits.back() == '0') d.digits.pop_back(), ++d.scale;
}

std::optional<Decimal> read_decimal(std::string_view text) {
  Decimal d;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    d.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  bool point = false;
  std::size_t i = 0;
  for (; i < text.size() && (is_digit(text[i]) || (text[i] == '.' && !point)); ++i) {
    if (text[i] == '.') point = true;
    else d.digits += text[i], d.scale -= point;
  }
  const bool exponent_follows = i < text.size() && (text[i] == 'e' || text[i] == 'E');
  if (d.digits.empty() || (i < text.size() && !exponent_follows)) return std::nullopt;
  const std::optional<long> exponent = read_exponent(text.substr(i));
  if (!exponent) return std::nullopt;
  d.scale += *exponent;
  strip_zeros(d);
  return d;
}

Decoded decode_integer(const Hyperparameter& p, std::string_view text) {
  const std::string expected = "is not an integer" + or_auto(p);
  std::optional<Decimal> d = read_decimal(text);
  if (!d) return problem(p, text, expected);
  if (d->digits.empty()) return Value(std::int64_t{0});
  if (d->scale < 0) return problem(p, text, expected);
  const std::string_view too_big = "is out of range: it does not fit in 64 bits";
  if (d->digits.size() + static_cast<std::size_t>(d->scale) > 19) return problem(p, text, too_big, true);
  d->digits.append(static_cast<std::size_t>(d->scale), '0');
  if (d->negative) d->digits.insert(0, 1, '-');
  std::int64_t value = 0;
  const auto parsed = std::from_chars(d->digits.data(), d->digits.data() + d->digits.size(), value);
  if (parsed.ec != std::errc()) return problem(p, text, too_big, true);
  return Value(value);
}

std::string or_words(const Hyperparameter& p) {
  std::string text;
  for (const Choice& word : p.choices) text += " or " + word.name;
  return text + or_auto(p);
}

// from_chars knows no locale: a decimal comma is an error everywhere.
Decoded decode_number(const Hyperparameter& p, std::string_view text) {
  const Choice* word = p.kind == Kind::number ? find_choice(p, text) : nullptr;
  if (word != nullptr) return Value(word->name);
  std::string_view rest = text;
  if (rest.size() > 1 && rest.front() == '+' && rest[1] != '-' && rest[1] != '+') rest.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  const bool whole = end == rest.data() + rest.size();
  if (error == std::errc::result_out_of_range && whole) {
    return problem(p, text, "is out of range: it is too large or too small for a 64-bit number", true);
  }
  if (error != std::errc() || !whole || value - value != 0) {
    const bool comma = std::count(text.begin(), text.end(), ',') == 1;
    return problem(p, text, "is not a number" + (p.kind == Kind::number ? or_words(p) : or_auto(p)) + (comma ? "; the decimal sign is a point" : ""));
  }
  return Value(value);
}

Decoded decode_boolean(const Hyperparameter& p, std::string_view text) {
  const std::string lower = to_lower(text);
  if (lower == "true") return Value(true);
  if (lower == "false") return Value(false);
  return problem(p, text, "is not a boolean (true or false" + or_auto(p) + ")");
}

std::vector<std::string> choice_names(const Hyperparameter& p) {
  std::vector<std::string> names;
  for (const Choice& c : p.choices) names.push_back(c.name);
  if (p.allows_auto) names.push_back("auto");
  return names;
}

DecodeProblem not_a_choice(const Hyperparameter& p, std::string_view text) {
  const std::vector<std::string> names = choice_names(p);
  return problem(p, text, "is not one of: " + join(names, ", ") + did_you_mean(text, names), true);
}

Decoded decode_choice(const Hyperparameter& p, std::string_view text) {
  if (const Choice* c = find_choice(p, text)) return Value(c->value);
  return not_a_choice(p, text);
}

// ---- lists: ["a", "b"], ['a', 'b'], (1, 0), [a, b], a,b --------------------------------------------------------------

struct ListReader {
  std::string_view rest;
  std::vector<std::string> items;

  void skip_blanks() { rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n"), rest.size())); }

  bool read_quoted() {
    const char quote = rest.front();
    std::size_t end = 1;
    while (end < rest.size() && rest[end] != quote) end += rest[end] == '\\' ? 2 : 1;
    if (end >= rest.size()) return false;
    const std::string_view token = rest.substr(0, end + 1);
    rest.remove_prefix(end + 1);
    if (quote == '\'') {
      items.emplace_back(token.substr(1, token.size() - 2));
      return items.back().find('\\') == std::string::npos;
    }
    const nlohmann::json json = nlohmann::json::parse(token, nullptr, /*allow_exceptions=*/false);
    if (json.is_string()) items.push_back(json.get<std::string>());
    return json.is_string();
  }

  bool read_bare() {
    const std::size_t end = std::min(rest.find(','), rest.size());
    const std::string_view token = trim(rest.substr(0, end));
    rest.remove_prefix(end);
    items.emplace_back(token);
    return !token.empty() && token.find_first_of("[](){}'\"") == std::string_view::npos;
  }

  // One item and the comma behind it; a comma may stand behind the last one, as in the tuple (1,).
  bool read_item() {
    if (!(rest.front() == '"' || rest.front() == '\'' ? read_quoted() : read_bare())) return false;
    skip_blanks();
    if (rest.empty()) return true;
    if (rest.front() != ',') return false;
    rest.remove_prefix(1);
    skip_blanks();
    return true;
  }
};

std::string example_list(const Hyperparameter& p) {
  const std::string a = p.choices.empty() ? "a" : p.choices.front().name;
  const std::string b = p.choices.empty() ? "b" : p.choices.back().name;
  return a == b ? fmt::format("[\"{}\"]", a) : fmt::format("[\"{}\", \"{}\"]", a, b);
}

std::optional<std::vector<std::string>> split_list(std::string_view text) {
  const bool bracketed = text.size() >= 2 && ((text.front() == '[' && text.back() == ']') ||
                                              (text.front() == '(' && text.back() == ')'));
  ListReader reader{bracketed ? text.substr(1, text.size() - 2) : text, {}};
  reader.skip_blanks();
  if (reader.rest.empty() && !bracketed) return std::nullopt;
  while (!reader.rest.empty()) {
    if (!reader.read_item()) return std::nullopt;
  }
  return std::move(reader.items);
}

// Names by their first spelling, each once.
std::optional<DecodeProblem> to_choices(const Hyperparameter& p, std::vector<std::string>& items) {
  std::vector<std::string> unique;
  for (const std::string& item : items) {
    const Choice* c = find_choice(p, item);
    if (!c) return not_a_choice(p, item);
    if (std::find(unique.begin(), unique.end(), c->name) == unique.end()) unique.push_back(c->name);
  }
  items = std::move(unique);
  return std::nullopt;
}

Decoded decode_list(const Hyperparameter& p, std::string_view text) {
  std::optional<std::vector<std::string>> items = split_list(text);
  if (!items) return problem(p, text, fmt::format("is not a list; write it as {}", example_list(p)));
  if (!p.choices.empty()) {
    if (std::optional<DecodeProblem> found = to_choices(p, *items)) return *found;
  }
  if (items->size() < p.min_items) {
    return problem(p, text, fmt::format("holds {} items, at least {} expected, for example {}", items->size(), p.min_items,
                                        example_list(p)), true);
  }
  return Value(std::move(*items));
}

// ---- encoding -----------------------------------------------------------------------------------------------------------

std::string encode_list(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) {
    if (out.size() > 1) out += ", ";
    const bool number = !item.empty() && (is_digit(item.front()) || item.front() == '-') && nlohmann::json::accept(item);
    out += number ? item : json_quoted(item);
  }
  return out + "]";
}

std::string choice_name(const Hyperparameter& p, std::int64_t value) {
  for (const Choice& c : p.choices) {
    if (c.value == value) return c.name;
  }
  throw internal_error("hyperparameter {}: no choice has the value {}", p.name, value);
}

// ---- ranges -------------------------------------------------------------------------------------------------------------

std::string range_message(const Hyperparameter& p, std::string_view value, std::string_view text) {
  const std::string remark = value == trim(text) ? "" : fmt::format(" (got {})", single_quoted(text));
  return fmt::format("Hyperparameter {}: {} is not in {}{}", p.name, value, p.range.to_string(), remark);
}

std::optional<std::string> item_out_of_range(const Hyperparameter& p, const std::vector<std::string>& items) {
  if (!p.range.min && !p.range.max) return std::nullopt;
  for (const std::string& item : items) {
    const Decoded number = decode_number(p, item);
    if (const DecodeProblem* bad = std::get_if<DecodeProblem>(&number)) return bad->message;
    if (!p.range.contains(std::get<double>(std::get<Value>(number)))) return range_message(p, item, item);
  }
  return std::nullopt;
}

}  // namespace

std::string single_quoted(std::string_view text) {
  std::string quotes = quoted(text);
  if (quotes.size() >= 2) quotes.front() = quotes.back() = '\'';
  return quotes;
}

std::variant<Value, DecodeProblem> try_decode(const Hyperparameter& parameter, std::string_view text) {
  if (text.size() > kMaxLength) {
    return DecodeProblem{false, fmt::format("Hyperparameter {}: {} characters given, at most {} allowed", parameter.name,
                                            text.size(), kMaxLength)};
  }
  const std::string bare = without_json_quotes(trim(text));
  if (parameter.allows_auto && bare == "auto") return Value(std::monostate{});
  switch (parameter.kind) {
    case Kind::integer: return decode_integer(parameter, trim(bare));
    case Kind::number: return decode_number(parameter, trim(bare));
    case Kind::boolean: return decode_boolean(parameter, trim(bare));
    case Kind::choice: return decode_choice(parameter, bare);
    case Kind::list: return decode_list(parameter, trim(bare));
    case Kind::text: break;
  }
  return Value(bare);
}

std::optional<std::string> out_of_range(const Hyperparameter& parameter, const Value& value, std::string_view text) {
  if (const auto* items = std::get_if<std::vector<std::string>>(&value)) return item_out_of_range(parameter, *items);
  double number = 0;
  if (const auto* i = std::get_if<std::int64_t>(&value); i && parameter.kind == Kind::integer) number = static_cast<double>(*i);
  else if (const auto* d = std::get_if<double>(&value)) number = *d;
  else return std::nullopt;
  if (parameter.range.contains(number)) return std::nullopt;
  return range_message(parameter, encode(parameter, value), text);
}

Value decode(const Hyperparameter& parameter, std::string_view text) {
  std::variant<Value, DecodeProblem> decoded = try_decode(parameter, text);
  if (const DecodeProblem* bad = std::get_if<DecodeProblem>(&decoded)) throw Error(Fault::user, bad->message);
  return std::get<Value>(std::move(decoded));
}

std::string encode(const Hyperparameter& parameter, const Value& value) {
  struct Visitor {
    const Hyperparameter& p;
    std::string operator()(std::monostate) const { return "auto"; }
    std::string operator()(std::int64_t i) const { return p.kind == Kind::choice ? choice_name(p, i) : fmt::format("{}", i); }
    std::string operator()(double d) const { return format_number(d); }
    std::string operator()(bool b) const { return b ? "true" : "false"; }
    // A text that looks like a JSON string keeps its quotes by getting another pair; blanks at the ends likewise.
    std::string operator()(const std::string& s) const {
      const bool plain = trim(s) == s && !(s.size() >= 2 && s.front() == '"' && s.back() == '"');
      return plain ? s : json_quoted(s);
    }
    std::string operator()(const std::vector<std::string>& items) const { return encode_list(items); }
  };
  return std::visit(Visitor{parameter}, value);
}

}  // namespace smtrain::job
