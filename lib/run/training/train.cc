// Training: checks in the order that fails soonest, a Context for the algorithm, the model tarball at the end.
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "algos/registry.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "run/build_info.h"
#include "run/depfile.h"
#include "run/device.h"
#include "run/model_input.h"
#include "run/problems.h"
#include "run/training/train_checks.h"
#include "run/training/train_context.h"

namespace smtrain::run {
namespace {

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
  const std::string from = request.other_inputs.empty() ? "" : " from " + request.other_inputs.front();
  console.service("Merging with provided configuration" + from + ": " + object(provided));
  console.service("Final configuration: " + object(final_values));
  console.service(fmt::format("Checkpoint loading and saving are {}.", request.checkpoint_dir ? "enabled" : "disabled"));
  for (const auto& s : settings.all()) console.debug("{} = {} ({})", s.name, s.text.empty() ? "to be found" : s.text, s.origin);
}

// In the log and not in the model: the same run gives the same bytes in another job.
void log_slurm_job(Console& console) {
  static const std::pair<const char*, const char*> kParts[] = {
      {"SLURM_JOB_ID", "job"}, {"SLURM_ARRAY_JOB_ID", "of array"}, {"SLURM_ARRAY_TASK_ID", "task"}, {"SLURM_RESTART_COUNT", "restart"},
      {"SLURMD_NODENAME", "node"}};
  std::vector<std::string> parts;
  for (const auto& [variable, name] : kParts) {
    if (const char* value = std::getenv(variable); value != nullptr && *value != '\0') parts.push_back(fmt::format("{} {}", name, value));
  }
  if (std::getenv("SLURM_JOB_ID") != nullptr) console.detail("Slurm: {}", join(parts, ", "));
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
                 job::Identity& identity, Console& console) {
  TableInput input = channel_input(request, channel, algorithm);
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
  identity.facts[channel_fact(channel.name)] = channel_identity(*stream);
  formats::Batch batch;
  stream->next(batch);
  console.info("{}: {}, {} features, first {} rows read", channel.name, stream->type().to_string(), stream->schema().feature_dim, batch.rows);
}

std::size_t given_feature_dim(const job::Settings* settings) {
  const auto* s = settings == nullptr ? nullptr : settings->find("feature_dim");
  const auto* value = s == nullptr ? nullptr : std::get_if<std::int64_t>(&s->value);
  return value == nullptr ? 0 : static_cast<std::size_t>(*value);
}

void dry_run(const TrainRequest& request, const job::Algorithm& algorithm, const job::Settings* settings, Problems& problems,
             Console& console) {
  std::optional<job::Model> start;
  if (request.start_model) {
    problems.check([&] {
      start = read_start_model(*request.start_model, algorithm.description());
      (void)algorithm.load(*start);
    });
  }
  job::Identity identity;
  if (settings != nullptr) identity = identity_of(request, *settings, start ? &*start : nullptr, request.workers != nullptr ? request.workers->size() : 1);
  for (const ChannelRequest& channel : request.channels) {
    problems.check([&] { try_channel(request, channel, algorithm.description(), given_feature_dim(settings), identity, console); });
  }
  problems.check([&] { check_device(request.common, algorithm.description(), console); });
  if (request.checkpoint_dir && !problems.any()) problems.check([&] { describe_checkpoints(request, identity, console); });
  problems.raise();
  console.info("dry run: everything checked, nothing trained");
}

// A run that had finished trains nothing; that its data are the same is looked at all the same.
FinishedRun finish_again(TrainContext& context) {
  for (const std::string& channel : context.checkpointing().finished_channels()) context.open_table(channel, {});
  return context.checkpointing().finished_run();
}

FinishedRun train_now(const job::Algorithm& algorithm, job::Settings& settings, TrainContext& context, Console& console) {
  std::unique_ptr<job::Predictor> predictor;
  try {
    predictor = algorithm.train(context, settings);
  } catch (const Error& error) {
    throw context.checkpointing().ended_by(error);
  }
  FinishedRun run;
  run.model.manifest = make_manifest(algorithm.description(), settings, context, context.backend(), console, predictor->feature_dim());
  if (const auto& by = context.checkpointing().stopped_by()) run.model.manifest.build["stopped_by"] = *by;
  predictor->save(run.model);
  run.files_read = context.files_read_by_all();
  context.checkpointing().finish(run);
  return run;
}

// What the service's containers leave among a job's other results, by name.
constexpr const char* kResults[] = {"predictions.csv"};

void write_results(job::Model& model, const std::string& folder) {
  for (const char* name : kResults) {
    const auto member = model.files.extract(name);
    if (!member) continue;
    std::filesystem::create_directories(folder);
    AtomicFile file(std::filesystem::path(folder) / name);
    file.write(member.mapped());
    file.commit();
  }
}

// What the service's containers do in any case, a hyperparameter of some of them asks for elsewhere, too.
bool wants_model_on_stop(const job::Settings& settings) {
  const auto* wish = settings.find("save_model_on_termination");
  return wish != nullptr && wish->text == "true";
}

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

void train(const TrainRequest& given, Console& console) {
  TrainRequest request = given;
  const auto start = std::chrono::steady_clock::now();
  const job::Algorithm* algorithm = algos::find(request.algorithm);
  if (algorithm == nullptr) throw internal_error("no algorithm {}", request.algorithm);
  const job::Description& description = algorithm->description();

  Problems problems;
  std::optional<job::Settings> settings;
  problems.check([&] { settings = job::resolve(description.hyperparameters, request.hyperparameters, console); });
  if (settings && wants_model_on_stop(*settings)) request.model_on_stop = true;
  check_paths(request, description, problems);
  if (settings) log_arguments(request, *settings, description, console);
  log_settings(request.common, console);
  log_slurm_job(console);
  if (request.dry_run) return dry_run(request, *algorithm, settings ? &*settings : nullptr, problems, console);
  problems.raise();

  TrainContext context(request, description, *settings, console);
  Checkpointing& checkpoints = context.checkpointing();
  console.service(fmt::format("Number of GPUs being used: {}", context.backend().device().kind == "cuda" ? 1 : 0));
  console.timing("setuptime", milliseconds_since(start));
  FinishedRun run = checkpoints.finished() ? finish_again(context) : train_now(*algorithm, *settings, context, console);
  const auto saving = std::chrono::steady_clock::now();
  const bool writes = context.communicator().is_root();
  if (writes && request.output_data) write_results(run.model, *request.output_data);
  if (writes && request.unpacked_output) job::write_model_folder(request.output, run.model);
  else if (writes) job::write_model(request.output, run.model);
  if (request.depfile) {
    std::vector<std::string> inputs = run.files_read;
    inputs.insert(inputs.end(), request.other_inputs.begin(), request.other_inputs.end());
    if (request.start_model) inputs.push_back(*request.start_model);
    if (writes) write_depfile(*request.depfile, request.output, inputs);
  }
  console.timing("model.serialize.time", milliseconds_since(saving));
  console.timing("totaltime", milliseconds_since(start));
  console.flush_timings(std::nullopt);
  console.info("wrote {}", request.output);
  if (checkpoints.stopped_by()) throw checkpoints.stopped(fmt::format("; {} holds what was trained by then", request.output));
}

}  // namespace smtrain::run
