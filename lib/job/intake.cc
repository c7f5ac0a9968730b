#include "job/intake.h"

#include <algorithm>

namespace smtrain::job {
namespace {

bool works_on_tables(const Description& algorithm) {
  return std::any_of(algorithm.data.begin(), algorithm.data.end(), [](const std::string& shape) { return shape.ends_with("table"); });
}

}  // namespace

Intake intake_of(const Description& algorithm, const ChannelSpec& channel, formats::Format format) {
  for (const std::string& type : channel.content_types) {
    if (formats::parse_content_type(type).format == format) return Intake::service;
  }
  return formats::is_table(format) && works_on_tables(algorithm) ? Intake::extension : Intake::none;
}

std::vector<std::string> extensions_of(const Description& algorithm, const ChannelSpec& channel) {
  std::vector<std::string> types;
  for (const formats::Format format : formats::all_formats()) {
    if (intake_of(algorithm, channel, format) == Intake::extension) types.emplace_back(formats::mime_type(format));
  }
  return types;
}

}  // namespace smtrain::job
