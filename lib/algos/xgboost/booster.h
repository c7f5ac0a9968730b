// Booster: a model of the engine, being trained or answering.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "algos/xgboost/library.h"
#include "algos/xgboost/matrix.h"

namespace smtrain::xgboost {

/// Names and values in the order in which they are set; eval_metric may occur several times.
using Parameters = std::vector<std::pair<std::string, std::string>>;

enum class PredictionType { value = 0, margin = 1, contributions = 2, approximate_contributions = 3, interactions = 4, leaf = 6 };

/// What the engine answers: its memory, valid until the next prediction of the same booster on this thread.
struct Scores {
  std::span<const float> values;
  std::vector<std::uint64_t> shape;
};

/// How important a feature is to the trees, or its weights in a linear model (one per class).
struct FeatureScores {
  std::vector<std::string> features;  ///< names, "f0" where there are none; features that no tree uses are left out
  std::vector<float> values;          ///< features × classes
  std::size_t classes = 1;
};

/// Owns an engine's booster; moves, never copies. Predictions are safe from many threads, everything else is not.
class Booster {
 public:
  Booster() = default;
  /// For these matrices, whose predictions it keeps between rounds; they are freed after it.
  explicit Booster(const Library& library, std::span<const DMatrix* const> matrices = {});
  Booster(Booster&& other) noexcept;
  Booster& operator=(Booster&& other) noexcept;
  ~Booster();

  const Library& library() const { return *library_; }
  Handle handle() const { return handle_; }

  void set(const std::string& name, const std::string& value);
  /// Sets all and lets the engine check them (no round is made). Returns the names of those that no component of it uses, about which it
  /// would only warn. The engine's own verbosity is at least 1: what is passed on is the caller's choice.
  std::vector<std::string> configure(const Parameters& parameters);

  /// One round; rounds count from 0.
  void update(int round, const DMatrix& train);
  /// "[3]\ttrain-rmse:0.12345\tvalidation-rmse:0.23456", as the engine prints it.
  std::string evaluate(int round, std::span<const DMatrix* const> matrices, std::span<const std::string> names);
  /// `end` rounds of the model, 0: all. Shapes: value and margin (n) or (n, classes).
  Scores predict(const DMatrix& matrix, PredictionType type = PredictionType::value, int end = 0) const;

  int rounds() const;
  std::uint64_t features() const;
  /// The rounds before `end`.
  Booster first_rounds(int end) const;

  /// format: "ubj", "json", "deprecated".
  std::string save(std::string_view format) const;
  /// Throws a user Error in the engine's words.
  void load(std::string_view bytes);
  /// As JSON.
  std::string config() const;

  std::optional<std::string> attribute(const std::string& key) const;
  void set_attribute(const std::string& key, const std::string& value);
  std::vector<std::string> feature_names() const;
  void set_feature_names(std::span<const std::string> names);

  /// importance: "weight", "gain", "cover", "total_gain", "total_cover"; of a linear model "weight" alone.
  FeatureScores feature_scores(std::string_view importance) const;

 private:
  Booster(const Library& library, Handle handle) : library_(&library), handle_(handle) {}
  const Library* library_ = nullptr;
  Handle handle_ = nullptr;
};

}  // namespace smtrain::xgboost
