// The guest's side of the container contract: a training run whose settings, input and output are those of a tree.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "run/contract/config.h"
#include "run/requests.h"

namespace smtrain::run::contract {

/// The root of --root, else of SAGEMAKER_BASE_DIR, else /opt/ml.
Layout guest_layout(const std::optional<std::string>& root);

/// What a tree says about the run.
class Guest {
 public:
  explicit Guest(Layout layout) : layout_(std::move(layout)) {}

  /// Reads the configuration. A root that is not there is a user Error of its own. All else that is wrong is thrown as one user
  /// Error; what could be read is there all the same.
  void read(Log& log);

  const Layout& layout() const { return layout_; }
  const Resources& resources() const { return resources_; }
  const std::vector<job::Given>& hyperparameters() const { return hyperparameters_; }

  /// The training of `algorithm` that the tree asks for: channels (the channel `model` is the model to start from), the model
  /// folder as output. Hyperparameters, settings and arguments are the caller's to add. Throws user Errors, among them one
  /// for several hosts that no launcher has joined: each would train a model of its own.
  TrainRequest request(const std::string& algorithm) const;

 private:
  std::vector<Channel> present_channels() const;
  void add_channel(TrainRequest& request, const Channel& channel) const;
  void check_hosts() const;

  Layout layout_;
  std::vector<job::Given> hyperparameters_;
  std::optional<std::vector<Channel>> channels_;  // none: inputdataconfig.json is absent
  Resources resources_;
  std::optional<std::filesystem::path> checkpoints_;
};

/// The algorithm's name by the first of: the variable SMTRAIN_ALGORITHM, the hyperparameter smtrain_algorithm, the program's
/// own name (a link kmeans to smtrain). Throws a user Error that names all three.
std::string choose_algorithm(const std::optional<std::string>& variable, const std::optional<std::string>& hyperparameter,
                             std::string_view program);

/// Leaves the reason of a failure in the tree, when there is one. Throws Error when it cannot be written.
void leave_failure(const Layout& layout, const Error& error);

/// What the first process of a container owes to others: orphans are reaped. Call once; does nothing in other processes. From
/// then on nobody can wait for a child, so it is for a process that starts none.
void reap_orphans();

}  // namespace smtrain::run::contract
