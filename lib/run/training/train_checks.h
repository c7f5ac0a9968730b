// What can be known about a training request before hours of work go into it.
#pragma once

#include "job/algorithm.h"
#include "run/problems.h"
#include "run/requests.h"

namespace smtrain::run {

/// The request's channel of that name; nullptr when it was not given.
const ChannelRequest* find_channel(const TrainRequest& request, std::string_view name);

/// Whether the channel comes as FIFOs PATH_0, PATH_1, ....
bool is_pipe_mode(const ChannelRequest& channel, const TrainRequest& request);

/// Whether each process is to read files of its own.
bool is_sharded(const ChannelRequest& channel);

/// Adds what is wrong with channels: missing, unknown, twice, types and modes.
void check_channels(const TrainRequest& request, const job::Description& algorithm, Problems& problems);

/// Adds what is wrong with channels (missing, unknown, twice, types and modes) and with the paths that will be written
/// (missing folder, no right to write, an input among them). Touches no data.
void check_paths(const TrainRequest& request, const job::Description& algorithm, Problems& problems);

}  // namespace smtrain::run
