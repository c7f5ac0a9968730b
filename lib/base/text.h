// Small text tools: nearest names, numbers and durations as people write them, numbers as JSON prints them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace smtrain {

std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(std::span<const std::string> parts, std::string_view separator);

/// The candidate nearest to `name` by edit distance (transpositions count one; case, - and _ count nothing), if it is near
/// enough to be a likely typing error: at most a third of the length, or a prefix relation.
std::optional<std::string> nearest_name(std::string_view name, std::span<const std::string> candidates);

/// "; did you mean X?" or "".
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

/// User text for a message: in double quotes, control characters and invalid UTF-8 escaped, at most `limit` characters.
std::string quoted(std::string_view text, std::size_t limit = 60);

/// Sizes: 1048576, 512K, 1.5G, 2GiB, 500MB. Powers of 1024 whatever the spelling. nullopt when it is not a size.
std::optional<std::uint64_t> parse_bytes(std::string_view text);
std::string format_bytes(std::uint64_t bytes);

/// Durations in seconds: 90, 90s, 15m, 1h30m, 2d, 01:30:00, 1-12:00:00. nullopt when it is not a duration.
std::optional<double> parse_duration(std::string_view text);
std::string format_duration(double seconds);

/// Shortest decimal text that reads back to the same value; "3.0" for integral values, as JSON and Python print floats.
/// Locale-independent. NaN and infinities as nan, inf, -inf.
std::string format_number(double value);
std::string format_number(float value);
/// Appends the same, without an allocation for short results.
void append_number(std::string& out, float value);
void append_number(std::string& out, double value);

/// "%20" as a blank, as URIs write bytes; a NUL is decoded like any other byte. nullopt when a % is not followed by two hex
/// digits.
std::optional<std::string> percent_decoded(std::string_view text);

/// A JSON string literal, quotes included; invalid UTF-8 becomes U+FFFD.
std::string json_quoted(std::string_view text);

/// 1234567 as "1,234,567".
std::string grouped(std::uint64_t number);

/// "1 file", "1,234 files", "2 classes", "3 boxes".
std::string counted(std::uint64_t number, std::string_view word);

}  // namespace smtrain
