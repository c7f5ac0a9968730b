// The tree of one host, as the program that runs there will find it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "run/contract/layout.h"
#include "run/training_job/feeder.h"
#include "run/training_job/sources.h"

namespace smtrain::run::training_job {

/// Who takes part: algo-1 … algo-n, sorted as text, so that rank 1 of twelve is algo-10.
struct Hosts {
  std::vector<std::string> names;
  std::vector<std::string> groups;  ///< of each, by the same index
  std::vector<std::string> types;   ///< machine types
};
Hosts hosts_of(const TrainingJobRequest& request);

using Sources = std::map<std::string, Source>;  ///< by channel

/// The sources of all channels. Problems of all of them come in one user Error.
Sources list_sources(const TrainingJobRequest& request, Log& log);

struct TreeOptions {
  bool in_container = false;   ///< the program sees the tree as /opt/ml: no links that lead out of it
  bool split_records = false;  ///< every host gets all objects of a File channel, and reads its share of the records
};

/// Makes the folders and configuration files of host number `host` and puts the data of File and FastFile channels there.
/// The root must not exist. Throws Error with path and cause.
void make_tree(const contract::Layout& layout, const TrainingJobRequest& request, const Hosts& hosts, std::size_t host,
               const Sources& sources, const TreeOptions& options);

/// Starts the feeders of the host's Pipe channels. `sources` outlives them.
std::vector<std::unique_ptr<Feeder>> start_feeders(const contract::Layout& layout, const TrainingJobRequest& request,
                                                   const Hosts& hosts, std::size_t host, const Sources& sources);

/// Whether the host gets the channel: its instance group is among the channel's.
bool is_for(const Channel& channel, const std::string& group);

}  // namespace smtrain::run::training_job
