#include "algos/kmeans/course.h"

#include <string>

namespace smtrain::kmeans {
namespace {

// Names each mean once for both directions.
template <class Visit>
void each_mean(auto& course, Visit visit) {
  visit("short_term", course.short_term);
  visit("long_term", course.long_term);
  visit("last_epoch", course.last_epoch);
}

}  // namespace

void Course::save(job::State& state) const {
  state.put("reported", std::int64_t{reported});
  each_mean(*this, [&](const std::string& name, const RunningMean& mean) {
    state.put(name + ".sum", mean.sum);
    state.put(name + ".weight", mean.weight);
  });
}

void Course::restore(const job::State& state) {
  reported = state.integer("reported") != 0;
  each_mean(*this, [&](const std::string& name, RunningMean& mean) {
    mean = {state.number(name + ".sum"), state.number(name + ".weight")};
  });
}

}  // namespace smtrain::kmeans
