// safetensors: named tensors in one file: u64 header length, a JSON header, raw little-endian data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace smtrain::formats {

/// A named tensor on the host, its bytes row-major little-endian.
struct NamedTensor {
  std::string name;
  std::string dtype;                 ///< "F32", "F64", "I32", "I64", "U8", "BF16" as safetensors spells them
  std::vector<std::uint64_t> shape;
  std::string data;

  std::uint64_t elements() const;
  static NamedTensor f32(std::string name, std::vector<std::uint64_t> shape, const float* data);
  static NamedTensor f64(std::string name, std::vector<std::uint64_t> shape, const double* data);
  /// The numbers as float32/float64; throws a user Error when dtype is another one.
  std::vector<float> as_f32() const;
  std::vector<double> as_f64() const;
};

/// "2, 3", for messages.
std::string shape_text(const std::vector<std::uint64_t>& shape);

/// Tensors sorted by name, header padded with blanks to 8 bytes: the same tensors give the same bytes.
std::string write_safetensors(const std::vector<NamedTensor>& tensors);

/// `name` is for messages. Checks header length, offsets (no gaps outside, no overlap), shape × size with overflow check.
std::vector<NamedTensor> read_safetensors(std::string_view bytes, const std::string& name);

}  // namespace smtrain::formats
