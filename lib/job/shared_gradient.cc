#include "job/shared_gradient.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace smtrain::job {
namespace {

using Picked = compute::Backend::PickedRows;

std::string packed(const Picked& rows) {
  std::string bytes(rows.ids.size() * sizeof(std::uint32_t) + rows.values.size() * sizeof(float), '\0');
  if (bytes.empty()) return bytes;
  std::memcpy(bytes.data(), rows.ids.data(), rows.ids.size() * sizeof(std::uint32_t));
  std::memcpy(bytes.data() + rows.ids.size() * sizeof(std::uint32_t), rows.values.data(), rows.values.size() * sizeof(float));
  return bytes;
}

/// What one process sent, read from the left.
class Sent {
 public:
  Sent(std::string_view bytes, std::size_t width) : bytes_(bytes), width_(width) {
    const std::size_t row = sizeof(std::uint32_t) + width * sizeof(float);
    if (bytes.size() % row != 0) throw internal_error("rows of {} numbers came as {} bytes", width, bytes.size());
    count_ = bytes.size() / row;
  }
  /// The next row's number; beyond all when there is none.
  std::uint64_t next() const {
    if (at_ == count_) return std::numeric_limits<std::uint64_t>::max();
    std::uint32_t id = 0;
    std::memcpy(&id, bytes_.data() + at_ * sizeof(id), sizeof(id));
    return id;
  }
  void add_to(std::vector<double>& sums) {
    const char* values = bytes_.data() + count_ * sizeof(std::uint32_t) + at_++ * width_ * sizeof(float);
    for (std::size_t j = 0; j < width_; ++j) {
      float value = 0;
      std::memcpy(&value, values + j * sizeof(value), sizeof(value));
      sums[j] += static_cast<double>(value);
    }
  }

 private:
  std::string_view bytes_;
  std::size_t width_, count_ = 0, at_ = 0;
};

}  // namespace

Picked sum_rows(Picked own, std::size_t width, dist::Communicator& workers) {
  if (workers.size() == 1) return own;
  const std::vector<std::string> texts = workers.share(packed(own));
  std::vector<Sent> all;
  for (const std::string& text : texts) all.emplace_back(text, width);
  Picked sum;
  std::vector<double> row(width);
  for (;;) {
    std::uint64_t id = std::numeric_limits<std::uint64_t>::max();
    for (const Sent& sent : all) id = std::min(id, sent.next());
    if (id == std::numeric_limits<std::uint64_t>::max()) return sum;
    std::fill(row.begin(), row.end(), 0.0);
    for (Sent& sent : all) {
      if (sent.next() == id) sent.add_to(row);
    }
    sum.ids.push_back(static_cast<std::uint32_t>(id));
    sum.values.insert(sum.values.end(), row.begin(), row.end());
  }
}

}  // namespace smtrain::job
