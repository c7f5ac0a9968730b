// Script mode: how a user's hyperparameters reach a script, and which variables every program finds.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "run/contract/layout.h"
#include "run/training_job/request.h"
#include "run/training_job/tree.h"

namespace smtrain::run::training_job {

/// --name value (or -n value), sorted by name: hyperparameters decoded as JSON where they can be, written as Python would.
/// Reserved names (sagemaker_*, _tuning_objective_metric, default_user_module_name) are left out.
std::vector<std::string> script_arguments(const TrainingJobRequest& request);

/// A hyperparameter of the toolkit, JSON quotes taken off; else the variable of that name in the request's Environment; else "".
std::string toolkit_setting(const TrainingJobRequest& request, const std::string& hyperparameter, const std::string& variable);

struct ProgramPlace {
  contract::Layout layout;  ///< the tree as the program sees it
  const Hosts* hosts = nullptr;
  std::size_t host = 0;
  std::string entry, module_folder;     ///< of a script
  std::vector<std::string> arguments;   ///< given to it
  std::uint64_t cpus = 1;
};

/// The variables that the platform and its toolkit set (SM_*, TRAINING_JOB_NAME, SAGEMAKER_BASE_DIR, …), over those of this
/// process and under the request's Environment. A name with characters that no shell can spell gets an alias with '_' instead.
std::map<std::string, std::string> program_environment(const TrainingJobRequest& request, const ProgramPlace& place);

/// "arn:smtrain:local::training-job/NAME"
std::string arn_of(const std::string& job);

}  // namespace smtrain::run::training_job
