#include "algos/knn/score.h"

#include <algorithm>
#include <cstring>

#include "algos/knn/vote.h"

namespace smtrain::knn {

std::vector<std::size_t> ks_to_try(std::size_t k, std::size_t rows) {
  const std::size_t most = std::max(k, std::min<std::size_t>(rows, 20));
  std::vector<std::size_t> ks{k};
  for (std::size_t ten = 1; ten <= most; ten *= 10) {
    for (const std::size_t factor : {10, 15, 20, 30, 50, 70}) {
      if (ten * factor / 10 <= most) ks.push_back(ten * factor / 10);
    }
  }
  std::sort(ks.begin(), ks.end());
  ks.erase(std::unique(ks.begin(), ks.end()), ks.end());
  return ks;
}

void Score::add(float label, std::span<const float> neighbours) {
  for (std::size_t i = 0; i < ks_.size(); ++i) {
    const float answer = answer_of(task_, neighbours.first(std::min(ks_[i], neighbours.size())), scratch_).label;
    const double difference = static_cast<double>(answer) - static_cast<double>(label);
    sums_[i] += task_ == Task::regressor ? difference * difference : answer == label ? 1.0 : 0.0;
    if (task_ == Task::regressor || ks_[i] != k_) continue;
    classes_[label].labelled += 1;
    classes_[answer].predicted += 1;
    if (answer == label) classes_[label].right += 1;
  }
  sums_.back() += 1;
}

void Score::combine(dist::Communicator& workers) {
  if (workers.size() == 1) return;
  workers.allreduce(sums_);
  struct Entry {
    float label, unused;
    Counts counts;
  };
  std::string own;
  for (const auto& [label, counts] : classes_) {
    const Entry entry{label, 0, counts};
    own.append(reinterpret_cast<const char*>(&entry), sizeof entry);
  }
  classes_.clear();
  for (const std::string& text : workers.share(own)) {
    for (std::size_t at = 0; at + sizeof(Entry) <= text.size(); at += sizeof(Entry)) {
      Entry entry;
      std::memcpy(&entry, text.data() + at, sizeof entry);
      Counts& counts = classes_[entry.label];
      counts.right += entry.counts.right;
      counts.predicted += entry.counts.predicted;
      counts.labelled += entry.counts.labelled;
    }
  }
}

double Score::value_of_k() const {
  return value(static_cast<std::size_t>(std::find(ks_.begin(), ks_.end(), k_) - ks_.begin()));
}

double Score::macro_f1() const {
  double sum = 0, count = 0;
  for (const auto& [label, c] : classes_) {
    if (c.labelled == 0) continue;
    sum += 2 * c.right / (c.labelled + c.predicted);
    count += 1;
  }
  return count > 0 ? sum / count : 0;
}

}  // namespace smtrain::knn
