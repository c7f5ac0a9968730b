#include "algos/xgboost/data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <limits>
#include <span>
#include <unordered_set>
#include <utility>

#include "algos/xgboost/batch_arrays.h"
#include "base/error.h"
#include "base/signals.h"
#include "base/text.h"

namespace smtrain::xgboost {
namespace {

constexpr std::size_t kBlockRows = 16384;   // of one process
constexpr std::size_t kSharedRows = 1024;  // that each of several takes in turn
constexpr float kNoRows[1] = {};

// Numbers that grow without a second copy of them: memory of this size is moved by the kernel, not copied.
template <class T>
class Growing {
 public:
  Growing() = default;
  Growing(const Growing&) = delete;
  Growing& operator=(const Growing&) = delete;
  ~Growing() { release(); }

  /// Room for `count` more; they count as there.
  T* extend(std::size_t count) {
    if (count > capacity_ - size_) grow(size_ + count);
    size_ += count;
    return data_ + (size_ - count);
  }
  void append(std::span<const T> values) { std::copy(values.begin(), values.end(), extend(values.size())); }
  std::span<const T> values() const { return {data_, size_}; }
  void release() {
    std::free(data_);
    data_ = nullptr;
    size_ = capacity_ = 0;
  }

 private:
  void grow(std::size_t wanted) {
    wanted = std::max(wanted, capacity_ + capacity_ / 2);
    void* const moved = wanted > std::numeric_limits<std::size_t>::max() / sizeof(T) ? nullptr : std::realloc(data_, wanted * sizeof(T));
    if (moved == nullptr) throw machine_error("out of memory for {} numbers of the rows", grouped(wanted));
    data_ = static_cast<T*>(moved);
    capacity_ = wanted;
  }
  T* data_ = nullptr;
  std::size_t size_ = 0, capacity_ = 0;
};

// What belongs to rows beside their features.
class RowFacts {
 public:
  RowFacts(bool queries, bool weights) : by_query_(queries), weighted_(weights) {}

  void add(const formats::Batch& batch) {
    labels_.insert(labels_.end(), batch.labels, batch.labels + batch.rows);
    if (by_query_) add_queries(batch);
    else if (!weighted_) return;
    else if (batch.weights != nullptr) weights_.insert(weights_.end(), batch.weights, batch.weights + batch.rows);
    else weights_.resize(weights_.size() + batch.rows, 1.0f);
  }

  void give(DMatrix& matrix) const {
    if (labels_.empty()) return;
    matrix.set_floats("label", labels_);
    if (by_query_) matrix.set_uints("group", group_sizes_);
    if (weighted_) matrix.set_floats("weight", weights_);
  }

  /// From now on, with one for all rows so far.
  void weigh() {
    if (!weighted_) weights_.resize(by_query_ ? group_sizes_.size() : labels_.size(), 1.0f);
    weighted_ = true;
  }

  std::uint64_t rows() const { return labels_.size(); }
  bool weighted() const { return weighted_; }
  /// As text; empty where there is none.
  std::string first_label() const { return labels_.empty() ? "" : fmt::format("{}", labels_.front()); }
  const std::unordered_set<std::uint64_t>& queries() const { return queries_; }

 private:
  // The engine weighs queries, not their rows.
  void add_queries(const formats::Batch& batch) {
    if (batch.qids == nullptr) throw user_error("{}: no query id, which the rows of other channels have", batch.where(0));
    for (std::size_t i = 0; i < batch.rows; ++i) {
      const std::uint64_t qid = batch.qids[i];
      const float weight = batch.weights == nullptr ? 1.0f : batch.weights[i];
      if (group_sizes_.empty() || qid != last_) {
        if (!queries_.insert(qid).second) {
          throw user_error("{}: qid {} again, behind rows of qid {}; expected the rows of a query one after another", batch.where(i), qid, last_);
        }
        group_sizes_.push_back(0);
        weights_.push_back(weight);
        last_ = qid;
      } else if (weight != weights_.back()) {
        throw user_error("{}: weight {}, but qid {} began with {}; expected one weight for all rows of a query", batch.where(i), weight, qid,
                         weights_.back());
      }
      ++group_sizes_.back();
    }
  }

  const bool by_query_;
  bool weighted_;
  std::vector<float> labels_, weights_;
  std::vector<std::uint32_t> group_sizes_;
  std::unordered_set<std::uint64_t> queries_;
  std::uint64_t last_ = 0;
};

// The features of all rows, until the engine has them.
class Features {
 public:
  explicit Features(std::size_t columns) : columns_(columns) {}
  virtual ~Features() = default;
  virtual void add(const formats::Batch& batch) = 0;
  virtual DMatrix give(const Library& library, const MatrixPlan& plan, bool weighted) = 0;

 protected:
  const std::size_t columns_;
};

std::string creation_config(const MatrixPlan& plan) {
  return fmt::format(R"({{"missing":NaN,"nthread":{},"max_bin":{}}})", plan.threads, plan.max_bin);
}

// One array, as the engine takes it.
class DenseFeatures final : public Features {
 public:
  using Features::Features;
  void add(const formats::Batch& batch) override {
    float* to = values_.extend(batch.rows * columns_);
    if (batch.sparse()) return add_sparse(batch, to);
    for (std::size_t i = 0; i < batch.rows; ++i) std::copy_n(batch.dense + i * batch.ld, columns_, to + i * columns_);
  }
  DMatrix give(const Library& library, const MatrixPlan& plan, bool) override {
    Handle handle = nullptr;
    const std::span<const float> all = values_.values();
    const std::string array = dense_array(all.data(), all.size() / columns_, columns_, columns_);
    library.check(library.calls().matrix_from_dense(array.c_str(), creation_config(plan).c_str(), &handle));
    values_.release();
    return {library, handle};
  }

 private:
  void add_sparse(const formats::Batch& batch, float* to) {
    std::fill_n(to, batch.rows * columns_, std::numeric_limits<float>::quiet_NaN());
    for (std::size_t i = 0; i < batch.rows; ++i) {
      for (std::uint64_t k = batch.indptr[i] - batch.indptr[0]; k < batch.indptr[i + 1] - batch.indptr[0]; ++k) {
        to[i * columns_ + batch.indices[k]] = batch.values[k];
      }
    }
  }
  Growing<float> values_;
};

class SparseFeatures final : public Features {
 public:
  explicit SparseFeatures(std::size_t columns) : Features(columns) { indptr_.append(std::vector<std::uint64_t>{0}); }
  void add(const formats::Batch& batch) override {
    const std::uint64_t first = batch.indptr[0], before = indices_.values().size();
    const std::size_t count = static_cast<std::size_t>(batch.indptr[batch.rows] - first);
    indices_.append({batch.indices, count});
    values_.append({batch.values, count});
    std::uint64_t* to = indptr_.extend(batch.rows);
    for (std::size_t i = 0; i < batch.rows; ++i) to[i] = before + (batch.indptr[i + 1] - first);
  }
  DMatrix give(const Library& library, const MatrixPlan& plan, bool) override {
    Handle handle = nullptr;
    const CsrArrays arrays(indptr_.values(), indices_.values().data(), values_.values().data());
    library.check(library.calls().matrix_from_csr(arrays.indptr.c_str(), arrays.indices.c_str(), arrays.values.c_str(), columns_,
                                                  creation_config(plan).c_str(), &handle));
    indptr_.release();
    indices_.release();
    values_.release();
    return {library, handle};
  }

 private:
  Growing<std::uint64_t> indptr_;
  Growing<std::uint32_t> indices_;
  Growing<float> values_;
};

// Batches as they came: the engine passes over them four times to find the bins and to sort the rows into them.
class HeldFeatures final : public Features {
 public:
  using Features::Features;
  void add(const formats::Batch& batch) override { batches_.push_back(batch); }
  DMatrix give(const Library& library, const MatrixPlan& plan, bool weighted) override;

 private:
  std::vector<formats::Batch> batches_;
};

// Hands batches to a proxy of the engine, which calls back for them.
class BatchIterator {
 public:
  BatchIterator(const Library& library, std::span<const formats::Batch> batches, std::size_t columns, bool weighted)
      : library_(library), batches_(batches), columns_(columns), weighted_(weighted) {
    Handle handle = nullptr;
    library.check(library.calls().proxy_create(&handle));
    proxy_ = DMatrix(library, handle);
  }
  Handle proxy() const { return proxy_.handle(); }

  static void reset(Handle self) { static_cast<BatchIterator*>(self)->at_ = 0; }
  /// 1: there is a batch; 0: no more. No exception crosses the engine.
  static int next(Handle self) {
    auto& it = *static_cast<BatchIterator*>(self);
    try {
      return it.next() ? 1 : 0;
    } catch (...) {
      it.failure_ = std::current_exception();
      return 0;
    }
  }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  bool next() {
    if (failure_ || at_ == batches_.size()) return false;
    const formats::Batch& batch = batches_[at_++];
    if (batch.sparse()) {
      const CsrArrays arrays(batch);
      library_.check(library_.calls().proxy_set_csr(proxy(), arrays.indptr.c_str(), arrays.indices.c_str(), arrays.values.c_str(), columns_));
    } else {
      library_.check(library_.calls().proxy_set_dense(proxy(), dense_array(batch.dense, batch.rows, batch.cols, batch.ld).c_str()));
    }
    if (batch.rows == 0) return true;
    proxy_.set_floats("label", {batch.labels, batch.rows});
    if (!weighted_) return true;
    if (batch.weights == nullptr) ones_.resize(std::max(ones_.size(), batch.rows), 1.0f);
    proxy_.set_floats("weight", {batch.weights == nullptr ? ones_.data() : batch.weights, batch.rows});
    return true;
  }

  const Library& library_;
  const std::span<const formats::Batch> batches_;
  const std::size_t columns_;
  const bool weighted_;
  std::vector<float> ones_;
  DMatrix proxy_;
  std::size_t at_ = 0;
  std::exception_ptr failure_;
};

DMatrix HeldFeatures::give(const Library& library, const MatrixPlan& plan, bool weighted) {
  if (batches_.empty()) {  // one of several processes; the engine wants a batch all the same
    batches_.emplace_back();
    batches_.back().cols = batches_.back().ld = columns_;
    batches_.back().dense = kNoRows;
  }
  BatchIterator batches(library, batches_, columns_, weighted);
  Handle handle = nullptr;
  const int result = library.calls().quantile_matrix_from_callback(&batches, batches.proxy(), nullptr, BatchIterator::reset, BatchIterator::next,
                                                                   creation_config(plan).c_str(), &handle);
  DMatrix matrix(library, handle);
  batches.rethrow();
  library.check(result);
  batches_.clear();
  return matrix;
}

// Sparse rows among dense ones keep what they lack as missing.
std::unique_ptr<Features> make_features(bool sparse, bool quantiles, std::size_t columns) {
  if (quantiles) return std::make_unique<HeldFeatures>(columns);
  if (sparse) return std::make_unique<SparseFeatures>(columns);
  return std::make_unique<DenseFeatures>(columns);
}

bool has_holes(const formats::Batch& batch, std::size_t columns) {
  const auto missing = [](float x) { return std::isnan(x); };
  if (batch.sparse()) {
    const std::size_t count = static_cast<std::size_t>(batch.indptr[batch.rows] - batch.indptr[0]);
    return count < batch.rows * columns || std::any_of(batch.values, batch.values + count, missing);
  }
  for (std::size_t i = 0; i < batch.rows; ++i) {
    if (std::any_of(batch.dense + i * batch.ld, batch.dense + i * batch.ld + columns, missing)) return true;
  }
  return false;
}

// A row without features and without weight, which is in no sum.
class GhostRow {
 public:
  explicit GhostRow(float label) : label_(label) {
    batch_.rows = 1;
    batch_.indptr = indptr_;
    batch_.labels = &label_;
    batch_.label_width = 1;
    batch_.weights = &weight_;
    batch_.qids = &qid_;
  }
  GhostRow(const GhostRow&) = delete;
  GhostRow& operator=(const GhostRow&) = delete;
  const formats::Batch& batch() const { return batch_; }

 private:
  const std::uint64_t indptr_[2] = {}, qid_ = std::numeric_limits<std::uint64_t>::max();
  const float label_, weight_ = 0;
  formats::Batch batch_;
};

// Before 2.0 the engine's hist asks the other processes one question less where nothing is missing in its own rows, and all of them
// wait for ever when that is so in some and not in others. Those then get a row in which everything is missing. Collective.
std::unique_ptr<GhostRow> ghost_row(const Library& library, bool holes, const RowFacts& facts, dist::Communicator& workers) {
  if (workers.size() == 1 || !(library.version() < Version{2, 0, 0})) return nullptr;
  double holed = holes ? 1 : 0;
  workers.allreduce({&holed, 1});
  const std::vector<std::string> labels = workers.share(facts.first_label());
  if (holed == 0 || holes) return nullptr;
  const std::string own = facts.first_label();
  const auto any = std::find_if(labels.begin(), labels.end(), [](const std::string& label) { return !label.empty(); });
  return std::make_unique<GhostRow>(std::stof(own.empty() ? *any : own));
}

// The engine ranks within queries that it sees whole.
void check_queries_are_whole(const std::string& channel, const RowFacts& facts, dist::Communicator& workers) {
  if (workers.size() == 1) return;
  std::string own;
  for (const std::uint64_t qid : facts.queries()) own += fmt::format("{} ", qid);
  std::unordered_set<std::string> seen;
  for (const std::string& queries : workers.share(own)) {
    for (const std::string_view qid : split(queries, ' ')) {
      if (qid.empty() || seen.insert(std::string(qid)).second) continue;
      throw user_error("{}: qid {} has rows in two processes; the engine needs the rows of a query in one: give each process files of its own "
                       "(--channel {}=PATH,distribution=sharded), each with whole queries", channel, qid, channel);
    }
  }
}

std::uint64_t sum_over(dist::Communicator& workers, std::uint64_t rows) {
  double sum = static_cast<double>(rows);
  workers.allreduce({&sum, 1});
  return static_cast<std::uint64_t>(sum);
}

}  // namespace

Channels::Channels(job::Context& context, const std::vector<std::string>& names, bool weights) : context_(context) {
  const auto workers = static_cast<std::size_t>(context.communicator().size());
  for (const std::string& name : names) {
    job::TableRequest request;
    request.mini_batch_size = workers == 1 ? kBlockRows : kSharedRows * workers;
    request.csv_weights = weights;
    const auto& stream = streams_[name] = context.open_table(name, request);
    const std::size_t labels = stream->schema().label_width;
    if (labels == 0) throw user_error("{}: rows without labels; expected a label in each, of CSV in the first column", name);
    if (labels > 1) throw user_error("{}: {} labels in a row; expected one (label_size=1)", name, labels);
  }
  settle_space(names);
}

void Channels::settle_space(const std::vector<std::string>& names) {
  const auto schema = [&](const std::string& name) -> const formats::TableSchema& { return streams_.at(name)->schema(); };
  std::string widest = names.front();
  for (const std::string& name : names) {
    const bool dense = !schema(name).sparse, than_dense = !schema(widest).sparse;
    if (dense == than_dense ? schema(name).feature_dim > schema(widest).feature_dim : dense) widest = name;
  }
  feature_dim_ = schema(widest).feature_dim;
  columns_ = schema(names.front()).column_names;
  for (const std::string& name : names) {
    const std::size_t width = schema(name).feature_dim;
    if (schema(name).sparse ? width <= feature_dim_ : width == feature_dim_) continue;
    throw user_error("feature spaces differ: {} has {}, {} has {}; expected the same columns in the same order", widest,
                     counted(feature_dim_, "feature"), name, counted(width, "feature"));
  }
}

Rows Channels::read(const Library& library, const MatrixPlan& plan) {
  bool sparse = true, queries = false, weighted = false, all_weighted = true;
  for (const std::string& name : plan.channels) {
    const formats::TableSchema& schema = streams_.at(name)->schema();
    sparse = sparse && schema.sparse;
    queries = queries || schema.qids;
    weighted = weighted || schema.weights;
    all_weighted = all_weighted && schema.weights;
  }
  Rows out;
  out.quantiles = plan.quantiles && !queries && weighted == all_weighted;
  RowFacts facts(queries, weighted);
  const std::unique_ptr<Features> features = make_features(sparse, out.quantiles, feature_dim_);
  dist::Communicator& workers = context_.communicator();
  bool holes = false;
  for (const std::string& name : plan.channels) {
    formats::TableStream& stream = *streams_.at(name);
    for (formats::Batch batch; stream.next(batch);) {
      throw_if_stopped();
      if (batch.rows == 0) continue;
      if (plan.check) plan.check(batch);
      facts.add(batch);
      features->add(batch);
      holes = holes || (workers.size() > 1 && has_holes(batch, feature_dim_));
    }
    streams_.at(name).reset();  // what it has read with is no use any more
  }
  if (queries) check_queries_are_whole(plan.channels.front(), facts, workers);
  out.rows = facts.rows();
  // All processes have their rows before the engine, which knows no failure of another, waits for them.
  out.all_rows = sum_over(workers, out.rows);
  if (out.all_rows == 0) throw user_error("{}: no rows", join(plan.channels, ", "));
  context_.log().detail("{}: {} read", join(plan.channels, ", "), counted(out.rows, "row"));
  const std::unique_ptr<GhostRow> ghost = ghost_row(library, holes, facts, workers);
  if (ghost != nullptr) {
    facts.weigh();
    facts.add(ghost->batch());
    features->add(ghost->batch());
  }
  out.matrix = features->give(library, plan, facts.weighted());
  facts.give(out.matrix);
  out.weighted = weighted;
  out.grouped = queries;
  const std::string& name = plan.channels.front();
  if (name == "train") context_.log().info("Train matrix has {} rows and {} columns", out.all_rows, feature_dim_);
  else context_.log().info("{}{} matrix has {} rows", static_cast<char>(name[0] - 'a' + 'A'), name.substr(1), out.all_rows);
  return out;
}

}  // namespace smtrain::xgboost
