#include "formats/row_share.h"

#include <algorithm>

#include "base/error.h"

namespace smtrain::formats {

RowShare::RowShare(std::size_t mini_batch_size, const RankShare& share)
    : mini_batch_size_(std::max<std::size_t>(mini_batch_size, 1)), takes_all_(share.size <= 1 || share.split != RankShare::Split::ranges) {
  const auto rank = static_cast<std::size_t>(share.rank), size = static_cast<std::size_t>(share.size);
  if (mini_batch_size_ < size) {
    throw user_error("mini_batch_size {} is less than the {} processes that share it; give {} or more, or fewer processes",
                     mini_batch_size_, size, size);
  }
  begin_ = rank * mini_batch_size_ / size;
  end_ = (rank + 1) * mini_batch_size_ / size;
}

std::size_t RowShare::select(std::size_t records, std::uint64_t& pass_over, std::vector<RecordRange>& out) {
  std::size_t selected = 0;
  auto take = [&](std::size_t first, std::size_t count) {
    const auto left_out = static_cast<std::size_t>(std::min<std::uint64_t>(pass_over, count));
    pass_over -= left_out;
    place_.taken += count;
    if (count > left_out) out.push_back({first + left_out, count - left_out});
    selected += count - left_out;
  };
  if (takes_all_) {
    take(0, records);
    place_.read += records;
    return selected;
  }
  for (std::size_t at = 0; at < records;) {
    const auto in_batch = static_cast<std::size_t>(place_.read % mini_batch_size_);
    const std::size_t edge = in_batch < begin_ ? begin_ : in_batch < end_ ? end_ : mini_batch_size_;
    const std::size_t count = std::min(edge - in_batch, records - at);
    if (in_batch >= begin_ && in_batch < end_) take(at, count);
    at += count;
    place_.read += count;
  }
  return selected;
}

}  // namespace smtrain::formats
