// Settings from five places: flag, SMTRAIN_* variable, job file, user config, default; each value knows its origin.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/machine.h"
#include "run/requests.h"

namespace smtrain::run {

/// Texts of the settings (Flag::setting) by flag name.
using SettingTexts = std::map<std::string, std::string>;

/// The user's configuration: $XDG_CONFIG_HOME/smtrain/config.json, else ~/.config/smtrain/config.json; a flat object. Empty
/// when there is none or HOME is unset; a user Error when it cannot be read as that, or names no setting.
SettingTexts read_user_config();

/// Settings among SMTRAIN_* variables; a variable that names no setting is reported as a warning with the nearest name.
SettingTexts environment_settings(Log& log);

/// Takes `smtrain_*` names (smtrain_seed, smtrain_threads, ...) out of a hyperparameter map.
SettingTexts take_settings(std::vector<job::Given>& hyperparameters);

/// The value of one setting with its origin.
From<std::string> setting(const std::string& name, const SettingTexts& flags, const SettingTexts& environment,
                          const SettingTexts& job_file, const SettingTexts& config);

/// What of the machine this process may use.
struct Available {
  Sourced threads = default_threads();
  Sourced memory = memory_budget();
  std::string for_more;  ///< how a launcher gives more threads; "" without one
};

/// All common settings, checked: threads 1 … 4096 (a larger request than is available is noted, under a launcher as a warning),
/// memory limit as a size of at least 64 MiB, seed 0 … 2^64-1, device. All problems in one user Error.
CommonSettings common_settings(const SettingTexts& flags, const SettingTexts& environment, const SettingTexts& job_file,
                               const SettingTexts& config, Log& log, const Available& available = {});

}  // namespace smtrain::run
