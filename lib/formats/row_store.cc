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

// Sparse rows are gathered into pieces, each of which becomes a batch. Pieces are made when their rows are known, since memory that
// grows with them would be kept half empty between epochs.
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
  };
  // Rows of one source, one after the other.
  struct Slice {
    const SparseRows* rows;
    std::size_t first, count;
    Origin origin;  // its first_row counts from the first waiting row
  };

  void clear() override {
    blocks_.clear();
    forget_waiting();
    rest_.reset();
  }
  void do_place(const RawBlock& raw, RowTarget& target) override;
  void add(const Block& block, bool all, std::deque<Batch>& out);
  std::size_t room(const SparseRows& rows, std::size_t first, std::size_t most) const;
  bool is_full() const;
  std::shared_ptr<Piece> make_piece() const;
  void forget_waiting();
  void keep_rest();
  void deliver_piece(bool all, std::deque<Batch>& out);

  const std::uint64_t piece_bytes_;
  std::deque<Block> blocks_;
  std::vector<SparseRows> spare_;  // memory of blocks that are done
  std::vector<Slice> waiting_;     // for the rows that complete their piece; in rest_ and blocks_
  std::size_t waiting_rows_ = 0, waiting_entries_ = 0;
  std::shared_ptr<Piece> rest_;
};

void SparseStore::do_place(const RawBlock& raw, RowTarget& target) {
  blocks_.push_back({{}, raw});
  if (!spare_.empty()) {
    blocks_.back().rows = std::move(spare_.back());
    spare_.pop_back();
  }
  target.sparse = &blocks_.back().rows;
}

void SparseStore::cut(bool all, std::deque<Batch>& out) {
  for (const Block& block : blocks_) add(block, all, out);
  if (waiting_rows_ > 0 && (all || (is_full() && !may_be_last(waiting_rows_)))) deliver_piece(all, out);
  keep_rest();
  for (Block& block : blocks_) {
    block.rows.clear();
    spare_.push_back(std::move(block.rows));
  }
  blocks_.clear();
}

void SparseStore::add(const Block& block, bool all, std::deque<Batch>& out) {
  std::size_t row = 0;
  for (const RecordRange& range : block.raw.wanted) {
    for (std::size_t done = 0; done < range.count;) {
      if (is_full()) deliver_piece(all, out);
      const std::size_t count = room(block.rows, row, range.count - done);
      waiting_.push_back({&block.rows, row, count, origin(waiting_rows_, block.raw, range.first + done)});
      waiting_rows_ += count;
      waiting_entries_ += block.rows.indptr[row + count] - block.rows.indptr[row];
      done += count;
      row += count;
    }
  }
}

// Rows from `first` on that the piece under way, which is not full, still takes: the last one may fill it beyond its bytes.
std::size_t SparseStore::room(const SparseRows& rows, std::size_t first, std::size_t most) const {
  const std::size_t left = geometry_.mini_batch_size - (cut_ + waiting_rows_) % geometry_.mini_batch_size;
  const auto begin = rows.indptr.begin() + static_cast<std::ptrdiff_t>(first);
  const auto last = begin + static_cast<std::ptrdiff_t>(std::min(left, most));
  return static_cast<std::size_t>(std::lower_bound(begin + 1, last, *begin + ((piece_bytes_ + 7) / 8 - waiting_entries_)) - begin);
}

bool SparseStore::is_full() const {
  return waiting_rows_ > 0 && (geometry_.completes_mini_batch(cut_ + waiting_rows_) || waiting_entries_ * 8 >= piece_bytes_);
}

std::shared_ptr<SparseStore::Piece> SparseStore::make_piece() const {
  auto piece = std::make_shared<Piece>();
  SparseRows& to = piece->rows;
  const std::size_t w = schema_.label_width;
  to.indptr.reserve(waiting_rows_ + 1);
  to.indices.reserve(waiting_entries_);
  to.values.reserve(waiting_entries_);
  to.labels.reserve(waiting_rows_ * w);
  if (schema_.weights) to.weights.reserve(waiting_rows_);
  if (schema_.qids) to.qids.reserve(waiting_rows_);
  for (const Slice& slice : waiting_) {
    const SparseRows& from = *slice.rows;
    const std::size_t first = slice.first, end = first + slice.count, a = from.indptr[first], b = from.indptr[end];
    for (std::size_t i = first + 1; i <= end; ++i) to.indptr.push_back(to.indices.size() + from.indptr[i] - a);
    to.indices.insert(to.indices.end(), from.indices.begin() + a, from.indices.begin() + b);
    to.values.insert(to.values.end(), from.values.begin() + a, from.values.begin() + b);
    to.labels.insert(to.labels.end(), from.labels.begin() + first * w, from.labels.begin() + end * w);
    if (schema_.weights) to.weights.insert(to.weights.end(), from.weights.begin() + first, from.weights.begin() + end);
    if (schema_.qids) to.qids.insert(to.qids.end(), from.qids.begin() + first, from.qids.begin() + end);
    piece->origins->push_back(slice.origin);
  }
  return piece;
}

void SparseStore::forget_waiting() {
  waiting_.clear();
  waiting_rows_ = waiting_entries_ = 0;
}

// Rows that wait move out of their blocks, whose memory takes others.
void SparseStore::keep_rest() {
  if (waiting_rows_ == 0) {
    rest_.reset();
    return;
  }
  rest_ = make_piece();
  const std::vector<Origin>& origins = *rest_->origins;
  waiting_.clear();
  for (std::size_t i = 0; i < origins.size(); ++i) {
    const std::size_t end = i + 1 < origins.size() ? origins[i + 1].first_row : waiting_rows_;
    waiting_.push_back({&rest_->rows, origins[i].first_row, end - origins[i].first_row, origins[i]});
  }
}

void SparseStore::deliver_piece(bool all, std::deque<Batch>& out) {
  const std::shared_ptr<Piece> piece = make_piece();
  Batch batch;
  batch.rows = waiting_rows_;
  batch.cols = schema_.feature_dim;
  batch.indptr = piece->rows.indptr.data();
  batch.indices = piece->rows.indices.data();
  batch.values = piece->rows.values.data();
  batch.label_width = schema_.label_width;
  if (schema_.label_width > 0) batch.labels = piece->rows.labels.data();
  if (schema_.weights) batch.weights = piece->rows.weights.data();
  if (schema_.qids) batch.qids = piece->rows.qids.data();
  batch.origins = piece->origins;
  batch.owner = piece;
  forget_waiting();
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
