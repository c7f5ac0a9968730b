// What a blank line is.
#pragma once

namespace smtrain::formats {

/// Whether a line of nothing but blanks is a record; it is where the lines of two files belong together.
enum class BlankLines { skipped, records };

}  // namespace smtrain::formats
