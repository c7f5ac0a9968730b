// Rules of a request that look at more than one field's type and limits. Private to this folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "run/problems.h"
#include "run/training_job/fields.h"
#include "run/training_job/request.h"

namespace smtrain::run::training_job {

bool is_job_name(std::string_view name);       ///< [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}
bool is_variable_name(std::string_view name);  ///< [a-zA-Z_][a-zA-Z0-9_]*, at most 512
bool is_plain_absolute(std::string_view path);

void check_regex(Fields& definition, const std::string& regex);
void check_channel_name(Fields& channel, const std::string& name, const std::vector<Channel>& before);
void check_attributes(Fields& source, const Channel& channel);
void check_groups(Fields& source, const Channel& channel, const std::vector<InstanceGroup>& groups);
/// What depends on the input mode.
void check_channel(Fields& fields, const Channel& channel);

/// That no two channels would have one path in the tree: folders, lists of objects and FIFOs lie side by side.
void check_places(Fields& fields, const Channel& channel, const std::vector<Channel>& before);

/// Hyperparameters of a built-in algorithm by its table, channels by its description. `name` is the document's.
void check_parameters(const TrainingJobRequest& request, const std::string& name, Problems& problems, Log& log);
void check_channels_of(const TrainingJobRequest& request, const std::string& name, Problems& problems);

}  // namespace smtrain::run::training_job
