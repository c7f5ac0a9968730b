// output/failure: the one message a user needs.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace smtrain::run::contract {

/// What the platform shows of a failure file.
inline constexpr std::size_t kMaxFailureCharacters = 1024;
inline constexpr std::string_view kInternal = "Internal error: ";  ///< before what is not the user's fault

/// The first `limit` characters of UTF-8 text; bytes that are no UTF-8 become U+FFFD.
std::string first_characters(std::string_view text, std::size_t limit = kMaxFailureCharacters);

/// The text for the file: the problems, one a line, the first one first; "Internal error: …" when the fault is not the
/// user's. Empty for a run that was stopped, which leaves no such file.
std::string failure_text(const Error& error);

/// Writes the text unless there is such a file: the first reason is the one that counts. Throws Error with path and cause.
void write_failure(const std::filesystem::path& path, std::string_view text);

}  // namespace smtrain::run::contract
