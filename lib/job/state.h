// State: what a run has come to, as named tensors and named values; what a checkpoint holds.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "formats/archive/safetensors.h"

namespace smtrain::job {

/// Filled by a SaveState and read back by the run that goes on. Values come back to the bit, NaNs too. Names are the owner's;
/// those that begin with "run." belong to the run around the algorithm.
///
/// Getters throw a user Error that names the checkpoint and the entry when it is missing or of another type, shape or sign.
class State {
 public:
  using Value = std::variant<std::int64_t, double, std::string>;

  void put(std::string name, std::int64_t value) { values_[std::move(name)] = value; }
  void put(std::string name, std::uint64_t value);
  void put(std::string name, double value) { values_[std::move(name)] = value; }
  void put(std::string name, std::string value) { values_[std::move(name)] = std::move(value); }
  void put(std::string name, std::vector<std::uint64_t> shape, std::span<const float> numbers);
  void put(std::string name, std::vector<std::uint64_t> shape, std::span<const double> numbers);
  /// A tensor as it is; replaces one of the same name.
  void put(formats::NamedTensor tensor);
  void put_bytes(std::string name, std::string bytes);

  bool has(std::string_view name) const { return values_.find(name) != values_.end() || find_tensor(name) != nullptr; }
  std::int64_t integer(std::string_view name) const;
  /// An integer that is not negative.
  std::uint64_t count(std::string_view name) const;
  double number(std::string_view name) const;
  const std::string& text(std::string_view name) const;
  std::vector<float> f32(std::string_view name, const std::vector<std::uint64_t>& shape) const;
  std::vector<double> f64(std::string_view name, const std::vector<std::uint64_t>& shape) const;
  const std::string& bytes(std::string_view name) const;

  const std::map<std::string, Value, std::less<>>& values() const { return values_; }
  const std::vector<formats::NamedTensor>& tensors() const { return tensors_; }
  /// The checkpoint this was read from, for messages.
  void set_source(std::string source) { source_ = std::move(source); }
  const std::string& source() const { return source_; }

 private:
  const formats::NamedTensor* find_tensor(std::string_view name) const;
  const formats::NamedTensor& tensor(std::string_view name, const std::vector<std::uint64_t>& shape) const;
  template <class T>
  const T& value(std::string_view name, std::string_view type) const;

  std::map<std::string, Value, std::less<>> values_;
  std::vector<formats::NamedTensor> tensors_;
  std::string source_ = "the checkpoint";
};

}  // namespace smtrain::job
