#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace smtrain {
namespace {

constexpr std::string_view kSpace = " \t\n\r\f\v";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// What counts when names are compared: letters without case, no - and no _.
std::string compared(std::string_view name) {
  std::string kept;
  for (const char c : name) {
    if (c != '-' && c != '_') kept += lower(c);
  }
  return kept;
}

// Optimal string alignment: insert, delete, replace and swap of neighbours cost one each.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1] ? 1 : 0)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

bool prefix_of_either(std::string_view a, std::string_view b) {
  return std::min(a.size(), b.size()) >= 3 && (a.starts_with(b) || b.starts_with(a));
}

// Length of the well-formed UTF-8 sequence at the start of `text` (Unicode table 3-7), 0 when there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto tail = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      if ((byte(i) & 0xC0u) != 0x80u) return false;
    }
    return true;
  };
  const unsigned first = byte(0), second = byte(1);
  if (first < 0x80) return text.empty() ? 0 : 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1, 2) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned least = first == 0xE0 ? 0xA0 : 0x80, most = first == 0xED ? 0x9F : 0xBF;
    return second >= least && second <= most && tail(2, 3) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned least = first == 0xF0 ? 0x90 : 0x80, most = first == 0xF4 ? 0x8F : 0xBF;
    return second >= least && second <= most && tail(2, 4) ? 4 : 0;
  }
  return 0;
}

// The escape of an ASCII character that may not stand in quotes as it is, "" when it may. Characters without a short
// escape are written as `prefix` and `digits` hexadecimal digits.
std::string escape(char c, std::string_view prefix, int digits) {
  switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: break;
  }
  const unsigned code = static_cast<unsigned char>(c);
  return code < 0x20 || code == 0x7F ? fmt::format("{}{:0{}x}", prefix, code, digits) : std::string();
}

// C1 controls, which a terminal may obey: U+0080 … U+009F.
bool is_c1_control(std::string_view sequence) {
  return sequence.size() == 2 && sequence[0] == '\xC2' && static_cast<unsigned char>(sequence[1]) < 0xA0;
}

// One character of `text` at `at`, as it stands in a message; moves `at` past it.
std::string shown(std::string_view text, std::size_t& at) {
  const std::size_t length = utf8_length(text.substr(at));
  const std::string_view sequence = text.substr(at, std::max<std::size_t>(length, 1));
  at += sequence.size();
  if (length == 0) return fmt::format("\\x{:02x}", static_cast<unsigned char>(sequence[0]));
  if (is_c1_control(sequence)) return fmt::format("\\u{:04x}", static_cast<unsigned char>(sequence[1]));
  std::string escaped = length == 1 ? escape(sequence[0], "\\x", 2) : std::string();
  return escaped.empty() ? std::string(sequence) : escaped;
}

// A number without sign, exponent, nan or inf, in all of `text`.
std::optional<double> plain_number(std::string_view text) {
  if (text.empty() || !(is_digit(text[0]) || text[0] == '.')) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// log2 of a size unit: "", b, k, kb, kib, ...; -1 when it is none.
int unit_shift(std::string_view unit) {
  const std::string u = to_lower(unit);
  if (u.empty() || u == "b") return 0;
  const std::size_t power = std::string_view("kmgtpe").find(u[0]);
  const std::string_view rest = std::string_view(u).substr(1);
  if (power == std::string_view::npos || !(rest.empty() || rest == "b" || rest == "ib")) return -1;
  return 10 * static_cast<int>(power + 1);
}

// Slurm's clock: [D-]HH:MM:SS, MM:SS, D-HH, D-HH:MM.
std::optional<double> parse_clock(std::string_view text) {
  double days = 0;
  const std::size_t dash = text.find('-');
  if (dash != std::string_view::npos) {
    const auto d = whole_number(text.substr(0, dash));
    if (!d) return std::nullopt;
    days = static_cast<double>(*d);
    text.remove_prefix(dash + 1);
  }
  const std::vector<std::string_view> parts = split(text, ':');
  if (parts.size() > 3) return std::nullopt;
  double seconds = 0;
  for (const std::string_view part : parts) {
    const auto value = whole_number(part);
    if (!value) return std::nullopt;
    seconds = seconds * 60 + static_cast<double>(*value);
  }
  // With days the first place is hours; without, the last is seconds.
  if (dash != std::string_view::npos) seconds *= std::pow(60.0, static_cast<double>(3 - parts.size()));
  return days * 86400 + seconds;
}

std::optional<double> seconds_of_unit(std::string_view unit) {
  const std::string u = to_lower(unit);
  if (u.empty() || u == "s" || u == "sec") return 1;
  if (u == "ms") return 0.001;
  if (u == "m" || u == "min") return 60;
  if (u == "h") return 3600;
  if (u == "d") return 86400;
  if (u == "w") return 604800;
  return std::nullopt;
}

char* with_point(char* begin, char* end) {
  if (std::find(begin, end, '.') != end) return end;
  *end++ = '.';
  *end++ = '0';
  return end;
}

// Python's layout: fixed for 1e-4 <= |x| < 1e16, else d.ddde+XX.
template <class T>
void append_shortest(std::string& out, T value) {
  if (std::isnan(value)) {
    out += "nan";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "-inf" : "inf";
    return;
  }
  std::array<char, 64> buffer;
  char* const begin = buffer.data();
  const auto write = [&](std::chars_format format) {
    return std::to_chars(begin, begin + buffer.size() - 2, value, format).ptr;
  };
  const T size = std::abs(value);
  const bool fixed = size == 0 || (size >= T(1e-4) && size < T(1e16));
  char* const end = fixed ? with_point(begin, write(std::chars_format::fixed)) : write(std::chars_format::scientific);
  out.append(begin, end);
}

}  // namespace

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string to_lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = lower(c);
  return result;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += separator;
    text += parts[i];
  }
  return text;
}

std::optional<std::string> nearest_name(std::string_view name, std::span<const std::string> candidates) {
  constexpr std::size_t kLongestName = 200;  // no typing error; and the distance is quadratic
  const std::string wanted = compared(name);
  if (wanted.empty() || wanted.size() > kLongestName) return std::nullopt;
  const std::string* best = nullptr;
  std::size_t best_distance = std::numeric_limits<std::size_t>::max();
  for (const std::string& candidate : candidates) {
    const std::string other = compared(candidate);
    const std::size_t distance = edit_distance(wanted, other);
    const bool doubled = wanted.size() == 2 && other.size() == 1 && wanted[0] == other[0];  // kk for k
    const bool near = 3 * distance <= std::max(wanted.size(), other.size()) || prefix_of_either(wanted, other) || doubled;
    if (near && distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  return best != nullptr ? std::optional<std::string>(*best) : std::nullopt;
}

std::string did_you_mean(std::string_view name, std::span<const std::string> candidates) {
  const std::optional<std::string> nearest = nearest_name(name, candidates);
  return nearest ? fmt::format("; did you mean {}?", *nearest) : std::string();
}

std::string quoted(std::string_view text, std::size_t limit) {
  std::string result = "\"";
  std::size_t at = 0;
  for (std::size_t characters = 0; at < text.size(); ++characters) {
    if (characters == limit) {
      result += "...";
      break;
    }
    result += shown(text, at);
  }
  return result + '"';
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  text = trim(text);
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view number = text.substr(0, digits);
  const int shift = unit_shift(trim(text.substr(digits)));
  if (shift < 0) return std::nullopt;
  if (const auto whole = whole_number(number)) {
    if (*whole > std::numeric_limits<std::uint64_t>::max() >> shift) return std::nullopt;
    return *whole << shift;
  }
  const auto value = plain_number(number);
  if (!value || shift == 0) return std::nullopt;  // there is no half byte
  const double bytes = std::ldexp(*value, shift);
  return bytes < 0x1p64 ? std::optional<std::uint64_t>(static_cast<std::uint64_t>(bytes)) : std::nullopt;
}

std::string format_bytes(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  constexpr std::array<const char*, 6> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 1023.95 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::optional<double> parse_duration(std::string_view text) {
  text = trim(text);
  if (text.find_first_of(":-") != std::string_view::npos) return parse_clock(text);
  if (text.empty()) return std::nullopt;
  double seconds = 0;
  const std::size_t whole_size = text.size();
  while (!text.empty()) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const auto value = plain_number(text.substr(0, digits));
    text = trim(text.substr(digits));
    const std::size_t letters = std::min(text.find_first_of("0123456789. "), text.size());
    const auto unit = seconds_of_unit(text.substr(0, letters));
    const bool alone = digits == whole_size;
    if (!value || !unit || (letters == 0 && !alone)) return std::nullopt;  // "1h30" may mean minutes or seconds
    seconds += *value * *unit;
    text = trim(text.substr(letters));
  }
  return seconds;
}

std::string format_duration(double seconds) {
  if (!std::isfinite(seconds)) return "unknown";
  if (seconds < 0) return "-" + format_duration(-seconds);
  if (seconds < 0.9995) return fmt::format("{:.0f}ms", seconds * 1000);
  if (seconds < 59.95) return fmt::format("{:.1f}s", seconds);
  if (seconds >= 1e15) return fmt::format("{:.3g}d", seconds / 86400);
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
  return fmt::format("{}d{:02}h", whole / 86400, whole / 3600 % 24);
}

void append_number(std::string& out, float value) { append_shortest(out, value); }
void append_number(std::string& out, double value) { append_shortest(out, value); }

std::string format_number(double value) {
  std::string text;
  append_number(text, value);
  return text;
}

std::string format_number(float value) {
  std::string text;
  append_number(text, value);
  return text;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const std::string_view digits = text.substr(i + 1, 2);
    int byte = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() < 2 || digits[0] == '-' || error != std::errc() || end != digits.data() + 2) return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

std::string json_quoted(std::string_view text) {
  std::string result = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text.substr(at));
    if (length == 0) {
      result += "\xEF\xBF\xBD";
      ++at;
      continue;
    }
    std::string escaped = length == 1 ? escape(text[at], "\\u", 4) : std::string();
    result += escaped.empty() ? text.substr(at, length) : std::string_view(escaped);
    at += length;
  }
  return result + '"';
}

std::string grouped(std::uint64_t number) {
  std::string digits = fmt::format("{}", number);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string counted(std::uint64_t number, std::string_view word) {
  return fmt::format("{} {}{}", grouped(number), word, number == 1 ? "" : word.ends_with('s') || word.ends_with('x') ? "es" : "s");
}

}  // namespace smtrain
