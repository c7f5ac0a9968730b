#include "algos/kmeans/course.h"

#include <string>

namespace smtrain::kmeans {
namespace {

// Names each field once for both directions.
template <class Visit>
void each_count(auto& course, Visit visit) {
  visit("records", course.at.records);
  visit("iteration", course.iteration);
  visit("rows", course.rows);
  visit("epoch_rows", course.epoch_rows);
  visit("epoch_batches", course.epoch_batches);
  visit("rows_per_epoch", course.rows_per_epoch);
  visit("seen.total_records", course.seen.total_records);
  visit("seen.total_batches", course.seen.total_batches);
  visit("seen.max_records", course.seen.max_records_between_resets);
  visit("seen.max_batches", course.seen.max_batches_between_resets);
  visit("seen.resets", course.seen.resets);
  visit("seen.records", course.seen.records_since_reset);
  visit("seen.batches", course.seen.batches_since_reset);
}

template <class Visit>
void each_mean(auto& course, Visit visit) {
  visit("short_term", course.short_term);
  visit("long_term", course.long_term);
  visit("last_epoch", course.last_epoch);
}

}  // namespace

void Course::save(job::State& state) const {
  state.put("epoch", at.epoch);
  state.put("reported", std::int64_t{reported});
  each_count(*this, [&](const char* name, std::uint64_t value) { state.put(name, value); });
  each_mean(*this, [&](const std::string& name, const RunningMean& mean) {
    state.put(name + ".sum", mean.sum);
    state.put(name + ".weight", mean.weight);
  });
}

void Course::restore(const job::State& state) {
  at.epoch = static_cast<std::int64_t>(state.count("epoch"));
  reported = state.integer("reported") != 0;
  each_count(*this, [&](const char* name, std::uint64_t& value) { value = state.count(name); });
  each_mean(*this, [&](const std::string& name, RunningMean& mean) {
    mean = {state.number(name + ".sum"), state.number(name + ".weight")};
  });
}

}  // namespace smtrain::kmeans
