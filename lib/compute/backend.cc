#include "compute/backend.h"

#include "base/error.h"

namespace smtrain::compute {

std::size_t size_of(DType type) {
  switch (type) {
    case DType::f32: return 4;
    case DType::f64: return 8;
    case DType::bf16: return 2;
    case DType::i32: return 4;
    case DType::u8: return 1;
  }
  throw internal_error("size_of: no such type: {}", static_cast<int>(type));
}

const char* name_of(DType type) {
  switch (type) {
    case DType::f32: return "f32";
    case DType::f64: return "f64";
    case DType::bf16: return "bf16";
    case DType::i32: return "i32";
    case DType::u8: return "u8";
  }
  throw internal_error("name_of: no such type: {}", static_cast<int>(type));
}

Mat Mat::row_range(std::size_t first, std::size_t count) const {
  if (first > rows || count > rows - first)
    throw internal_error("row_range: rows {} to {} of a matrix of {}", first, first + count, rows);
  Mat part = *this;
  part.offset += first * ld;
  part.rows = count;
  return part;
}

}  // namespace smtrain::compute
