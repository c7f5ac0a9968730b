#include "job/staging.h"

#include <algorithm>
#include <cstring>

namespace smtrain::job {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{32} << 20;

}  // namespace

void DenseStaging::for_each(const formats::Batch& batch,
                            const std::function<void(const compute::Mat& x, std::size_t first_row)>& use) {
  compute::Queue& queue = backend_.main_queue();
  if (batch.rows == 0) return;
  if (!batch.sparse()) {
    use(backend_.stage(queue, batch.dense, batch.rows, batch.cols, batch.ld, batch.owner), 0);
    return;
  }
  const std::size_t rows = std::max<std::size_t>(kBufferBytes / (batch.cols * sizeof(float)), 1);
  if (buffer_.rows < std::min(rows, batch.rows) || buffer_.cols != batch.cols) {
    buffer_ = backend_.allocate(std::min(rows, batch.rows), batch.cols, compute::DType::f32);
  }
  for (std::size_t first = 0; first < batch.rows; first += buffer_.rows) {
    const std::size_t count = std::min(buffer_.rows, batch.rows - first);
    const std::uint64_t skipped = batch.indptr[first] - batch.indptr[0];
    const compute::Mat x = buffer_.row_range(0, count);
    backend_.densify(queue, {batch.indptr + first, batch.indices + skipped, batch.values + skipped, count, batch.cols}, x);
    use(x, first);
  }
}

void copy_row(const formats::Batch& batch, std::size_t row, float* to) {
  if (!batch.sparse()) {
    std::memcpy(to, batch.dense + row * batch.ld, batch.cols * sizeof(float));
    return;
  }
  std::fill(to, to + batch.cols, 0.0f);
  const std::uint64_t base = batch.indptr[0];
  for (std::uint64_t i = batch.indptr[row] - base; i < batch.indptr[row + 1] - base; ++i) to[batch.indices[i]] = batch.values[i];
}

}  // namespace smtrain::job
