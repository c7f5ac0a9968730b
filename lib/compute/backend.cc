#include "compute/backend.h"

#include "base/error.h"

namespace smtrain::compute {

Mat Mat::row_range(std::size_t first, std::size_t count) const {
  if (first > rows || count > rows - first)
    throw internal_error("row_range: rows {} to {} of a matrix of {}", first, first + count, rows);
  Mat part = *this;
  part.offset += first * ld;
  part.rows = count;
  return part;
}

}  // namespace smtrain::compute
