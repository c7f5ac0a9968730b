// The header of a NumPy array file (.npy, format versions 1 to 3; share/doc/formats/npy.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace smtrain::formats {

enum class NpyType { f4, f8, i1, i2, i4, i8, u1, u2, u4, u8, boolean };

struct NpyHeader {
  NpyType type = NpyType::f4;
  bool fortran_order = false;
  std::uint64_t rows = 0, cols = 1;  ///< a vector is a table of one column
  std::size_t bytes = 0;             ///< of the header, so where the numbers begin
};

std::size_t size_of(NpyType type);
/// "<f4"
const char* name_of(NpyType type);

/// nullopt while the header is not whole. Throws a user Error, without a place, for bytes that are no such header, types that
/// are no little-endian numbers, arrays that are neither vectors nor matrices, and sizes beyond 64 bits.
std::optional<NpyHeader> read_npy_header(std::span<const char> bytes);

/// A header of 128 bytes, version 1.0, of float32 numbers row by row.
std::string npy_header(std::uint64_t rows, std::uint64_t cols);

/// The same of any type; cols = 0: of a vector.
std::string npy_header(NpyType type, std::uint64_t rows, std::uint64_t cols);

}  // namespace smtrain::formats
