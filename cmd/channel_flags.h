// The flags that describe channels: --train, --validation, --test, --channel and --content-type.
#pragma once

#include <string>
#include <vector>

#include "parser.h"
#include "run/requests.h"

namespace smtrain::cmd {

/// The channels of a command line, named flags first, in the order of the algorithm's description; what is wrong is added
/// to `problems`.
///
/// --channel NAME=PATH[,type=TYPE][,mode=file|pipe][,distribution=sharded|replicated]: options are taken off the right end
/// as long as they bear these names, so that a path may hold commas and equal signs. A path that holds ",type=",
/// ",mode=" or ",distribution=" itself doubles that comma: `a,,mode=b.csv` is the file `a,mode=b.csv`.
///
/// --content-type [NAME=]TYPE: for one channel, or for all channels without a type of their own.
std::vector<run::ChannelRequest> channels_of(const CommandLine& line, std::vector<std::string>& problems);

}  // namespace smtrain::cmd
