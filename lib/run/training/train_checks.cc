#include "run/training/train_checks.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "job/intake.h"

namespace smtrain::run {
namespace {

namespace fs = std::filesystem;
using job::ChannelSpec;

std::string names_of(const std::vector<ChannelSpec>& specs) {
  std::vector<std::string> names;
  for (const ChannelSpec& s : specs) names.push_back(s.name);
  return join(names, ", ");
}

// Several processes cannot share a stream: each would get what the others did not.
void check_streams(const TrainRequest& request, Problems& problems) {
  if (request.workers == nullptr || request.workers->size() == 1) return;
  for (const ChannelRequest& c : request.channels) {
    bool stream = c.path == "-" || (is_pipe_mode(c, request) && !c.own_share);
    if (!stream && !is_pipe_mode(c, request)) {
      problems.check([&] {
        const auto files = formats::expand_path_if_any(c.path);
        stream = !c.own_share && std::any_of(files.begin(), files.end(), [](const auto& file) { return !file.rewindable; });
      });
    }
    if (!stream) continue;
    problems.add(fmt::format("channel {}: {} is a stream, which {} processes cannot share; give files, or start one process", c.name,
                             c.path == "-" ? "standard input" : c.path, request.workers->size()));
  }
}

// What can be known about the output before hours of work go into it.
void check_output(const TrainRequest& request, Problems& problems) {
  if (request.workers != nullptr && !request.workers->is_root()) return;  // another rank writes
  if (request.output.empty()) return problems.add("no output: give -o MODEL.tar.gz");
  std::error_code ignored;
  const fs::path above = fs::path(request.output).has_parent_path() ? fs::path(request.output).parent_path() : fs::path(".");
  const fs::path folder = request.unpacked_output && fs::exists(request.output, ignored) ? fs::path(request.output) : above;
  if (!request.unpacked_output) problems.check([&] { job::check_model_path(request.output); });
  if (!fs::is_directory(folder, ignored)) problems.add(fmt::format("output {}: folder {} does not exist", smtrain::quoted(request.output), smtrain::quoted(folder.string())));
  else if (::access(folder.c_str(), W_OK) != 0) problems.add(fmt::format("output {}: folder {} cannot be written", smtrain::quoted(request.output), smtrain::quoted(folder.string())));
  if (!request.unpacked_output && fs::is_directory(request.output, ignored)) problems.add(fmt::format("output {}: is a folder", smtrain::quoted(request.output)));
}

// Without a folder for checkpoints nothing is left of a run that a time limit stops.
void check_stopping(const TrainRequest& request, Problems& problems) {
  if (request.checkpoint_dir && request.checkpoint_dir->empty()) problems.add("--checkpoint-dir is empty; expected a folder");
  if (request.checkpoint_dir) return;
  if (request.checkpoint_every) problems.add("--checkpoint-every has nowhere to write; give --checkpoint-dir DIR too");
  if (request.max_runtime && !request.model_on_stop) {
    problems.add("--max-runtime would stop the run with nothing to show for it; give --checkpoint-dir DIR too");
  }
}

// Files that this run writes must not be among those it reads, however a channel names them.
void check_overwriting(const TrainRequest& request, Problems& problems) {
  std::vector<std::pair<std::string, std::string>> inputs;
  for (const ChannelRequest& c : request.channels) {
    if (c.path == "-" || is_pipe_mode(c, request)) continue;
    problems.check([&] {
      // A host's own share of a channel may be empty.
      const auto files = c.own_share ? formats::expand_path_if_any(c.path) : formats::expand_path(c.path);
      for (const formats::InputFile& file : files) inputs.emplace_back(file.path, "channel " + c.name);
    });
  }
  if (request.start_model) inputs.emplace_back(*request.start_model, "--model");
  for (const std::string& other : request.other_inputs) inputs.emplace_back(other, "--hyperparameters");
  const std::pair<const char*, std::string> outputs[] = {
      {"output", request.output}, {"--metrics", request.metrics_file.value_or("")}, {"--depfile", request.depfile.value_or("")}};
  for (const auto& [what, output] : outputs) {
    for (const auto& [input, from] : inputs) {
      // Going on from a model and replacing it is what incremental training does.
      if (output.empty() || (from == "--model" && output == request.output)) continue;
      if (same_file(input, output)) problems.add(fmt::format("{} {} is an input of {}; give another file", what, smtrain::quoted(output), from));
    }
  }
}

void check_content_type(const ChannelRequest& channel, const job::Description& algorithm) {
  const formats::ContentType type = formats::parse_content_type(*channel.content_type);
  for (const ChannelSpec& spec : algorithm.channels) {
    if (spec.name != channel.name || job::intake_of(algorithm, spec, type.format) != job::Intake::none) continue;
    const std::vector<std::string> beyond = job::extensions_of(algorithm, spec);
    throw user_error("channel {}: {} does not take {}; it takes {}{}{}", channel.name, algorithm.name, formats::mime_type(type.format),
                     join(spec.content_types, ", "), beyond.empty() ? "" : " and, which the service does not, ", join(beyond, ", "));
  }
}

}  // namespace

const ChannelRequest* find_channel(const TrainRequest& request, std::string_view name) {
  const auto at = std::find_if(request.channels.begin(), request.channels.end(), [&](const auto& c) { return c.name == name; });
  return at == request.channels.end() ? nullptr : &*at;
}

bool is_pipe_mode(const ChannelRequest& channel, const TrainRequest& request) {
  return to_lower(channel.mode.value_or(request.input_mode)) == "pipe";
}

void check_channels(const TrainRequest& request, const job::Description& algorithm, Problems& problems) {
  std::vector<std::string> given;
  for (const ChannelRequest& c : request.channels) given.push_back(c.name);
  for (const ChannelSpec& spec : algorithm.channels) {
    if (!spec.required || find_channel(request, spec.name) != nullptr) continue;
    const std::string advice = request.unpacked_output ? "" : "; give --" + spec.name + " PATH";
    problems.add(fmt::format("Missing required channel: {} (given: {}){}", spec.name, given.empty() ? "none" : join(given, ", "), advice));
  }
  for (std::size_t i = 0; i < request.channels.size(); ++i) {
    const ChannelRequest& c = request.channels[i];
    const bool known = std::any_of(algorithm.channels.begin(), algorithm.channels.end(), [&](const auto& s) { return s.name == c.name; });
    if (!known) {
      problems.add(fmt::format("Extraneous channel found: {}; this algorithm knows: {}", c.name, names_of(algorithm.channels)));
    }
    if (find_channel(request, c.name) != &c) problems.add(fmt::format("channel {} is given twice", c.name));
    if (c.content_type) problems.check([&] { check_content_type(c, algorithm); });
    const std::string mode = to_lower(c.mode.value_or(request.input_mode));
    if (mode != "file" && mode != "pipe") problems.add(fmt::format("channel {}: mode {} is not one of: file, pipe", c.name, smtrain::quoted(mode)));
    const std::string distribution = to_lower(c.distribution.value_or("replicated"));
    static const std::vector<std::string> kDistributions{"sharded", "replicated", "shardedbys3key", "fullyreplicated"};
    if (std::find(kDistributions.begin(), kDistributions.end(), distribution) == kDistributions.end()) {
      problems.add(fmt::format("channel {}: distribution {} is not one of: sharded, replicated", c.name, smtrain::quoted(distribution)));
    }
  }
}

bool is_sharded(const ChannelRequest& channel) { return to_lower(channel.distribution.value_or("")).starts_with("sharded"); }

void check_paths(const TrainRequest& request, const job::Description& algorithm, Problems& problems) {
  check_channels(request, algorithm, problems);
  check_streams(request, problems);
  check_output(request, problems);
  check_overwriting(request, problems);
  check_stopping(request, problems);
}

}  // namespace smtrain::run
