#include "formats/archive/ndarray_list.h"

#include <bit>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::formats {
namespace {

static_assert(std::endian::native == std::endian::little, "array bytes are copied as they are");

constexpr std::uint64_t kList = 0x112;
constexpr std::uint32_t kV1 = 0xF993FAC8;  // 64-bit sizes
constexpr std::uint32_t kV2 = 0xF993FAC9;  // and a storage type
constexpr std::uint32_t kV3 = 0xF993FACA;  // and NumPy's shapes: no dimensions is a scalar, not an absent array
constexpr std::uint32_t kMaxDims = 32;
constexpr std::int32_t kCpu = 1;
constexpr std::int32_t kRowSparse = 1;
// How much a file may grow by the zeros that a row-sparse array leaves out.
constexpr std::uint64_t kMostSpelledOut = std::uint64_t{1} << 20, kMostGrowth = 4096;

struct Dtype {
  std::int32_t flag;
  std::string_view name;
  std::uint64_t bytes;
};
constexpr Dtype kDtypes[] = {{0, "F32", 4}, {1, "F64", 8}, {2, "F16", 2},  {3, "U8", 1},   {4, "I32", 4},
                             {5, "I8", 1},  {6, "I64", 8}, {7, "BOOL", 1}, {8, "I16", 2},  {9, "U16", 2},
                             {10, "U32", 4}, {11, "U64", 8}, {12, "BF16", 2}};

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

const Dtype& dtype_named(const NamedTensor& array) {
  for (const Dtype& dtype : kDtypes) {
    if (dtype.name == array.dtype && dtype.bytes * array.elements() == array.data.size()) return dtype;
  }
  throw internal_error("array {} ({}) with {} bytes cannot be written", smtrain::quoted(array.name), array.dtype, array.data.size());
}

void put_array(std::string& out, const NamedTensor& array) {
  const Dtype& dtype = dtype_named(array);
  put(out, array.shape.empty() ? kV3 : kV2);
  put(out, std::int32_t{0});  // dense
  put(out, static_cast<std::uint32_t>(array.shape.size()));
  for (const std::uint64_t size : array.shape) put(out, static_cast<std::int64_t>(size));
  put(out, kCpu);
  put(out, std::int32_t{0});  // device id
  put(out, dtype.flag);
  out += array.data;
}

class Reader {
 public:
  Reader(std::string_view bytes, const std::string& name) : left_(bytes), size_(bytes.size()), name_(name) {}

  std::vector<NamedTensor> read() {
    if (get<std::uint64_t>() != kList) throw user_error("{}: not an MXNet array list; it does not begin with 0x112", name_);
    get<std::uint64_t>();  // reserved
    const auto count = get<std::uint64_t>();
    if (count > left_.size() / sizeof(std::uint32_t)) throw damaged(fmt::format("{} arrays do not fit in it", count));
    std::vector<NamedTensor> arrays;
    while (arrays.size() < count) {
      what_ = fmt::format("array {}: ", arrays.size());
      arrays.push_back(array());
    }
    what_.clear();
    read_names(arrays);
    if (!left_.empty()) throw damaged(fmt::format("{} bytes follow the list", left_.size()));
    return arrays;
  }

 private:
  NamedTensor array() {
    const auto magic = get<std::uint32_t>();
    const std::int32_t storage = magic == kV2 || magic == kV3 ? get<std::int32_t>() : 0;
    if (storage == kRowSparse) return row_sparse_array(magic);
    check_dense(storage);
    NamedTensor out;
    if (const auto shape = read_shape(magic)) {
      out.shape = *shape;
    } else {
      return {{}, "F32", {0}, {}};  // an absent array ends here
    }
    get<std::int32_t>();  // device type: arrays from a GPU are stored alike
    get<std::int32_t>();  // device id
    const Dtype& dtype = dtype_of(get<std::int32_t>());
    out.dtype = dtype.name;
    out.data = take(bytes_of(out.shape, dtype));
    return out;
  }

  /// Some rows of a matrix, which are those of a dense one whose others are zero: the shape of the rows that are there, the shape of
  /// all, what dense arrays have too, then the type and shape of the rows' numbers; the rows, and their numbers.
  NamedTensor row_sparse_array(std::uint32_t magic) {
    const auto stored = read_shape(magic);
    const auto shape = read_shape(magic);
    if (!shape || shape->empty()) throw damaged("a row-sparse array without a shape");
    get<std::int32_t>();  // device type
    get<std::int32_t>();  // device id
    const Dtype& dtype = dtype_of(get<std::int32_t>());
    if (dtype_of(get<std::int32_t>()).name != std::string_view("I64")) throw damaged("row numbers of a row-sparse array that are no 64-bit integers");
    const auto counts = read_shape(magic);
    const std::uint64_t rows = counts && counts->size() == 1 ? counts->front() : 0;
    std::vector<std::uint64_t> expected = *shape;
    expected.front() = rows;
    if (rows > 0 && stored != expected) throw damaged("rows of a row-sparse array that are not as its shape says");
    const std::uint64_t row_bytes = shape->front() == 0 ? 0 : bytes_of(*shape, dtype) / shape->front();
    const std::uint64_t size = bytes_of(*shape, dtype);
    if (size > kMostSpelledOut + kMostGrowth * size_) throw damaged(fmt::format("{} bytes of zeros in {} bytes", size, size_));
    const std::string_view numbers = take(rows == 0 ? 0 : bytes_of(expected, dtype)), ids = take(bytes_of({rows}, {6, "I64", 8}));
    NamedTensor out{{}, std::string(dtype.name), *shape, std::string(size, '\0')};
    for (std::uint64_t i = 0; i < rows; ++i) {
      std::int64_t id = 0;
      std::memcpy(&id, ids.data() + i * sizeof(id), sizeof(id));
      if (id < 0 || static_cast<std::uint64_t>(id) >= shape->front()) throw damaged(fmt::format("row {} of {}", id, shape->front()));
      std::memcpy(out.data.data() + static_cast<std::uint64_t>(id) * row_bytes, numbers.data() + i * row_bytes, row_bytes);
    }
    return out;
  }

  /// Nothing for an absent array.
  std::optional<std::vector<std::uint64_t>> read_shape(std::uint32_t magic) {
    const bool versioned = magic == kV1 || magic == kV2 || magic == kV3;
    // The oldest files have the count of dimensions where later ones have the magic number, and 32-bit sizes.
    const auto dims = versioned ? get<std::uint32_t>() : magic;
    if (magic == kV3 && dims == 0xFFFFFFFF) return std::nullopt;
    if (dims > kMaxDims) throw damaged(fmt::format("{} dimensions, or an unknown version", dims));
    if (dims == 0 && magic != kV3) return std::nullopt;
    std::vector<std::uint64_t> shape;
    for (std::uint32_t i = 0; i < dims; ++i) {
      const std::int64_t size = versioned ? get<std::int64_t>() : get<std::uint32_t>();
      if (size < 0) throw damaged(fmt::format("dimension {} is {}", i, size));
      shape.push_back(static_cast<std::uint64_t>(size));
    }
    return shape;
  }

  void check_dense(std::int32_t storage) const {
    if (storage == 0) return;
    throw user_error("{}: {}storage type {} ({}); only dense and row-sparse arrays are read", name_, what_, storage,
                     storage == 2 ? "CSR" : "unknown");
  }

  const Dtype& dtype_of(std::int32_t flag) const {
    for (const Dtype& dtype : kDtypes) {
      if (dtype.flag == flag) return dtype;
    }
    throw damaged(fmt::format("unknown type {}", flag));
  }

  std::uint64_t bytes_of(const std::vector<std::uint64_t>& shape, const Dtype& dtype) const {
    std::uint64_t bytes = dtype.bytes;
    for (const std::uint64_t size : shape) {
      if (__builtin_mul_overflow(bytes, size, &bytes)) throw damaged(fmt::format("shape [{}]", shape_text(shape)));
    }
    return bytes;
  }

  void read_names(std::vector<NamedTensor>& arrays) {
    const auto count = get<std::uint64_t>();
    if (count == 0) return;
    if (count != arrays.size()) throw damaged(fmt::format("{} names for {} arrays", count, arrays.size()));
    for (NamedTensor& array : arrays) array.name = take(get<std::uint64_t>());
  }

  std::string_view take(std::uint64_t n) {
    if (n > left_.size()) throw damaged(fmt::format("ends early: {} bytes expected, {} left", n, left_.size()));
    const std::string_view out = left_.substr(0, n);
    left_.remove_prefix(n);
    return out;
  }

  template <class T>
  T get() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  [[nodiscard]] Error damaged(std::string_view why) const {
    return user_error("{}: MXNet array list, byte {}: {}{}", name_, size_ - left_.size(), what_, why);
  }

  std::string_view left_;
  std::size_t size_;
  const std::string& name_;
  std::string what_;  // the array being read, for messages
};

}  // namespace

std::string write_ndarray_list(const std::vector<NamedTensor>& arrays) {
  std::string out;
  put(out, kList);
  put(out, std::uint64_t{0});  // reserved
  put(out, std::uint64_t{arrays.size()});
  bool named = false;
  for (const NamedTensor& array : arrays) {
    put_array(out, array);
    named = named || !array.name.empty();
  }
  put(out, std::uint64_t{named ? arrays.size() : 0});
  for (const NamedTensor& array : arrays) {
    if (!named) break;
    put(out, std::uint64_t{array.name.size()});
    out += array.name;
  }
  return out;
}

std::vector<NamedTensor> read_ndarray_list(std::string_view bytes, const std::string& name) {
  return Reader(bytes, name).read();
}

}  // namespace smtrain::formats
