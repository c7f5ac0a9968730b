#include "formats/row_store.h"

#include <algorithm>

namespace smtrain::formats {
namespace {

// Dense rows lie in fixed blocks, out of which batches are cut as views.
class DenseStore final : public RowStore {
 public:
  DenseStore(const TableSchema& schema, const RowGeometry& geometry, bool has_lines)
      : RowStore(schema, geometry, has_lines), pool_(schema, geometry.block_rows) {}

  void cut(bool all, std::deque<Batch>& out) override;

 private:
  void clear() override {
    blocks_.clear();
    front_cut_ = 0;
  }
  void do_place(const RawBlock& raw, RowTarget& target) override;
  std::size_t room(std::uint64_t row) const;
  Batch view(std::size_t rows) const;

  DenseBlockPool pool_;
  std::deque<std::shared_ptr<DenseBlock>> blocks_;
  std::size_t front_cut_ = 0;  // rows of blocks_.front() already in batches
};

// Rows that the last block still takes; `row` is the next one. A storage block ends with a piece, so that no batch lies in two.
std::size_t DenseStore::room(std::uint64_t row) const {
  if (blocks_.empty()) return 0;
  const DenseBlock& block = *blocks_.back();
  const bool whole = geometry_.piece_rows == geometry_.mini_batch_size;
  return (whole ? geometry_.block_rows : geometry_.piece_at(row - block.rows)) - block.rows;
}

void DenseStore::do_place(const RawBlock& raw, RowTarget& target) {
  target.runs.clear();
  std::uint64_t row = placed_;
  for (const RecordRange& range : raw.wanted) {
    for (std::size_t done = 0; done < range.count;) {
      const std::size_t n = std::min(room(row), range.count - done);
      if (n == 0) {
        blocks_.push_back(pool_.take());
        continue;
      }
      DenseBlock& block = *blocks_.back();
      float* labels = block.labels == nullptr ? nullptr : block.labels + block.rows * schema_.label_width;
      float* weights = block.weights == nullptr ? nullptr : block.weights + block.rows;
      std::uint64_t* qids = block.qids == nullptr ? nullptr : block.qids.get() + block.rows;
      target.runs.push_back({n, block.values + block.rows * schema_.feature_dim, schema_.feature_dim, labels, weights, qids});
      block.origins->push_back(origin(block.rows, raw, range.first + done));
      block.rows += n;
      done += n;
      row += n;
    }
  }
}

void DenseStore::cut(bool all, std::deque<Batch>& out) {
  while (!blocks_.empty()) {
    const std::size_t have = blocks_.front()->rows - front_cut_;
    std::size_t rows = geometry_.piece_at(cut_);
    if (have < rows) {
      // Only the epoch's last rows may fall short, and they are in the last block.
      if (have == 0 && blocks_.size() > 1) {
        blocks_.pop_front();
        front_cut_ = 0;
        continue;
      }
      if (!all || have == 0) {
        if (all) clear();
        return;
      }
      rows = have;
    }
    if (!all && may_be_last(rows)) return;
    Batch batch = view(rows);
    front_cut_ += rows;
    deliver(std::move(batch), all, out);
  }
}

Batch DenseStore::view(std::size_t rows) const {
  const std::shared_ptr<DenseBlock>& block = blocks_.front();
  Batch batch;
  batch.rows = rows;
  batch.cols = schema_.feature_dim;
  batch.dense = block->values + front_cut_ * schema_.feature_dim;
  batch.ld = schema_.feature_dim;
  batch.label_width = schema_.label_width;
  if (block->labels != nullptr) batch.labels = block->labels + front_cut_ * schema_.label_width;
  if (block->weights != nullptr) batch.weights = block->weights + front_cut_;
  if (block->qids != nullptr) batch.qids = block->qids.get() + front_cut_;
  batch.origins = block->origins;
  batch.origin_row = front_cut_;
  batch.owner = block;
  return batch;
}

// Sparse rows are gathered into pieces, each of which becomes a batch.
class SparseStore final : public RowStore {
 public:
  SparseStore(const TableSchema& schema, const RowGeometry& geometry, bool has_lines, std::uint64_t piece_bytes)
      : RowStore(schema, geometry, has_lines), piece_bytes_(piece_bytes) {}

  void cut(bool all, std::deque<Batch>& out) override;

 private:
  struct Block {
    SparseRows rows;
    RawBlock raw;  // its bytes are gone by the time it is used
  };
  struct Piece {
    SparseRows rows;
    std::shared_ptr<std::vector<Origin>> origins = std::make_shared<std::vector<Origin>>();
    std::size_t count() const { return rows.indptr.size() - 1; }
  };

  void clear() override {
    blocks_.clear();
    piece_.reset();
  }
  void do_place(const RawBlock& raw, RowTarget& target) override {
    blocks_.push_back({{}, raw});
    target.sparse = &blocks_.back().rows;
  }
  void append(const Block& block, bool all, std::deque<Batch>& out);
  void append_row(const SparseRows& from, std::size_t row);
  bool is_full() const;
  void deliver_piece(bool all, std::deque<Batch>& out);

  const std::uint64_t piece_bytes_;
  std::deque<Block> blocks_;
  std::shared_ptr<Piece> piece_;
};

void SparseStore::cut(bool all, std::deque<Batch>& out) {
  for (const Block& block : blocks_) append(block, all, out);
  blocks_.clear();
  if (piece_ && (all || (is_full() && !may_be_last(piece_->count())))) deliver_piece(all, out);
}

void SparseStore::append(const Block& block, bool all, std::deque<Batch>& out) {
  std::size_t row = 0;
  for (const RecordRange& range : block.raw.wanted) {
    for (std::size_t i = 0; i < range.count; ++i, ++row) {
      if (piece_ && is_full()) deliver_piece(all, out);
      if (!piece_) piece_ = std::make_shared<Piece>();
      if (piece_->count() == 0 || i == 0) piece_->origins->push_back(origin(piece_->count(), block.raw, range.first + i));
      append_row(block.rows, row);
    }
  }
}

void SparseStore::append_row(const SparseRows& from, std::size_t row) {
  SparseRows& to = piece_->rows;
  const std::size_t a = from.indptr[row], b = from.indptr[row + 1], w = schema_.label_width;
  to.indices.insert(to.indices.end(), from.indices.begin() + a, from.indices.begin() + b);
  to.values.insert(to.values.end(), from.values.begin() + a, from.values.begin() + b);
  to.indptr.push_back(to.indices.size());
  to.labels.insert(to.labels.end(), from.labels.begin() + row * w, from.labels.begin() + (row + 1) * w);
  if (schema_.weights) to.weights.push_back(from.weights[row]);
  if (schema_.qids) to.qids.push_back(from.qids[row]);
}

bool SparseStore::is_full() const {
  return geometry_.completes_mini_batch(cut_ + piece_->count()) || piece_->rows.indices.size() * 8 >= piece_bytes_;
}

void SparseStore::deliver_piece(bool all, std::deque<Batch>& out) {
  Batch batch;
  batch.rows = piece_->count();
  batch.cols = schema_.feature_dim;
  batch.indptr = piece_->rows.indptr.data();
  batch.indices = piece_->rows.indices.data();
  batch.values = piece_->rows.values.data();
  batch.label_width = schema_.label_width;
  if (schema_.label_width > 0) batch.labels = piece_->rows.labels.data();
  if (schema_.weights) batch.weights = piece_->rows.weights.data();
  if (schema_.qids) batch.qids = piece_->rows.qids.data();
  batch.origins = piece_->origins;
  batch.owner = std::move(piece_);
  piece_.reset();
  deliver(std::move(batch), all, out);
}

}  // namespace

void RowStore::begin_at(std::uint64_t row) {
  clear();
  placed_ = cut_ = row;
}

void RowStore::place(const RawBlock& raw, std::size_t rows, RowTarget& target) {
  do_place(raw, target);
  placed_ += rows;
}

bool RowStore::may_be_last(std::size_t rows) const { return cut_ + rows == placed_ && !geometry_.completes_mini_batch(cut_ + rows); }

void RowStore::deliver(Batch batch, bool all, std::deque<Batch>& out) {
  cut_ += batch.rows;
  batch.completes_mini_batch = (all && cut_ == placed_) || geometry_.completes_mini_batch(cut_);
  out.push_back(std::move(batch));
}

Origin RowStore::origin(std::size_t row, const RawBlock& raw, std::uint64_t record) const {
  Origin origin{row, raw.source, raw.first_record + record, has_lines_ ? raw.first_line + record : 0};
  if (!raw.line_of) return origin;
  if (raw.line_of->size() != raw.records) origin.line = 0;
  else origin.line_of = raw.line_of;
  origin.line_at = static_cast<std::size_t>(record);
  return origin;
}

std::unique_ptr<RowStore> make_row_store(const TableSchema& schema, const RowGeometry& geometry, bool has_lines, std::uint64_t piece_bytes) {
  if (schema.sparse) return std::make_unique<SparseStore>(schema, geometry, has_lines, piece_bytes);
  return std::make_unique<DenseStore>(schema, geometry, has_lines);
}

}  // namespace smtrain::formats
