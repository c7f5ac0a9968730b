// One pass over the rows, of which a sample stays.
#include <algorithm>
#include <cstring>

#include "algos/knn/trainer.h"
#include "algos/knn/training.h"
#include "base/error.h"

namespace smtrain::knn {
namespace {

constexpr std::uint64_t kSpreadRows = 10000;  // that deviations are told from
constexpr std::size_t kRowsAtOnce = 256;      // few, so that their memory is used again

}  // namespace

void ColumnSpread::add(const float* row) {
  for (std::size_t j = 0; j < sums.size(); ++j) {
    const auto x = static_cast<double>(row[j]);
    sums[j] += x;
    squares[j] += x * x;
  }
  ++rows;
}

std::unique_ptr<job::Predictor> Trainer::run() {
  open();
  start();
  spread_.sums.assign(shape_.feature_dim, 0.0);
  spread_.squares.assign(shape_.feature_dim, 0.0);
  passes_->run(*this);
  std::unique_ptr<KnnPredictor> model = finish();
  score(*model);
  return model;
}

void Trainer::save(job::State& state) const {
  state.put("knn.seen", std::uint64_t{seen_});
  state.put("knn.projection_seed", std::uint64_t{shape_.seed});
  if (reservoir_) reservoir_->save(state);
}

// Rows of the processes before this one in the mini-batch, which is theirs in rank order.
std::uint64_t Trainer::rows_before(std::uint64_t own_rows, std::uint64_t& all_rows) {
  std::vector<double> counts(static_cast<std::size_t>(workers_.size()), 0.0);
  counts[static_cast<std::size_t>(workers_.rank())] = static_cast<double>(own_rows);
  workers_.allreduce(counts);
  double before = 0, all = 0;
  for (int r = 0; r < workers_.size(); ++r) {
    if (r < workers_.rank()) before += counts[static_cast<std::size_t>(r)];
    all += counts[static_cast<std::size_t>(r)];
  }
  all_rows = static_cast<std::uint64_t>(all);
  return static_cast<std::uint64_t>(before);
}

std::uint64_t Trainer::update(std::uint64_t own_rows) {
  std::uint64_t all_rows = 0;
  const std::uint64_t before = rows_before(own_rows, all_rows);
  if (workers_.size() == 1) {
    accept(seen_ + before, [&](const Head& head, const float* row) { reservoir_->put(head.slot, row, head.label, head.t); });
  } else {
    std::string packed;
    accept(seen_ + before, [&](const Head& head, const float* row) {
      packed.append(reinterpret_cast<const char*>(&head), sizeof head);
      packed.append(reinterpret_cast<const char*>(row), shape_.width * sizeof(float));
    });
    for (const std::vector<std::byte>& bytes : workers_.collect(std::as_bytes(std::span(packed))))
      store({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  pieces_.clear();
  seen_ += all_rows;
  return all_rows;
}

// The rows of this process that get a slot, in the shape of the index; `first` is the number of its first row among all.
void Trainer::accept(std::uint64_t first, const std::function<void(const Head&, const float*)>& use) {
  std::vector<float> raw(shape_.feature_dim);
  std::vector<std::size_t> rows;
  std::vector<Head> heads;
  for (const formats::Batch& piece : pieces_) {
    if (piece.rows > 0 && piece.labels == nullptr) throw user_error("{}: bears no label; knn needs one", piece.where(0));
    for (std::size_t begin = 0; begin < piece.rows; begin += kRowsAtOnce) {
      rows.clear();
      heads.clear();
      for (std::size_t i = begin; i < std::min(piece.rows, begin + kRowsAtOnce); ++i) {
        const auto slot = draws_->slot_of(first + i);
        if (!slot) continue;
        rows.push_back(i);
        heads.push_back({*slot, first + i, piece.labels[i], 0});
        if (spread_.rows >= kSpreadRows) continue;
        job::copy_row(piece, i, raw.data());
        spread_.add(raw.data());
      }
      const std::vector<float> shaped = shaper_->rows_of(piece, rows);
      for (std::size_t i = 0; i < rows.size(); ++i) use(heads[i], shaped.data() + i * shape_.width);
    }
    first += piece.rows;
  }
}

void Trainer::store(std::string_view packed) {
  const std::size_t bytes = sizeof(Head) + shape_.width * sizeof(float);
  std::vector<float> row(shape_.width);
  for (; !packed.empty(); packed.remove_prefix(bytes)) {
    Head head;
    std::memcpy(&head, packed.data(), sizeof head);
    std::memcpy(row.data(), packed.data() + sizeof head, shape_.width * sizeof(float));
    reservoir_->put(head.slot, row.data(), head.label, head.t);
  }
}

std::unique_ptr<job::Predictor> train(job::Context& context, job::Settings& settings) { return Trainer(context, settings).run(); }

}  // namespace smtrain::knn
