#include "job/state.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::job {
namespace {

std::string_view type_name(const State::Value& value) {
  constexpr std::string_view kNames[] = {"an integer", "a number", "a text"};
  return kNames[value.index()];
}

constexpr std::string_view kRemedy = "it was written by another version of smtrain; remove it to start anew";

}  // namespace

void State::put(std::string name, std::uint64_t value) {
  if (!std::in_range<std::int64_t>(value)) throw internal_error("state {}: {} is too large", smtrain::quoted(name), value);
  values_[std::move(name)] = static_cast<std::int64_t>(value);
}

void State::put(std::string name, std::vector<std::uint64_t> shape, std::span<const float> numbers) {
  put(formats::NamedTensor::f32(std::move(name), std::move(shape), numbers.data()));
}

void State::put(std::string name, std::vector<std::uint64_t> shape, std::span<const double> numbers) {
  put(formats::NamedTensor::f64(std::move(name), std::move(shape), numbers.data()));
}

void State::put(formats::NamedTensor tensor) {
  std::erase_if(tensors_, [&](const formats::NamedTensor& t) { return t.name == tensor.name; });
  tensors_.push_back(std::move(tensor));
}

void State::put_bytes(std::string name, std::string bytes) {
  const std::uint64_t size = bytes.size();
  put(formats::NamedTensor{std::move(name), "U8", {size}, std::move(bytes)});
}

template <class T>
const T& State::value(std::string_view name, std::string_view type) const {
  const auto found = values_.find(name);
  if (found == values_.end()) throw user_error("{}: holds no value {}; {}", source_, smtrain::quoted(name), kRemedy);
  const T* typed = std::get_if<T>(&found->second);
  if (typed == nullptr) {
    throw user_error("{}: value {} is {}; expected {}; {}", source_, smtrain::quoted(name), type_name(found->second), type, kRemedy);
  }
  return *typed;
}

std::int64_t State::integer(std::string_view name) const { return value<std::int64_t>(name, "an integer"); }

std::uint64_t State::count(std::string_view name) const {
  const std::int64_t n = integer(name);
  if (n < 0) throw user_error("{}: value {} is {}; expected a count of 0 or more; {}", source_, smtrain::quoted(name), n, kRemedy);
  return static_cast<std::uint64_t>(n);
}

double State::number(std::string_view name) const { return value<double>(name, "a number"); }

const std::string& State::text(std::string_view name) const { return value<std::string>(name, "a text"); }

const formats::NamedTensor* State::find_tensor(std::string_view name) const {
  const auto at = std::find_if(tensors_.begin(), tensors_.end(), [&](const auto& t) { return t.name == name; });
  return at == tensors_.end() ? nullptr : &*at;
}

const formats::NamedTensor& State::tensor(std::string_view name, const std::vector<std::uint64_t>& shape) const {
  const formats::NamedTensor* t = find_tensor(name);
  if (t == nullptr) throw user_error("{}: holds no tensor {}; {}", source_, smtrain::quoted(name), kRemedy);
  if (t->shape != shape) {
    throw user_error("{}: tensor {} is of shape ({}); expected ({}); {}", source_, smtrain::quoted(name), formats::shape_text(t->shape),
                     formats::shape_text(shape), kRemedy);
  }
  return *t;
}

std::vector<float> State::f32(std::string_view name, const std::vector<std::uint64_t>& shape) const {
  const formats::NamedTensor& t = tensor(name, shape);
  if (t.dtype != "F32") throw user_error("{}: tensor {} holds {}; expected F32; {}", source_, smtrain::quoted(name), t.dtype, kRemedy);
  return t.as_f32();
}

std::vector<double> State::f64(std::string_view name, const std::vector<std::uint64_t>& shape) const {
  const formats::NamedTensor& t = tensor(name, shape);
  if (t.dtype != "F64") throw user_error("{}: tensor {} holds {}; expected F64; {}", source_, smtrain::quoted(name), t.dtype, kRemedy);
  return t.as_f64();
}

const std::string& State::bytes(std::string_view name) const {
  const formats::NamedTensor* t = find_tensor(name);
  if (t == nullptr || t->dtype != "U8") throw user_error("{}: holds no bytes {}; {}", source_, smtrain::quoted(name), kRemedy);
  return t->data;
}

}  // namespace smtrain::job
