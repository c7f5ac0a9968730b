#include "formats/batch.h"

#include <fmt/format.h>

#include <algorithm>

namespace smtrain::formats {

std::string Batch::where(std::size_t row) const {
  if (!origins || origins->empty()) return fmt::format("row {}", row);
  const std::size_t stored = origin_row + row;
  auto after = std::upper_bound(origins->begin(), origins->end(), stored,
                                [](std::size_t r, const Origin& o) { return r < o.first_row; });
  const Origin& o = *std::prev(after);
  const std::size_t delta = stored - o.first_row;
  if (o.line > 0 && o.line_of) return fmt::format("{}:{}", *o.source, (*o.line_of)[o.line_at + delta]);
  if (o.line > 0) return fmt::format("{}:{}", *o.source, o.line + delta);
  return fmt::format("{}, record {}", *o.source, o.record + delta);
}

}  // namespace smtrain::formats
