#include "algos/knn/faiss_file.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

namespace smtrain::knn {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are");

using compute::Closeness;

constexpr std::int64_t kReserved = std::int64_t{1} << 20;
constexpr std::int32_t kInnerProduct = 0, kDistance = 1;
constexpr std::uint64_t kMostWidth = std::uint64_t{1} << 24, kMostRows = std::uint64_t{1} << 31;

// ---- writing -----------------------------------------------------------------------------------------------------------

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

template <class T>
void put_numbers(std::string& out, const T* numbers, std::size_t count) {
  out.append(reinterpret_cast<const char*>(numbers), count * sizeof(T));
}

void put_header(std::string& out, const Index& index, std::size_t rows) {
  put(out, static_cast<std::int32_t>(index.d));
  put(out, static_cast<std::int64_t>(rows));
  put(out, kReserved);
  put(out, kReserved);
  put(out, std::uint8_t{1});
  put(out, index.closeness == Closeness::distance ? kDistance : kInnerProduct);
}

void put_flat(std::string& out, const Index& index, const RowBlock& rows) {
  out += index.closeness == Closeness::distance ? "IxF2" : "IxFI";
  put_header(out, index, rows.rows);
  put(out, std::uint64_t{rows.rows * rows.d});
  put_numbers(out, rows.numbers.get(), rows.rows * rows.d);
}

void put_lists(std::string& out, const Index& index) {
  const bool coded = index.kind == IndexKind::ivf_pq;
  const std::size_t entry = coded ? index.parts : index.d * sizeof(float);
  std::vector<std::uint64_t> sizes(index.lists());
  for (std::size_t l = 0; l < sizes.size(); ++l) sizes[l] = index.starts[l + 1] - index.starts[l];
  const auto held = static_cast<std::size_t>(std::count_if(sizes.begin(), sizes.end(), [](std::uint64_t n) { return n > 0; }));
  out += "ilar";
  put(out, std::uint64_t{sizes.size()});
  put(out, std::uint64_t{entry});
  if (held > sizes.size() / 2) {
    out += "full";
    put(out, std::uint64_t{sizes.size()});
    put_numbers(out, sizes.data(), sizes.size());
  } else {
    out += "sprs";
    put(out, std::uint64_t{2 * held});
    for (std::size_t l = 0; l < sizes.size(); ++l) {
      if (sizes[l] == 0) continue;
      put(out, std::uint64_t{l});
      put(out, sizes[l]);
    }
  }
  for (std::size_t l = 0; l < sizes.size(); ++l) {
    const auto first = static_cast<std::size_t>(index.starts[l]), count = static_cast<std::size_t>(sizes[l]);
    if (coded) put_numbers(out, index.codes.data() + first * entry, count * entry);
    else put_numbers(out, index.vectors.numbers.get() + first * index.d, count * index.d);
    put_numbers(out, index.ids.data() + first, count);
  }
}

// ---- reading -----------------------------------------------------------------------------------------------------------

struct Header {
  std::size_t d = 0, rows = 0;
  Closeness closeness = Closeness::distance;
};

class Reader {
 public:
  Reader(std::string_view bytes, const std::string& name) : left_(bytes), size_(bytes.size()), name_(name) {}

  Index read() {
    Index index;
    const std::string kind = tag();
    if (kind == "IxF2" || kind == "IxFI" || kind == "IxFl") {
      index.vectors = flat(kind, index);
      index.rows = index.vectors.rows;
    } else if (kind == "IwFl" || kind == "IwPQ") {
      index.kind = kind == "IwPQ" ? IndexKind::ivf_pq : IndexKind::ivf_flat;
      inverted_file(index);
    } else {
      throw user_error("{}: holds an index of type {}; expected IxF2 or IxFI (faiss.Flat), IwFl (faiss.IVFFlat) or IwPQ (faiss.IVFPQ)",
                       name_, smtrain::quoted(kind));
    }
    if (!left_.empty()) throw damaged(fmt::format("{} bytes follow the index", left_.size()));
    return index;
  }

 private:
  Error damaged(const std::string& what) const {
    return user_error("{}: byte {}: {}; the index is damaged", name_, size_ - left_.size(), what);
  }

  std::string_view take(std::uint64_t count, std::uint64_t bytes) {
    if (bytes != 0 && count > left_.size() / bytes)
      throw damaged(fmt::format("{} numbers of {} bytes are said to follow, {} bytes are left", count, bytes, left_.size()));
    const auto size = static_cast<std::size_t>(count * bytes);
    const std::string_view taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }
  template <class T>
  T get() {
    T value;
    std::memcpy(&value, take(1, sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::string tag() { return std::string(take(1, 4)); }

  template <class T>
  std::vector<T> numbers(std::uint64_t count) {
    const std::string_view from = take(count, sizeof(T));
    std::vector<T> to(static_cast<std::size_t>(count));
    if (count > 0) std::memcpy(to.data(), from.data(), from.size());
    return to;
  }

  void check_finite(const float* values, std::size_t count) const {
    float sum = 0;  // of zeros, unless one is not finite
    for (std::size_t i = 0; i < count; ++i) sum += values[i] * 0.0f;
    if (!(sum == 0)) throw damaged("numbers before it are not finite");
  }

  RowBlock rows_of(std::uint64_t rows, std::size_t d) {
    const std::string_view from = take(rows, d * sizeof(float));
    auto to = allocate_array<float>(std::max<std::size_t>(from.size() / sizeof(float), 1));
    if (!from.empty()) std::memcpy(to.get(), from.data(), from.size());
    check_finite(to.get(), from.size() / sizeof(float));
    return {std::move(to), static_cast<std::size_t>(rows), d};
  }

  Header header() {
    const auto d = get<std::int32_t>();
    const auto rows = get<std::int64_t>();
    get<std::int64_t>();
    get<std::int64_t>();
    const auto trained = get<std::uint8_t>();
    const auto metric = get<std::int32_t>();
    if (d < 1 || static_cast<std::uint64_t>(d) > kMostWidth) throw damaged(fmt::format("rows of {} numbers", d));
    if (rows < 0 || static_cast<std::uint64_t>(rows) >= kMostRows) throw damaged(fmt::format("{} rows", rows));
    if (trained != 1) throw damaged("the index was never trained");
    if (metric != kInnerProduct && metric != kDistance)
      throw damaged(fmt::format("metric {}; expected 0 (inner product) or 1 (L2)", metric));
    return {static_cast<std::size_t>(d), static_cast<std::size_t>(rows), metric == kDistance ? Closeness::distance : Closeness::product};
  }

  RowBlock flat(const std::string& kind, Index& index) {
    const Header h = header();
    if (kind != "IxFl" && (kind == "IxF2") != (h.closeness == Closeness::distance))
      throw damaged(fmt::format("another metric than {} has", kind));
    const auto count = get<std::uint64_t>();
    if (count != std::uint64_t{h.rows} * h.d) throw damaged(fmt::format("{} numbers of {} rows of {}", count, h.rows, h.d));
    index.d = h.d;
    index.closeness = h.closeness;
    return rows_of(h.rows, h.d);
  }

  void inverted_file(Index& index) {
    const Header h = header();
    const auto lists = get<std::uint64_t>(), probes = get<std::uint64_t>();
    if (lists < 1 || lists >= kMostRows) throw damaged(fmt::format("{} lists", lists));
    if (probes < 1) throw damaged("0 lists are looked through");
    const std::string kind = tag();
    if (kind != "IxF2" && kind != "IxFI" && kind != "IxFl") {
      throw user_error("{}: its centroids are an index of type {}; expected a flat one, IxF2 or IxFI", name_, smtrain::quoted(kind));
    }
    index.centroids = flat(kind, index);
    if (index.d != h.d || index.centroids.rows != lists || index.closeness != h.closeness) {
      throw damaged(fmt::format("{} centroids of {} numbers for {} lists of rows of {}", index.centroids.rows, index.d, lists, h.d));
    }
    index.rows = h.rows;
    index.probes = static_cast<std::size_t>(std::min(probes, lists));
    direct_map();
    if (index.kind == IndexKind::ivf_pq) product_quantiser(index);
    inverted_lists(index);
  }

  // Where each row stands, which the lists tell, too.
  void direct_map() {
    const auto type = get<std::uint8_t>();
    const auto count = get<std::uint64_t>();
    if (type > 1) throw damaged(fmt::format("direct map of type {}; expected none (0) or an array (1)", type));
    take(count, sizeof(std::int64_t));
  }

  void product_quantiser(Index& index) {
    if (index.closeness != Closeness::distance) throw user_error("{}: codes are compared by inner product; expected L2", name_);
    const auto by_residual = get<std::uint8_t>();
    const auto code = get<std::uint64_t>(), d = get<std::uint64_t>(), parts = get<std::uint64_t>(), bits = get<std::uint64_t>(),
               count = get<std::uint64_t>();
    if (by_residual != 1 || bits != 8) {
      throw user_error("{}: codes of {} bits, {}; expected 8 bits, of what rows are beside their centroid", name_, bits,
                       by_residual == 1 ? "of what rows are beside their centroid" : "of whole rows");
    }
    if (d != index.d || parts < 1 || parts > d || d % parts != 0 || code != parts) {
      throw damaged(fmt::format("codes of {} bytes for {} parts of rows of {} numbers", code, parts, d));
    }
    if (count != kCodes * d) throw damaged(fmt::format("{} numbers of centroids of codes; expected {}", count, kCodes * d));
    index.parts = static_cast<std::size_t>(parts);
    index.part_centroids = numbers<float>(count);
    check_finite(index.part_centroids.data(), index.part_centroids.size());
  }

  std::vector<std::uint64_t> list_sizes(std::uint64_t lists) {
    const std::string kind = tag();
    if (kind != "full" && kind != "sprs")
      throw damaged(fmt::format("sizes of lists as {}; expected full or sprs", smtrain::quoted(kind)));
    const std::vector<std::uint64_t> stored = numbers<std::uint64_t>(get<std::uint64_t>());
    if (kind == "full") {
      if (stored.size() != lists) throw damaged(fmt::format("{} sizes of {} lists", stored.size(), lists));
      return stored;
    }
    std::vector<std::uint64_t> sizes(static_cast<std::size_t>(lists), 0);
    if (stored.size() % 2 != 0) throw damaged("a list without a size");
    for (std::size_t i = 0; i < stored.size(); i += 2) {
      if (stored[i] >= lists) throw damaged(fmt::format("list {} of {}", stored[i], lists));
      if (i > 0 && stored[i] <= stored[i - 2]) throw damaged("lists are not in order");
      sizes[static_cast<std::size_t>(stored[i])] = stored[i + 1];
    }
    return sizes;
  }

  void inverted_lists(Index& index) {
    const bool coded = index.kind == IndexKind::ivf_pq;
    if (const std::string kind = tag(); kind != "ilar")
      throw damaged(fmt::format("inverted lists of type {}; expected ilar", smtrain::quoted(kind)));
    const auto lists = get<std::uint64_t>(), entry = get<std::uint64_t>();
    const std::uint64_t expected = coded ? index.parts : index.d * sizeof(float);
    if (lists != index.lists() || entry != expected) {
      throw damaged(fmt::format("{} lists with entries of {} bytes; expected {} of {}", lists, entry, index.lists(), expected));
    }
    const std::vector<std::uint64_t> sizes = list_sizes(lists);
    index.starts = {0};
    for (const std::uint64_t size : sizes) {
      if (size > index.rows - index.starts.back()) throw damaged(fmt::format("lists hold more than {} rows", index.rows));
      index.starts.push_back(index.starts.back() + size);
    }
    if (index.starts.back() != index.rows) throw damaged(fmt::format("lists hold {} rows of {}", index.starts.back(), index.rows));
    if (index.rows > left_.size() / (entry + sizeof(std::int64_t))) throw damaged(fmt::format("{} rows do not fit in it", index.rows));
    fill_lists(index, sizes, static_cast<std::size_t>(entry), coded);
  }

  void fill_lists(Index& index, const std::vector<std::uint64_t>& sizes, std::size_t entry, bool coded) {
    std::shared_ptr<float> vectors;
    if (coded) index.codes.resize(index.rows * entry);
    else vectors = allocate_array<float>(std::max<std::size_t>(index.rows * index.d, 1));
    char* to = coded ? reinterpret_cast<char*>(index.codes.data()) : reinterpret_cast<char*>(vectors.get());
    std::vector<bool> seen(index.rows, false);
    for (const std::uint64_t size : sizes) {
      const std::string_view entries = take(size, entry);
      if (!entries.empty()) std::memcpy(to, entries.data(), entries.size());
      to += entries.size();
      for (const std::int64_t id : numbers<std::int64_t>(size)) {
        if (id < 0 || static_cast<std::uint64_t>(id) >= index.rows || seen[static_cast<std::size_t>(id)]) {
          throw damaged(fmt::format("row id {} of {} rows, or a second time", id, index.rows));
        }
        seen[static_cast<std::size_t>(id)] = true;
        index.ids.push_back(id);
      }
    }
    if (coded) return;
    check_finite(vectors.get(), index.rows * index.d);
    index.vectors = {std::move(vectors), index.rows, index.d};
  }

  std::string_view left_;
  const std::size_t size_;
  const std::string& name_;
};

}  // namespace

RowBlock copied_rows(const float* numbers, std::size_t rows, std::size_t d) {
  auto to = allocate_array<float>(std::max<std::size_t>(rows * d, 1));
  std::copy_n(numbers, rows * d, to.get());
  return {std::move(to), rows, d};
}

std::string write_faiss_index(const Index& index) {
  std::string out;
  if (index.kind == IndexKind::flat) {
    out.reserve(64 + index.rows * index.d * sizeof(float));
    put_flat(out, index, index.vectors);
    return out;
  }
  out += index.kind == IndexKind::ivf_pq ? "IwPQ" : "IwFl";
  put_header(out, index, index.rows);
  put(out, std::uint64_t{index.lists()});
  put(out, std::uint64_t{index.probes});
  put_flat(out, index, index.centroids);
  put(out, std::uint8_t{0});
  put(out, std::uint64_t{0});
  if (index.kind == IndexKind::ivf_pq) {
    put(out, std::uint8_t{1});
    for (const std::uint64_t value : {index.parts, index.d, index.parts, std::size_t{8}, index.part_centroids.size()}) put(out, value);
    put_numbers(out, index.part_centroids.data(), index.part_centroids.size());
  }
  put_lists(out, index);
  return out;
}

Index read_faiss_index(std::string_view bytes, const std::string& name) { return Reader(bytes, name).read(); }

bool is_faiss_index(std::string_view bytes) {
  const std::string_view tag = bytes.substr(0, 4);
  return tag == "IxF2" || tag == "IxFI" || tag == "IxFl" || tag == "IwFl" || tag == "IwPQ";
}

}  // namespace smtrain::knn
