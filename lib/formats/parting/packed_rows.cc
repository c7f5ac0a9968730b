#include "formats/parting/packed_rows.h"

#include <cstring>

#include "base/memory.h"

namespace smtrain::formats {
namespace {

template <class T>
void put(std::string& out, const T* values, std::size_t count) {
  out.append(reinterpret_cast<const char*>(values), count * sizeof(T));
}

template <class T>
const char* take(const char* from, T* values, std::size_t count) {
  if (count != 0) std::memcpy(values, from, count * sizeof(T));
  return from + count * sizeof(T);
}

/// What the batch of unpacked rows points to.
struct Unpacked {
  std::shared_ptr<float> dense;
  std::vector<float> labels, weights, values;
  std::vector<std::uint64_t> indptr, qids;
  std::vector<std::uint32_t> indices;
};

}  // namespace

void RowPacking::append(const Batch& batch, std::size_t row, std::string& out) const {
  if (schema_.label_width != 0) put(out, batch.labels + row * schema_.label_width, schema_.label_width);
  if (schema_.weights) {
    const float weight = batch.weights == nullptr ? 1 : batch.weights[row];
    put(out, &weight, 1);
  }
  if (schema_.qids) put(out, batch.qids + row, 1);
  if (!schema_.sparse) return put(out, batch.dense + row * batch.ld, batch.cols);
  const std::uint64_t first = batch.indptr[row] - batch.indptr[0], count = batch.indptr[row + 1] - batch.indptr[row];
  put(out, batch.indices + first, count);
  put(out, batch.values + first, count);
}

Batch RowPacking::unpack(const PackedRecords& records) const {
  const auto held = std::make_shared<Unpacked>();
  const std::size_t rows = records.size(), labels = schema_.label_width, cols = schema_.feature_dim;
  held->labels.resize(rows * labels);
  if (schema_.weights) held->weights.resize(rows);
  if (schema_.qids) held->qids.resize(rows);
  if (!schema_.sparse) held->dense = allocate_array<float>(rows * cols);
  held->indptr.push_back(0);
  for (std::size_t i = 0; i < rows; ++i) {
    const std::string_view record = records[i];
    const char* at = take(record.data(), held->labels.data() + i * labels, labels);
    if (schema_.weights) at = take(at, held->weights.data() + i, 1);
    if (schema_.qids) at = take(at, held->qids.data() + i, 1);
    if (!schema_.sparse) {
      take(at, held->dense.get() + i * cols, cols);
      continue;
    }
    const std::size_t before = held->indices.size();
    const std::size_t count =
        static_cast<std::size_t>(record.data() + record.size() - at) / (sizeof(std::uint32_t) + sizeof(float));
    held->indices.resize(before + count);
    held->values.resize(before + count);
    at = take(at, held->indices.data() + before, count);
    take(at, held->values.data() + before, count);
    held->indptr.push_back(held->indices.size());
  }
  Batch batch;
  batch.rows = rows;
  batch.cols = batch.ld = cols;
  batch.label_width = labels;
  if (labels != 0) batch.labels = held->labels.data();
  if (schema_.weights) batch.weights = held->weights.data();
  if (schema_.qids) batch.qids = held->qids.data();
  if (schema_.sparse) {
    batch.indptr = held->indptr.data();
    batch.indices = held->indices.data();
    batch.values = held->values.data();
  } else {
    batch.dense = held->dense.get();
  }
  batch.owner = held;
  return batch;
}

}  // namespace smtrain::formats
