// Training: checks in the order that fails soonest, a Context for the algorithm, the model tarball at the end.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "algos/registry.h"
#include "base/file.h"
#include "base/signals.h"
#include "base/text.h"
#include "job/algorithm.h"
#include "run/build_info.h"
#include "run/depfile.h"
#include "run/device.h"
#include "run/model_input.h"
#include "run/problems.h"
#include "run/requests.h"
#include "run/table_input.h"

namespace smtrain::run {
namespace {

namespace fs = std::filesystem;
using job::ChannelSpec;

const ChannelRequest* find_channel(const TrainRequest& request, std::string_view name) {
  const auto at = std::find_if(request.channels.begin(), request.channels.end(), [&](const auto& c) { return c.name == name; });
  return at == request.channels.end() ? nullptr : &*at;
}

bool is_pipe_mode(const ChannelRequest& channel, const TrainRequest& request) {
  return to_lower(channel.mode.value_or(request.input_mode)) == "pipe";
}

// ---- checks ------------------------------------------------------------------------------------------------------------

std::string names_of(const std::vector<ChannelSpec>& specs) {
  std::vector<std::string> names;
  for (const ChannelSpec& s : specs) names.push_back(s.name);
  return join(names, ", ");
}

void check_channels(const TrainRequest& request, const job::Description& algorithm, Problems& problems) {
  std::vector<std::string> given;
  for (const ChannelRequest& c : request.channels) given.push_back(c.name);
  for (const ChannelSpec& spec : algorithm.channels) {
    if (!spec.required || find_channel(request, spec.name) != nullptr) continue;
    problems.add(fmt::format("Missing required channel: {} (given: {}); give --{} PATH", spec.name,
                             given.empty() ? "none" : join(given, ", "), spec.name));
  }
  for (std::size_t i = 0; i < request.channels.size(); ++i) {
    const ChannelRequest& c = request.channels[i];
    const bool known = std::any_of(algorithm.channels.begin(), algorithm.channels.end(), [&](const auto& s) { return s.name == c.name; });
    if (!known) {
      problems.add(fmt::format("Extraneous channel found: {}; this algorithm knows: {}", c.name, names_of(algorithm.channels)));
    }
    if (find_channel(request, c.name) != &c) problems.add(fmt::format("channel {} is given twice", c.name));
    if (c.content_type) problems.check([&] { (void)formats::parse_content_type(*c.content_type); });
    const std::string mode = to_lower(c.mode.value_or(request.input_mode));
    if (mode != "file" && mode != "pipe") problems.add(fmt::format("channel {}: mode {} is not one of: file, pipe", c.name, smtrain::quoted(mode)));
    const std::string distribution = to_lower(c.distribution.value_or("replicated"));
    static const std::vector<std::string> kDistributions{"sharded", "replicated", "shardedbys3key", "fullyreplicated"};
    if (std::find(kDistributions.begin(), kDistributions.end(), distribution) == kDistributions.end()) {
      problems.add(fmt::format("channel {}: distribution {} is not one of: sharded, replicated", c.name, smtrain::quoted(distribution)));
    }
  }
}

// What can be known about the output before hours of work go into it.
void check_output(const TrainRequest& request, Problems& problems) {
  if (request.output.empty()) return problems.add("no output: give -o MODEL.tar.gz");
  problems.check([&] { job::check_model_path(request.output); });
  const fs::path folder = fs::path(request.output).has_parent_path() ? fs::path(request.output).parent_path() : fs::path(".");
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) problems.add(fmt::format("output {}: folder {} does not exist", smtrain::quoted(request.output), smtrain::quoted(folder.string())));
  else if (::access(folder.c_str(), W_OK) != 0) problems.add(fmt::format("output {}: folder {} cannot be written", smtrain::quoted(request.output), smtrain::quoted(folder.string())));
  if (fs::is_directory(request.output, ignored)) problems.add(fmt::format("output {}: is a folder", smtrain::quoted(request.output)));
}

// Files that this run writes must not be among those it reads, however a channel names them.
void check_overwriting(const TrainRequest& request, Problems& problems) {
  std::vector<std::pair<std::string, std::string>> inputs;
  for (const ChannelRequest& c : request.channels) {
    if (c.path == "-" || is_pipe_mode(c, request)) continue;
    problems.check([&] {
      for (const formats::InputFile& file : formats::expand_path(c.path)) inputs.emplace_back(file.path, "channel " + c.name);
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

// ---- what an algorithm sees ----------------------------------------------------------------------------------------------

class TrainContext final : public job::Context {
 public:
  TrainContext(const TrainRequest& request, const job::Description& algorithm, Console& console)
      : request_(request), algorithm_(algorithm), console_(console), backend_(make_backend(request.common, console)),
        workers_(dist::make_single_process()) {
    if (request.start_model) start_ = job::read_model(*request.start_model);
  }

  bool has_channel(const std::string& name) const override { return find_channel(request_, name) != nullptr; }

  std::unique_ptr<formats::TableStream> open_table(const std::string& name, const job::TableRequest& wanted) override {
    const ChannelRequest* channel = find_channel(request_, name);
    if (channel == nullptr) throw internal_error("{} opens channel {}, which was not given", algorithm_.name, name);
    TableInput input = table_input(request_, *channel, algorithm_);
    input.feature_dim = wanted.feature_dim;
    input.mini_batch_size = wanted.mini_batch_size;
    input.epochs = wanted.epochs;
    auto stream = open_table_input(input, console_);
    for (const formats::InputFile& file : stream->files()) files_read_.push_back(file.path);
    console_.info("{}: {} {} of {} features", name, stream->type().to_string(), stream->schema().sparse ? "sparse rows" : "rows",
                  stream->schema().feature_dim);
    return stream;
  }

  compute::Backend& backend() override { return *backend_; }
  dist::Communicator& communicator() override { return *workers_; }
  job::MetricSink& metrics() override { return console_; }
  Log& log() override { return console_; }
  RandomStream random(std::string_view name) const override { return RandomStream(seed(), name); }
  std::uint64_t seed() const override { return request_.common.seed.value; }
  std::uint64_t memory_limit() const override { return request_.common.memory_limit.value; }
  const job::Model* start_model() const override { return start_ ? &*start_ : nullptr; }
  void safe_point(const job::Progress& progress) override {
    throw_if_stopped();
    console_.progress(progress);
  }

  const std::vector<std::string>& files_read() const { return files_read_; }

  static TableInput table_input(const TrainRequest& request, const ChannelRequest& channel, const job::Description& algorithm) {
    TableInput input;
    input.path = channel.path;
    input.content_type = channel.content_type;
    input.pipe_mode = is_pipe_mode(channel, request);
    for (const ChannelSpec& spec : algorithm.channels) {
      if (spec.name == channel.name) input.supervised = spec.supervised;
    }
    input.threads = request.common.threads.value;
    input.memory_limit = request.common.memory_limit.value;
    return input;
  }

 private:
  const TrainRequest& request_;
  const job::Description& algorithm_;
  Console& console_;
  std::unique_ptr<compute::Backend> backend_;
  std::unique_ptr<dist::Communicator> workers_;
  std::optional<job::Model> start_;
  std::vector<std::string> files_read_;
};

// ---- the run -----------------------------------------------------------------------------------------------------------

void log_arguments(const TrainRequest& request, const job::Settings& settings, const job::Description& algorithm, Console& console) {
  console.service("Docker entrypoint called with argument(s): " + join(request.arguments, " "));
  console.service("Running default environment configuration script");
  auto object = [](const std::map<std::string, std::string>& values) {
    std::string text = "{";
    for (const auto& [name, value] : values) text += (text.size() > 1 ? ", " : "") + json_quoted(name) + ": " + json_quoted(value);
    return text + "}";
  };
  std::map<std::string, std::string> defaults, provided, final_values;
  for (const job::Hyperparameter& h : algorithm.hyperparameters.entries()) {
    if (h.default_text) defaults[h.name] = *h.default_text;
  }
  for (const job::Given& g : request.hyperparameters) provided.emplace(g.name, g.text);
  for (const auto& s : settings.all()) {
    if (!s.text.empty() || !s.given.empty()) final_values[s.name] = s.text;
  }
  console.service("Reading default configuration from smtrain's table of " + algorithm.name + ": " + object(defaults));
  console.service("Merging with provided configuration: " + object(provided));
  console.service("Final configuration: " + object(final_values));
  console.service("Number of GPUs being used: 0");
  console.service("Checkpoint loading and saving are disabled.");
  for (const auto& s : settings.all()) console.debug("{} = {} ({})", s.name, s.text.empty() ? "to be found" : s.text, s.origin);
}

void log_settings(const CommonSettings& common, Console& console) {
  console.debug("threads = {} ({})", common.threads.value, common.threads.origin);
  console.debug("memory-limit = {} ({})", format_bytes(common.memory_limit.value), common.memory_limit.origin);
  console.detail("seed = {} ({})", common.seed.value, common.seed.origin);
  console.debug("device = {} ({})", common.device.value, common.device.origin);
}

job::Manifest make_manifest(const job::Description& algorithm, const job::Settings& settings, const TrainContext& context,
                            compute::Backend& backend, const Console& console, std::size_t feature_dim) {
  job::Manifest m;
  m.algorithm = algorithm.name;
  m.smtrain_version = version();
  for (const auto& s : settings.all()) {
    if (!s.text.empty()) m.hyperparameters[s.name] = s.text;
    if (!s.given.empty() && s.given != s.text) m.given[s.name] = s.given;
  }
  m.metrics = console.final_metrics();
  m.data["feature_dim"] = std::to_string(feature_dim);
  m.build["device"] = backend.device().kind;
  m.build["kernels"] = backend.device().kernels;
  m.build["seed"] = std::to_string(context.seed());
  return m;
}

// Opens each channel that can be opened again and reads its first records.
void try_channel(const TrainRequest& request, const ChannelRequest& channel, const job::Description& algorithm, std::size_t feature_dim,
                 Console& console) {
  TableInput input = TrainContext::table_input(request, channel, algorithm);
  input.feature_dim = feature_dim;
  input.mini_batch_size = 1000;
  input.threads = 1;
  if (input.pipe_mode || channel.path == "-") {
    console.info("{}: {} is a stream and is not touched by a dry run", channel.name, channel.path);
    return;
  }
  for (const formats::InputFile& file : formats::expand_path(channel.path)) {
    if (file.rewindable) continue;
    console.info("{}: {} is a stream and is not touched by a dry run", channel.name, channel.path);
    return;
  }
  auto stream = open_table_input(input, console);
  formats::Batch batch;
  stream->next(batch);
  console.info("{}: {}, {} features, first {} rows read", channel.name, stream->type().to_string(), stream->schema().feature_dim, batch.rows);
}

std::size_t given_feature_dim(const job::Settings* settings) {
  const auto* s = settings == nullptr ? nullptr : settings->find("feature_dim");
  const auto* value = s == nullptr ? nullptr : std::get_if<std::int64_t>(&s->value);
  return value == nullptr ? 0 : static_cast<std::size_t>(*value);
}

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

void train(const TrainRequest& request, Console& console) {
  const auto start = std::chrono::steady_clock::now();
  const job::Algorithm* algorithm = algos::find(request.algorithm);
  if (algorithm == nullptr) throw internal_error("no algorithm {}", request.algorithm);
  const job::Description& description = algorithm->description();

  Problems problems;
  std::optional<job::Settings> settings;
  problems.check([&] { settings = job::resolve(description.hyperparameters, request.hyperparameters, console); });
  check_channels(request, description, problems);
  check_output(request, problems);
  check_overwriting(request, problems);
  if (settings) log_arguments(request, *settings, description, console);
  log_settings(request.common, console);
  if (request.dry_run) {
    for (const ChannelRequest& channel : request.channels) {
      problems.check([&] { try_channel(request, channel, description, given_feature_dim(settings ? &*settings : nullptr), console); });
    }
    if (request.start_model) problems.check([&] { (void)algorithm->load(job::read_model(*request.start_model)); });
    problems.raise();
    console.info("dry run: everything checked, nothing trained");
    return;
  }
  problems.raise();

  TrainContext context(request, description, console);
  console.timing("setuptime", milliseconds_since(start));
  const std::unique_ptr<job::Predictor> predictor = algorithm->train(context, *settings);

  const auto saving = std::chrono::steady_clock::now();
  job::Model model;
  model.manifest = make_manifest(description, *settings, context, context.backend(), console, predictor->feature_dim());
  predictor->save(model);
  job::write_model(request.output, model);
  if (request.depfile) {
    std::vector<std::string> inputs = context.files_read();
    inputs.insert(inputs.end(), request.other_inputs.begin(), request.other_inputs.end());
    if (request.start_model) inputs.push_back(*request.start_model);
    write_depfile(*request.depfile, request.output, inputs);
  }
  console.timing("model.serialize.time", milliseconds_since(saving));
  console.timing("totaltime", milliseconds_since(start));
  console.flush_timings(std::nullopt);
  console.info("wrote {}", request.output);
}

}  // namespace smtrain::run
