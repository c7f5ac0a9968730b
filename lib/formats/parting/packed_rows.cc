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

  Unpacked(const TableSchema& schema, std::size_t rows) : labels(rows * schema.label_width), indptr{0} {
    if (schema.weights) weights.resize(rows);
    if (schema.qids) qids.resize(rows);
    if (!schema.sparse) dense = allocate_array<float>(rows * schema.feature_dim);
  }

  void add_sparse(const char* at, const char* end) {
    const std::size_t before = indices.size();
    const std::size_t count = static_cast<std::size_t>(end - at) / (sizeof(std::uint32_t) + sizeof(float));
    indices.resize(before + count);
    values.resize(before + count);
    at = take(at, indices.data() + before, count);
    take(at, values.data() + before, count);
    indptr.push_back(indices.size());
  }
};

Batch batch_of(std::shared_ptr<Unpacked> held, const TableSchema& schema, std::size_t rows) {
  Batch batch;
  batch.rows = rows;
  batch.cols = batch.ld = schema.feature_dim;
  batch.label_width = schema.label_width;
  if (schema.label_width != 0) batch.labels = held->labels.data();
  if (schema.weights) batch.weights = held->weights.data();
  if (schema.qids) batch.qids = held->qids.data();
  if (schema.sparse) {
    batch.indptr = held->indptr.data();
    batch.indices = held->indices.data();
    batch.values = held->values.data();
  } else {
    batch.dense = held->dense.get();
  }
  batch.owner = std::move(held);
  return batch;
}

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
  const std::size_t rows = records.size(), labels = schema_.label_width, cols = schema_.feature_dim;
  auto held = std::make_shared<Unpacked>(schema_, rows);
  for (std::size_t i = 0; i < rows; ++i) {
    const std::string_view record = records[i];
    const char* at = take(record.data(), held->labels.data() + i * labels, labels);
    if (schema_.weights) at = take(at, held->weights.data() + i, 1);
    if (schema_.qids) at = take(at, held->qids.data() + i, 1);
    if (schema_.sparse) held->add_sparse(at, record.data() + record.size());
    else take(at, held->dense.get() + i * cols, cols);
  }
  return batch_of(std::move(held), schema_, rows);
}

}  // namespace smtrain::formats
