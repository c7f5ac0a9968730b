#include "run/contract/failure.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/system_error.h"
#include "base/text.h"

namespace smtrain::run::contract {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

std::size_t length_by_first(unsigned first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return 2;
  if ((first & 0xF0) == 0xE0) return 3;
  return first >= 0xF0 && first < 0xF5 ? 4 : 0;
}

/// The bytes of the character at `at`; 0 when they are no UTF-8.
std::size_t character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(at), second = byte(at + 1);
  const std::size_t length = length_by_first(first);
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool outside = (first == 0xED && second >= 0xA0) || (first == 0xF4 && second >= 0x90);  // surrogates; above U+10FFFF
  return overlong || outside ? 0 : length;
}

}  // namespace

std::string first_characters(std::string_view text, std::size_t limit) {
  std::string out;
  for (std::size_t at = 0, count = 0; at < text.size() && count < limit; ++count) {
    const std::size_t length = character_at(text, at);
    out += length == 0 ? kReplacement : text.substr(at, length);
    at += length == 0 ? 1 : length;
  }
  return out;
}

std::string failure_text(const Error& error) {
  if (error.fault() == Fault::stopped || error.fault() == Fault::interrupted) return "";
  const std::string text = join(error.problems(), "\n");
  return first_characters(error.fault() == Fault::user ? text : std::string(kInternal) + text);
}

void write_failure(const std::filesystem::path& path, std::string_view text) {
  const auto fail = [&](int error_number) {
    throw system_error(error_number, "cannot write {}", path.string());
  };
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file && errno == EEXIST) return;
  if (!file) fail(errno);
  while (!text.empty()) {
    const ssize_t n = ::write(file.get(), text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(errno);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace smtrain::run::contract
