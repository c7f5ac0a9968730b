#include "run/training_job/request_rules.h"

#include <algorithm>

#include "algos/registry.h"
#include "base/text.h"
#include "run/flags/settings.h"
#include "run/training/train_checks.h"
#include "run/training_job/metric_search.h"

namespace smtrain::run::training_job {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_letter(c) || is_digit(c); }

// The problems of `body`, each behind the document and the field they are about.
template <class F>
void check_under(const std::string& place, Problems& problems, F&& body) {
  try {
    body();
  } catch (const Error& e) {
    if (e.fault() != Fault::user) throw;
    for (const std::string& p : e.problems()) problems.add(place + ": " + p);
  }
}

// Whether `owner` puts something at the path of the other's folder, list or FIFOs.
bool takes_place_of(const Channel& owner, const Channel& other) {
  if (owner.mode != InputMode::pipe) return other.name == owner.name + "-manifest";
  if (!other.name.starts_with(owner.name + "_")) return false;
  const std::string_view rest = std::string_view(other.name).substr(owner.name.size() + 1);
  return !rest.empty() && std::all_of(rest.begin(), rest.end(), is_digit);
}

}  // namespace

bool is_job_name(std::string_view name) {
  if (name.empty() || name.size() > 63 || !is_alphanumeric(name.front()) || !is_alphanumeric(name.back())) return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return is_alphanumeric(c) || c == '-'; });
}

bool is_variable_name(std::string_view name) {
  if (name.empty() || name.size() > 512 || is_digit(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return is_alphanumeric(c) || c == '_'; });
}

bool is_plain_absolute(std::string_view path) {
  if (!path.starts_with('/')) return false;
  const auto parts = split(path, '/');
  return std::none_of(parts.begin(), parts.end(), [](std::string_view part) { return part == ".." || part == "."; });
}

void check_regex(Fields& definition, const std::string& regex) {
  const std::string problem = MetricSearch::problem_of(regex);
  if (!problem.empty()) definition.say("Regex", fmt::format("{}: {}", smtrain::quoted(regex), problem));
}

void check_channel_name(Fields& channel, const std::string& name, const std::vector<Channel>& before) {
  if (!contract::is_channel_name(name)) {
    channel.problem("ChannelName", smtrain::quoted(name), "letters, digits, '.', '-' and '_'");
  }
  const bool twice = std::any_of(before.begin(), before.end(), [&](const Channel& c) { return c.name == name; });
  if (twice) channel.say("ChannelName", fmt::format("the channel {} is given twice", smtrain::quoted(name)));
}

void check_attributes(Fields& source, const Channel& channel) {
  const bool augmented = channel.kind == SourceKind::augmented_manifest;
  if (augmented) source.require("AttributeNames", "the keys of each line to stream, in order");
  if (!augmented && source.has("AttributeNames")) source.say("AttributeNames", "is only for S3DataType AugmentedManifestFile");
}

void check_groups(Fields& source, const Channel& channel, const std::vector<InstanceGroup>& groups) {
  if (channel.groups.empty()) return;
  if (groups.empty()) return source.note({"InstanceGroupNames"});
  std::vector<std::string> known;
  for (const InstanceGroup& g : groups) known.push_back(g.name);
  for (const std::string& name : channel.groups) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    source.problem("InstanceGroupNames", smtrain::quoted(name), "one of: " + join(known, ", ") + did_you_mean(name, known));
  }
}

void check_channel(Fields& fields, const Channel& channel) {
  const std::string mode = contract::text_of(channel.mode);
  if (channel.mode != InputMode::pipe) {
    if (channel.gzip) fields.say("CompressionType", "Gzip is for Pipe mode only; this channel's mode is " + mode);
    if (channel.record_io) fields.say("RecordWrapperType", "RecordIO is for Pipe mode only; this channel's mode is " + mode);
    if (channel.kind == SourceKind::augmented_manifest)
      fields.say("InputMode", "AugmentedManifestFile is for Pipe mode only; this channel's mode is " + mode);
  }
  if (channel.mode == InputMode::fast_file && channel.kind == SourceKind::manifest)
    fields.say("InputMode", "FastFile is not for manifests; give File or Pipe");
}

void check_places(Fields& fields, const Channel& channel, const std::vector<Channel>& before) {
  for (const Channel& c : before) {
    const bool taken = takes_place_of(c, channel);
    if (!taken && !takes_place_of(channel, c)) continue;
    const Channel &owner = taken ? c : channel, &other = taken ? channel : c;
    fields.say("ChannelName",
               fmt::format("the channel {} is where {} of {} lies; give it another name", smtrain::quoted(other.name),
                                          owner.mode == InputMode::pipe ? "a FIFO" : "the list of objects",
                                              smtrain::quoted(owner.name)));
  }
}

void check_parameters(const TrainingJobRequest& request, const std::string& name, Problems& problems, Log& log) {
  const job::Description& algorithm = algos::find(request.algorithm)->description();
  std::vector<job::Given> given;
  for (const auto& [key, value] : request.hyperparameters) given.push_back({key, value, "HyperParameters"});
  take_settings(given);
  check_under(name + ": HyperParameters", problems, [&] { (void)job::resolve(algorithm.hyperparameters, given, log); });
}

void check_channels_of(const TrainingJobRequest& request, const std::string& name, Problems& problems) {
  const job::Description& algorithm = algos::find(request.algorithm)->description();
  TrainRequest channels;
  for (const Channel& c : request.channels) {
    if (c.name != "model")
      channels.channels.push_back({c.name, c.path, c.content_type, c.mode == InputMode::pipe ? "pipe" : "file", std::nullopt});
  }
  Problems found;
  check_channels(channels, algorithm, found);
  check_under(name + ": InputDataConfig", problems, [&] { found.raise(); });
}

}  // namespace smtrain::run::training_job
