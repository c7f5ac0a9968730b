// The Record message of recordIO-protobuf (package aialgs.data), decoded without allocation where it can be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace smtrain::formats::recordio {

enum class NumberType : std::uint8_t { none, f32, f64, i32, bytes };

/// One tensor, with its bytes left where they are. `packed` is the one packed run of values when there is exactly one
/// (the usual case); otherwise the decoder has gathered the runs into scratch.
struct Tensor {
  NumberType type = NumberType::none;
  std::size_t values = 0;              ///< number of values
  std::string_view packed;             ///< f32, f64: little-endian numbers; i32: varints
  std::vector<std::uint64_t> keys;     ///< sparse positions as written
  std::vector<std::uint64_t> shape;
};

/// A Record, reused from one to the next so that a warm loop does not allocate.
struct Record {
  Tensor features;   ///< features["values"]
  Tensor label;      ///< label["values"]
  bool has_features = false, has_label = false;
  std::string_view uid, metadata, configuration;
  std::string_view other_feature;  ///< a key of the features map that is not "values"; for messages
  std::string scratch;  ///< values of tensors whose runs had to be joined
};

/// Decodes a payload. Views point into `payload` or into `record.scratch`. Honours every rule of the format: any order of
/// fields, packed and unpacked, the last of repeated map keys and oneofs wins, unknown fields skipped. Throws a user Error
/// `where: field path: …` for malformed bytes. `key`: of the map entries that are the record's features and label.
void decode_record(std::span<const char> payload, std::string_view where, Record& record, std::string_view key = "values");

/// "none", "float32_tensor", "float64_tensor", "int32_tensor", "bytes": the field names of the format.
const char* name_of(NumberType type);

/// Copies `count` little-endian float32 numbers, at any alignment, and returns how many of them are not finite. One pass at
/// memory speed.
std::size_t copy_float32(const char* from, std::size_t count, float* out);

/// The tensor's numbers as float32, `out` holding `tensor.values` of them. Returns how many are not finite.
std::size_t to_float32(const Tensor& tensor, float* out);

/// Whether an integer tensor holds a number beyond ±2^24, up to which float32 holds every integer.
bool exceeds_float32(const Tensor& tensor);

/// The value at `index`, as written; for messages and checks.
double value_at(const Tensor& tensor, std::size_t index);

/// Appends the payload of a Record with float32 tensors: dense features (no keys), or sparse (keys and shape).
/// Byte-identical to the standard protobuf library for maps with one entry.
struct SparseValues {
  std::span<const std::uint32_t> keys;
  std::uint64_t dim = 0;
};
void append_record(std::string& out, std::span<const float> features, const SparseValues* sparse, std::span<const float> label);

/// Appends the payload of a Record whose features are integers under names of their own, in the order given; no label.
struct NamedIntegers {
  std::string_view name;
  std::span<const std::int32_t> values;
};
void append_integer_record(std::string& out, std::span<const NamedIntegers> features);

/// The integers of a tensor of integers, or of one of floats that are whole; appended. False when a value is not whole or beyond
/// 32 bits.
bool to_int32(const Tensor& tensor, std::vector<std::int32_t>& out);

/// One named answer of a response Record: label[name] = values.
struct NamedValues {
  std::string_view name;
  std::span<const float> values;
};
void append_response_record(std::string& out, std::span<const NamedValues> answers);

}  // namespace smtrain::formats::recordio
