#include "run/training/checkpointing.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <map>

#include "base/error.h"
#include "base/text.h"
#include "formats/archive/checksum.h"
#include "job/manifest.h"
#include "run/build_info.h"
#include "run/training/time_limit.h"

namespace smtrain::run {
namespace {

using job::Identity;
using job::State;

constexpr double kDefaultEvery = 600;
constexpr double kClosingShare = 0.5;  // of the grace; the rest is for writing the model
constexpr std::string_view kFoundLater = "channel ";
constexpr std::string_view kMetric = "run.metric.";

// Enough to tell a start model from another; what it is made of, so that packing it anew makes no other of it.
std::string digest_of(const job::Model& model) {
  std::uint32_t crc = formats::crc32(model.tensors.empty() ? "" : formats::write_safetensors(model.tensors));
  std::uint64_t bytes = 0;
  for (const auto& [name, content] : model.files) {
    crc = formats::crc32(content, formats::crc32(name, crc));
    bytes += content.size();
  }
  for (const formats::NamedTensor& t : model.tensors) bytes += t.data.size();
  crc = formats::crc32(job::write_manifest(model.manifest), crc);
  return fmt::format("{} bytes, crc32 {:08x}", bytes, crc);
}

void log_durations(const TrainRequest& request, const std::optional<From<double>>& limit, Console& console) {
  if (limit) console.debug("max-runtime = {} ({})", format_duration(limit->value), limit->origin);
  if (!request.checkpoint_dir) return;
  console.debug("checkpoint-every = {} ({})", format_duration(request.checkpoint_every.value_or(kDefaultEvery)),
                request.checkpoint_every ? "flag" : "default");
}

std::string names_of(const std::vector<ChannelRequest>& channels) {
  std::vector<std::string> names;
  for (const ChannelRequest& c : channels) names.push_back(c.name);
  std::sort(names.begin(), names.end());
  return join(names, ", ");
}

[[noreturn]] void refuse(const TrainRequest& request, const std::string& name, std::vector<std::string> differences) {
  differences.insert(differences.begin(),
                     fmt::format("--checkpoint-dir {}: {} belongs to another run; give this one a folder of its own, or remove the "
                                 "checkpoints to start anew", smtrain::quoted(*request.checkpoint_dir, 200), name));
  throw Error(Fault::user, std::move(differences));
}

std::string where_of(const State& state) {
  return fmt::format("{}, after {} records", state.text("run.phase"), grouped(state.count("run.records")));
}

bool is_finished(const State& state) { return state.has("run.finished"); }

}  // namespace

Identity identity_of(const TrainRequest& request, const job::Settings& settings, const job::Model* start_model, int processes) {
  Identity identity;
  identity.facts["algorithm"] = request.algorithm;
  for (const auto& s : settings.all()) {
    if (!s.text.empty()) identity.facts["hyperparameter " + s.name] = s.text;
  }
  identity.facts["seed"] = std::to_string(request.common.seed.value);
  identity.facts["start model"] = start_model == nullptr ? "none" : digest_of(*start_model);
  identity.facts["channels"] = names_of(request.channels);
  identity.facts["processes"] = std::to_string(processes);
  identity.soft["smtrain version"] = version();
  return identity;
}

std::string channel_fact(const std::string& channel) { return std::string(kFoundLater) + channel; }

std::string channel_identity(const formats::TableStream& stream) {
  return fmt::format("{} ({})", stream.type().to_string(), stream.fingerprint());
}

void describe_checkpoints(const TrainRequest& request, const Identity& identity, Console& console) {
  log_durations(request, time_limit(request, console), console);
  const auto found = job::newest_checkpoint(*request.checkpoint_dir, request.common.memory_limit.value, console);
  if (!found) {
    console.info("--checkpoint-dir {}: no checkpoint yet; training would start anew", *request.checkpoint_dir);
    return;
  }
  const std::vector<std::string> differences = identity.differences(found->checkpoint.identity, kFoundLater);
  if (!differences.empty()) refuse(request, found->name, differences);
  const State& state = found->checkpoint.state;
  if (is_finished(state)) console.info("{} is that of a finished run: its model would be written again", found->name);
  else console.info("would resume at {} of {}", where_of(state), found->name);
}

// ---- starting ------------------------------------------------------------------------------------------------------------------

Checkpointing::Checkpointing(const TrainRequest& request, Identity identity, dist::Communicator& workers, Console& console)
    : request_(request), identity_(std::move(identity)), workers_(workers), console_(console),
      every_(request.checkpoint_every.value_or(kDefaultEvery)) {
  const auto limit = time_limit(request, console);
  log_durations(request, limit, console);
  if (limit) timer_.emplace(limit->value);
  if (request.checkpoint_dir) find();
}

// Only the first process looks into the folder, which the others may see later or not at all.
void Checkpointing::find() {
  std::optional<job::FoundCheckpoint> found;
  if (workers_.is_root()) {
    folder_ = std::make_unique<job::Checkpointer>(*request_.checkpoint_dir, request_.checkpoint_temporary_suffix, console_);
    found = folder_->newest(request_.common.memory_limit.value);
  }
  receive(std::move(found));
  if (!resumed_) return;
  refuse_differences();
  for (const std::string& difference : identity_.soft_differences(resumed_->checkpoint.identity)) {
    console_.warning("{}: {}: the result may differ in its last digits from that of an unbroken run", resumed_->name, difference);
  }
  say_what_is_resumed();
  if (!workers_.is_root()) return;
  std::map<std::string, double> metrics;
  for (const auto& [name, value] : resumed_->checkpoint.state.values()) {
    if (name.starts_with(kMetric)) metrics[name.substr(kMetric.size())] = resumed_->checkpoint.state.number(name);
  }
  console_.continue_metrics(resumed_->checkpoint.state.count("run.metrics_bytes"), std::move(metrics));
}

void Checkpointing::receive(std::optional<job::FoundCheckpoint> found) {
  if (workers_.size() > 1) {
    std::string bytes = found ? job::write_checkpoint(found->checkpoint) : "", name = found ? found->name : "";
    double lengths[2] = {static_cast<double>(bytes.size()), static_cast<double>(name.size())};
    workers_.allreduce(lengths);
    bytes.resize(static_cast<std::size_t>(lengths[0]));
    name.resize(static_cast<std::size_t>(lengths[1]));
    workers_.broadcast(std::as_writable_bytes(std::span(bytes)), 0);
    workers_.broadcast(std::as_writable_bytes(std::span(name)), 0);
    if (!bytes.empty()) found = job::FoundCheckpoint{name, job::read_checkpoint(bytes, name)};
  }
  resumed_ = std::move(found);
}

void Checkpointing::refuse_differences() const {
  const std::vector<std::string> differences = identity_.differences(resumed_->checkpoint.identity, kFoundLater);
  if (!differences.empty()) refuse(request_, resumed_->name, differences);
}

void Checkpointing::say_what_is_resumed() const {
  if (!workers_.is_root()) return;
  const State& state = resumed_->checkpoint.state;
  if (is_finished(state)) console_.info("{} is that of this run when it had finished: its model is written again", resumed_->name);
  else console_.info("resumes at {} of {}", where_of(state), resumed_->name);
}

void Checkpointing::add_fact(const std::string& name, std::string value) {
  identity_.facts[name] = std::move(value);
  if (resumed_) refuse_differences();
}

// ---- at safe points --------------------------------------------------------------------------------------------------------------

bool Checkpointing::due(bool closing) const {
  if (!folder_) return false;
  if (every_ == 0) return !closing;  // closing steps poll often and change little
  return !folder_->busy() && seconds_since(last_save_) >= every_;
}

// Of all processes, so that none goes on alone.
Checkpointing::Wishes Checkpointing::wishes(bool closing) {
  const int signal = ::smtrain::stop_signal();
  const bool asked = take_checkpoint_request();
  if (workers_.size() == 1) return {signal, asked || due(closing)};
  double all[3] = {signal != 0 ? 1.0 : 0.0, static_cast<double>(signal), asked || due(closing) ? 1.0 : 0.0};
  workers_.allreduce(all);
  // Those that were told were told the same, but for races that only the message shows.
  const int common = all[0] > 0 ? static_cast<int>(std::lround(all[1] / all[0])) : 0;
  return {signal != 0 ? signal : common, all[2] > 0};
}

bool Checkpointing::safe_point(const job::Progress& progress, const job::SaveState& save) {
  console_.progress(progress);
  if (stopped_by_) {
    double over = seconds_since(stopped_at_) > request_.grace * kClosingShare ? 1 : 0;
    workers_.allreduce(std::span(&over, 1));
    return progress.closing && over == 0;
  }
  const Wishes wanted = wishes(progress.closing);
  if (wanted.stop != 0) return stop(wanted.stop, progress, save);
  if (!wanted.save) return true;
  if (request_.checkpoint_dir) save_now(progress, save);
  else if (workers_.is_root()) console_.info("asked for a checkpoint, but no --checkpoint-dir was given");
  return true;
}

job::Checkpoint Checkpointing::make(const job::Progress& progress, const job::SaveState& save) {
  job::Checkpoint checkpoint{identity_, {}};
  save(checkpoint.state);
  checkpoint.state.put("run.phase", std::string(progress.phase));
  checkpoint.state.put("run.records", progress.records);
  checkpoint.state.put("run.metrics_bytes", console_.metrics_bytes());
  for (const auto& [name, value] : console_.final_metrics()) checkpoint.state.put(std::string(kMetric) + name, value);
  return checkpoint;
}

void Checkpointing::save_now(const job::Progress& progress, const job::SaveState& save) {
  last_save_ = std::chrono::steady_clock::now();
  if (folder_) folder_->start_write(make(progress, save));
}

// Every process ends only when the checkpoint is there: a launcher kills the others when the first one goes.
bool Checkpointing::stop(int signal, const job::Progress& progress, const job::SaveState& save) {
  stop_signal_ = signal;
  if (folder_) save_at_stop(progress, save);
  workers_.barrier();
  if (request_.model_on_stop) {
    stopped_by_ = stop_name(signal);
    stopped_at_ = std::chrono::steady_clock::now();
    console_.info("stopped by {}: the model is made of what was trained so far", *stopped_by_);
    return progress.closing;
  }
  throw stopped("");
}

void Checkpointing::save_at_stop(const job::Progress& progress, const job::SaveState& save) {
  try {
    folder_->write(make(progress, save));
    saved_at_stop_ = true;
  } catch (const Error& error) {
    std::vector<std::string> problems = error.problems();
    problems.push_back(fmt::format("stopped by {} without saving what was done since {}", stop_name(stop_signal_), last_checkpoint()));
    if (!request_.model_on_stop) throw Error(error.fault(), std::move(problems));
    for (const std::string& problem : problems) console_.warning("{}", problem);
  }
}

// ---- ending ------------------------------------------------------------------------------------------------------------------------

bool Checkpointing::finished() const { return resumed_ && is_finished(resumed_->checkpoint.state); }

std::vector<std::string> Checkpointing::finished_channels() const {
  std::vector<std::string> channels;
  for (const auto& [name, value] : resumed_->checkpoint.identity.facts) {
    if (name.starts_with(kFoundLater)) channels.push_back(name.substr(kFoundLater.size()));
  }
  return channels;
}

namespace {

constexpr std::string_view kTensor = "run.model.tensor.", kFile = "run.model.file.", kInput = "run.input.";

}  // namespace

FinishedRun Checkpointing::finished_run() const {
  const State& state = resumed_->checkpoint.state;
  FinishedRun run;
  run.model.manifest = job::read_manifest(state.text("run.model.manifest"), resumed_->name);
  for (const formats::NamedTensor& t : state.tensors()) {
    if (t.name.starts_with(kTensor)) {
      formats::NamedTensor& tensor = run.model.tensors.emplace_back(t);
      tensor.name.erase(0, kTensor.size());
    } else if (t.name.starts_with(kFile)) {
      run.model.files[t.name.substr(kFile.size())] = t.data;
    }
  }
  const std::uint64_t inputs = state.count("run.inputs");
  for (std::uint64_t i = 0; i < inputs; ++i) run.files_read.push_back(state.text(fmt::format("{}{}", kInput, i)));
  return run;
}

void Checkpointing::finish(const FinishedRun& run) {
  if (!folder_ || stopped_by_) return;
  job::Checkpoint checkpoint = make({"finished", 1.0, 0, std::nullopt}, [](State&) {});
  State& state = checkpoint.state;
  state.put("run.finished", std::int64_t{1});
  state.put("run.model.manifest", job::write_manifest(run.model.manifest));
  for (formats::NamedTensor tensor : run.model.tensors) {
    tensor.name.insert(0, kTensor);
    state.put(std::move(tensor));
  }
  for (const auto& [name, content] : run.model.files) state.put({std::string(kFile) + name, "U8", {content.size()}, content});
  state.put("run.inputs", std::uint64_t{run.files_read.size()});
  for (std::size_t i = 0; i < run.files_read.size(); ++i) state.put(fmt::format("{}{}", kInput, i), run.files_read[i]);
  folder_->start_write(checkpoint);
}

std::string Checkpointing::last_checkpoint() const {
  std::string name = folder_ ? folder_->last_written() : "";
  if (name.empty() && resumed_) name = resumed_->name;
  return name.empty() ? "the start" : name;
}

namespace {

constexpr const char* kGoOn = "run the same command again to go on";

}  // namespace

Error Checkpointing::stopped(const std::string& what) const {
  std::string message = "stopped: " + stop_name(stop_signal_) + what;
  if (!request_.checkpoint_dir) return Error(Fault::interrupted, {message}, stop_signal_);
  if (saved_at_stop_) message += fmt::format("; {} written", (folder_->folder() / folder_->last_written()).string());
  return Error(Fault::stopped, fmt::format("{}; {}", message, kGoOn));
}

Error Checkpointing::ended_by(const Error& error) const {
  const int signal = ::smtrain::stop_signal();
  if (error.fault() != Fault::interrupted || signal == 0 || !request_.checkpoint_dir) return error;
  return Error(Fault::stopped, fmt::format("{}; what there is to go on from is {}; {}", error.problems().front(), last_checkpoint(), kGoOn));
}

double Checkpointing::seconds_since(std::chrono::steady_clock::time_point start) const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace smtrain::run
