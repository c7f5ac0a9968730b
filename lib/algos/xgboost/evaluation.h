// What a round has come to: the engine's metrics and the container's, on every channel that is watched.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "algos/xgboost/booster.h"
#include "algos/xgboost/params.h"
#include "dist/communicator.h"
#include "job/metrics.h"
#include "job/state.h"

namespace smtrain::xgboost {

struct Watched {
  std::string name;  ///< "train", "validation"
  const DMatrix* matrix = nullptr;
  std::optional<std::uint64_t> rows = {};  ///< the first ones, which count (Rows::rows); absent: all
};

struct Score {
  std::string channel, metric;
  double value = 0;
};

/// All metrics of the first channel, then those of the next: the engine's in its order, and then ours. Collective.
std::vector<Score> evaluate(Booster& booster, const Params& params, int round, std::span<const Watched> watched, dist::Communicator& workers);

/// "[3]\ttrain-rmse:0.12346\tvalidation-rmse:0.23457", five decimals, as the engine's Python package prints it.
std::string evaluation_line(std::int64_t round, std::span<const Score> scores);

/// "train-rmse:0.1" of an engine's line, taken apart by the channels' names.
std::vector<Score> read_engine_line(std::string_view line, std::span<const Watched> watched);

/// In a checkpoint, under entries that begin with the name.
void put_scores(job::State& state, const std::string& name, std::span<const Score> scores);
std::vector<Score> get_scores(const job::State& state, const std::string& name);

/// Of final scores, without a round, there is no line.
job::Evaluation evaluation_of(std::optional<std::int64_t> round, std::span<const Score> scores);

}  // namespace smtrain::xgboost
