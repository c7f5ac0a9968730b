// What data an algorithm takes for a channel: the formats of the service's matrix, and those that smtrain reads beyond it.
#pragma once

#include <string>
#include <vector>

#include "formats/content_type.h"
#include "job/algorithm.h"

namespace smtrain::job {

enum class Intake {
  service,    ///< the service takes the format for this channel
  extension,  ///< smtrain alone does: any table of numbers, where the algorithm works on tables
  none,
};

/// Follows from the description alone: the channel's content types and the shapes of data.
Intake intake_of(const Description& algorithm, const ChannelSpec& channel, formats::Format format);

/// Content types that the channel takes beyond those of the service, in the order of the formats.
std::vector<std::string> extensions_of(const Description& algorithm, const ChannelSpec& channel);

}  // namespace smtrain::job
