// What a failed system call becomes.
#pragma once

#include "base/error.h"

namespace smtrain {

/// The Error of a failed system call on a file: `format` says what could not be done, and errno in words follows. Whose fault it
/// is says fault_of_errno().
template <class... A>
[[nodiscard]] Error system_error(int error_number, fmt::format_string<A...> format, A&&... args) {
  return Error(fault_of_errno(error_number), fmt::format(format, std::forward<A>(args)...) + ": " + errno_text(error_number));
}

}  // namespace smtrain
