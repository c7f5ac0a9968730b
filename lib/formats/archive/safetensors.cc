#include "formats/archive/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::formats {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "tensor bytes are copied as they are");

constexpr std::size_t kPrefix = 8;                         // the header's length
constexpr std::uint64_t kHeaderLimit = 100'000'000;        // as the reference reader has it
constexpr std::string_view kMetadata = "__metadata__";

struct Dtype {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr Dtype kDtypes[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"I16", 2}, {"U16", 2},
                             {"F16", 2},  {"BF16", 2}, {"I32", 4}, {"U32", 4},     {"F32", 4},     {"F64", 8}, {"I64", 8},
                             {"U64", 8}};

std::uint64_t bytes_of_dtype(std::string_view name) {
  for (const Dtype& dtype : kDtypes) {
    if (dtype.name == name) return dtype.bytes;
  }
  return 0;
}

template <class T>
NamedTensor make(std::string name, std::string dtype, std::vector<std::uint64_t> shape, const T* data) {
  NamedTensor tensor{std::move(name), std::move(dtype), std::move(shape), {}};
  tensor.data.assign(reinterpret_cast<const char*>(data), tensor.elements() * sizeof(T));
  return tensor;
}

template <class T>
std::vector<T> numbers(const NamedTensor& tensor, std::string_view dtype) {
  if (tensor.dtype != dtype) throw user_error("tensor {} is {}; expected {}", smtrain::quoted(tensor.name), tensor.dtype, dtype);
  std::vector<T> out(tensor.data.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), tensor.data.data(), out.size() * sizeof(T));
  return out;
}

std::vector<const NamedTensor*> sorted_by_name(const std::vector<NamedTensor>& tensors) {
  std::vector<const NamedTensor*> out;
  for (const NamedTensor& tensor : tensors) out.push_back(&tensor);
  std::sort(out.begin(), out.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  return out;
}

void check_writable(const NamedTensor& tensor) {
  const std::uint64_t bytes = tensor.elements() * bytes_of_dtype(tensor.dtype);
  if (bytes_of_dtype(tensor.dtype) == 0 || tensor.name == kMetadata || bytes != tensor.data.size()) {
    throw internal_error("tensor {} ({}) has {} bytes; expected {}", smtrain::quoted(tensor.name), tensor.dtype, tensor.data.size(),
                         bytes);
  }
}

std::string header_of(const std::vector<const NamedTensor*>& tensors) {
  json header = json::object();
  std::uint64_t at = 0;
  for (const NamedTensor* tensor : tensors) {
    check_writable(*tensor);
    if (header.contains(tensor->name)) throw internal_error("two tensors are named {}", smtrain::quoted(tensor->name));
    const std::uint64_t end = at + tensor->data.size();
    header[tensor->name] = {{"dtype", tensor->dtype}, {"shape", tensor->shape}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
  text.append((kPrefix - text.size() % kPrefix) % kPrefix, ' ');
  return text;
}

/// A tensor's place in the data.
struct Entry {
  NamedTensor tensor;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

class Reader {
 public:
  Reader(std::string_view bytes, const std::string& name) : name_(name) {
    if (bytes.size() < kPrefix) throw damaged("has {} bytes; expected a header length of 8 bytes", bytes.size());
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), kPrefix);
    bytes.remove_prefix(kPrefix);
    if (length > kHeaderLimit || length > bytes.size()) {
      throw damaged("header of {} bytes, with {} bytes left in the file; it is cut off or no safetensors file", length,
                    bytes.size());
    }
    header_ = bytes.substr(0, length);
    data_ = bytes.substr(length);
  }

  std::vector<NamedTensor> read() {
    std::vector<Entry> entries = parse();
    check_places(entries);
    std::vector<NamedTensor> tensors;
    tensors.reserve(entries.size());
    for (Entry& entry : entries) {
      entry.tensor.data = data_.substr(entry.begin, entry.end - entry.begin);
      tensors.push_back(std::move(entry.tensor));
    }
    return tensors;
  }

 private:
  template <class... A>
  [[nodiscard]] Error damaged(fmt::format_string<A...> format, A&&... args) const {
    return user_error("{}: {}", name_, fmt::format(format, std::forward<A>(args)...));
  }

  std::vector<Entry> parse() const {
    std::set<std::string> seen;
    std::string twice;
    const auto watch = [&](int depth, json::parse_event_t event, json& key) {
      if (event == json::parse_event_t::key && depth == 1 && !seen.insert(key.get<std::string>()).second) twice = key;
      return true;
    };
    const json header = json::parse(header_.begin(), header_.end(), watch, false);
    if (!header.is_object()) throw damaged("the safetensors header is no JSON object");
    if (!twice.empty()) throw damaged("tensor {} is there twice", smtrain::quoted(twice));
    std::vector<Entry> entries;
    for (const auto& [name, fields] : header.items()) {
      if (name != kMetadata) entries.push_back(entry_of(name, fields));
    }
    return entries;
  }

  Entry entry_of(const std::string& name, const json& fields) const {
    const auto field = [&](const char* key) -> const json& {
      if (!fields.is_object() || !fields.contains(key)) throw damaged("tensor {}: no field \"{}\"", smtrain::quoted(name), key);
      return fields[key];
    };
    const json& dtype = field("dtype");
    if (!dtype.is_string() || bytes_of_dtype(dtype.get_ref<const std::string&>()) == 0) {
      throw damaged("tensor {}: unknown dtype {}", smtrain::quoted(name), smtrain::quoted(to_text(dtype)));
    }
    Entry entry{{name, dtype, sizes_of(name, "shape", field("shape")), {}}};
    const std::vector<std::uint64_t> place = sizes_of(name, "data_offsets", field("data_offsets"));
    if (place.size() != 2) throw damaged("tensor {}: {} data offsets; expected 2", smtrain::quoted(name), place.size());
    entry.begin = place[0];
    entry.end = place[1];
    check_size(entry);
    return entry;
  }

  std::vector<std::uint64_t> sizes_of(const std::string& name, const char* key, const json& list) const {
    std::vector<std::uint64_t> out;
    if (!list.is_array()) throw damaged("tensor {}: \"{}\" is no list", smtrain::quoted(name), key);
    for (const json& size : list) {
      if (!size.is_number_unsigned()) {
        throw damaged("tensor {}: \"{}\" holds {}; expected whole numbers from 0", smtrain::quoted(name), key, smtrain::quoted(to_text(size)));
      }
      out.push_back(size);
    }
    return out;
  }

  static std::string to_text(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

  void check_size(const Entry& entry) const {
    std::uint64_t bytes = bytes_of_dtype(entry.tensor.dtype);
    bool fits = entry.begin <= entry.end && entry.end <= data_.size();
    for (const std::uint64_t size : entry.tensor.shape) {
      fits = !__builtin_mul_overflow(bytes, size, &bytes) && fits;
    }
    if (!fits || bytes != entry.end - entry.begin) {
      throw damaged("tensor {}: shape [{}] of {} does not fit bytes {} to {} of {}", smtrain::quoted(entry.tensor.name),
                    shape_text(entry.tensor.shape), entry.tensor.dtype, entry.begin, entry.end, data_.size());
    }
  }

  /// Tensors fill the data without gaps, in any order.
  void check_places(const std::vector<Entry>& entries) const {
    std::vector<const Entry*> order;
    for (const Entry& entry : entries) order.push_back(&entry);
    std::sort(order.begin(), order.end(),
              [](const Entry* a, const Entry* b) { return std::pair(a->begin, a->end) < std::pair(b->begin, b->end); });
    std::uint64_t at = 0;
    for (const Entry* entry : order) {
      if (entry->begin != at) {
        throw damaged("tensor {} begins at byte {} of the data; expected {}", smtrain::quoted(entry->tensor.name), entry->begin, at);
      }
      at = entry->end;
    }
    if (at != data_.size()) throw damaged("{} bytes of data; the header tells of {}", data_.size(), at);
  }

  const std::string& name_;
  std::string_view header_;
  std::string_view data_;
};

}  // namespace

std::uint64_t NamedTensor::elements() const {
  std::uint64_t n = 1;
  for (const std::uint64_t size : shape) n *= size;
  return n;
}

NamedTensor NamedTensor::f32(std::string name, std::vector<std::uint64_t> shape, const float* data) {
  return make(std::move(name), "F32", std::move(shape), data);
}
NamedTensor NamedTensor::f64(std::string name, std::vector<std::uint64_t> shape, const double* data) {
  return make(std::move(name), "F64", std::move(shape), data);
}
std::vector<float> NamedTensor::as_f32() const { return numbers<float>(*this, "F32"); }
std::vector<double> NamedTensor::as_f64() const { return numbers<double>(*this, "F64"); }

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text;
  for (const std::uint64_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return text;
}

std::string write_safetensors(const std::vector<NamedTensor>& tensors) {
  const std::vector<const NamedTensor*> order = sorted_by_name(tensors);
  const std::string header = header_of(order);
  std::size_t size = kPrefix + header.size();
  for (const NamedTensor* tensor : order) size += tensor->data.size();
  std::string out;
  out.reserve(size);
  const std::uint64_t length = header.size();
  out.append(reinterpret_cast<const char*>(&length), kPrefix);
  out += header;
  for (const NamedTensor* tensor : order) out += tensor->data;
  return out;
}

std::vector<NamedTensor> read_safetensors(std::string_view bytes, const std::string& name) {
  return Reader(bytes, name).read();
}

}  // namespace smtrain::formats
