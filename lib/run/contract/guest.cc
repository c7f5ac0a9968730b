#include "run/contract/guest.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "algos/registry.h"
#include "base/system_error.h"
#include "base/text.h"
#include "dist/launch.h"
#include "run/contract/failure.h"
#include "run/problems.h"

namespace smtrain::run::contract {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModelChannel = "model";

bool is_hidden(const std::string& name) { return name.starts_with('.') || name.starts_with('_'); }

/// "train_0" is the FIFO of epoch 0 of "train".
std::optional<std::string> channel_of_fifo(const std::string& name) {
  return name.size() > 2 && name.ends_with("_0") ? std::optional(name.substr(0, name.size() - 2)) : std::nullopt;
}

/// What lies in input/data, where no configuration lists it: folders, and the first FIFO of each series.
std::vector<Channel> channels_in(const fs::path& data) {
  std::vector<Channel> channels;
  std::error_code error;
  for (fs::directory_iterator at(data, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    const fs::file_status status = at->status(error);
    Channel channel;
    if (fs::is_directory(status)) channel.name = name;
    if (fs::is_fifo(status)) channel.name = channel_of_fifo(name).value_or("");
    if (fs::is_fifo(status)) channel.mode = InputMode::pipe;
    if (is_channel_name(channel.name) && !is_hidden(channel.name)) channels.push_back(channel);
  }
  std::sort(channels.begin(), channels.end(), [](const Channel& a, const Channel& b) { return a.name < b.name; });
  return channels;
}

/// The model of an earlier run: the only archive of the folder, or what an archive unpacked to.
fs::path model_in(const fs::path& folder) {
  std::vector<std::string> archives;
  std::size_t files = 0;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (is_hidden(name)) continue;
    ++files;
    const bool archive = name.find(".tar") != std::string::npos || name.ends_with(".tgz") || name.ends_with(".tzst");
    if (archive && at->is_regular_file()) archives.push_back(name);
  }
  if (error) throw system_error(error.value(), "channel model: {}", folder.string());
  if (files == 0) throw user_error("channel model: {} is empty; expected model.tar.gz, or the files of a model", folder.string());
  if (archives.empty()) return folder;
  if (archives.size() == 1) return folder / archives.front();
  std::sort(archives.begin(), archives.end());
  throw user_error("channel model: {} holds {} archives ({}); expected one", folder.string(), archives.size(), join(archives, ", "));
}

const job::Algorithm* known_algorithm(const std::string& name, const std::string& origin) {
  if (const job::Algorithm* algorithm = algos::find(name)) return algorithm;
  throw user_error("{} is {}; this smtrain knows: {}{}", origin, smtrain::quoted(name), join(algos::names(), ", "),
                   did_you_mean(name, algos::names()));
}

}  // namespace

Layout guest_layout(const std::optional<std::string>& root) {
  const char* variable = std::getenv("SAGEMAKER_BASE_DIR");
  if (root) return Layout(*root);
  return variable != nullptr && *variable != '\0' ? Layout(variable) : Layout();
}

void Guest::read(Log& log) {
  std::error_code error;
  if (!fs::is_directory(layout_.root(), error)) {
    throw user_error("{}: no such folder; expected the tree of a training job: give --root DIR, or --job job.json for a request",
                     layout_.root().string());
  }
  Problems problems;
  problems.check([&] { hyperparameters_ = read_hyperparameters(layout_, log); });
  problems.check([&] { channels_ = read_channels(layout_); });
  problems.check([&] { resources_ = read_resources(layout_); });
  problems.check([&] { checkpoints_ = read_checkpoint_folder(layout_); });
  problems.raise();
}

TrainRequest Guest::request(const std::string& algorithm) const {
  check_hosts();
  TrainRequest request;
  request.algorithm = algorithm;
  request.output = layout_.model().string();
  request.unpacked_output = true;
  request.output_data = layout_.output_data().string();
  request.model_on_stop = true;
  if (checkpoints_) {
    request.checkpoint_dir = checkpoints_->string();
    request.checkpoint_temporary_suffix = ".sagemaker-ignore";
  }
  std::error_code error;
  if (fs::exists(layout_.hyperparameters(), error)) request.other_inputs.push_back(layout_.hyperparameters().string());
  for (const Channel& channel : channels_ ? *channels_ : channels_in(layout_.data())) add_channel(request, channel);
  return request;
}

void Guest::add_channel(TrainRequest& request, const Channel& channel) const {
  if (channel.name == kModelChannel) {
    if (channel.mode == InputMode::pipe) throw user_error("channel model: mode Pipe; a model comes as a file, in mode File");
    request.start_model = model_in(layout_.channel(channel.name)).string();
    return;
  }
  ChannelRequest& wanted = request.channels.emplace_back();
  wanted.name = channel.name;
  wanted.path = layout_.channel(channel.name).string();
  wanted.content_type = channel.content_type;
  wanted.mode = channel.mode == InputMode::pipe ? "pipe" : "file";
  wanted.distribution = channel.distribution == Distribution::sharded ? "sharded" : "replicated";
  wanted.own_share = resources_.hosts.size() > 1;
  wanted.record_wrapper = channel.wrapper == RecordWrapper::recordio;
}

// Ranks are the hosts in their order, or equally many of each host. One host's ranks share its tree.
void Guest::check_hosts() const {
  const dist::Launch& launch = dist::launch();
  const int hosts = static_cast<int>(resources_.hosts.size()), ranks = launch.size;
  const std::string file = layout_.resources().string(), names = join(resources_.hosts, ", ");
  if (hosts == 1) return;
  if (ranks == 1) {
    throw user_error("{}: {} hosts ({}), but no launcher has joined their processes, and each alone would train a model of its own; "
                     "start one process per host, in this order, with mpirun or srun --mpi=pmix", file, hosts, names);
  }
  if (ranks % hosts != 0) {
    throw user_error("{}: {} hosts ({}), but {} processes were started; expected one per host, or as many on each", file, hosts, names, ranks);
  }
  const int per_host = std::max(ranks / hosts, 1);
  if (static_cast<std::size_t>(launch.rank / per_host) != resources_.rank()) {
    throw user_error("{}: current_host {} is number {} of {} hosts ({}), but this process has rank {} of {}; start the processes in the order "
                     "of the hosts", file, resources_.current_host, resources_.rank(), hosts, names, launch.rank, ranks);
  }
  if (per_host == 1) return;
  for (const Channel& channel : channels_.value_or(std::vector<Channel>())) {
    if (channel.distribution == Distribution::sharded) {
      throw user_error("channel {}: ShardedByS3Key with {} processes on each host; start one per host", channel.name, per_host);
    }
  }
}

std::string choose_algorithm(const std::optional<std::string>& variable, const std::optional<std::string>& hyperparameter,
                             std::string_view program) {
  if (variable) return known_algorithm(*variable, "SMTRAIN_ALGORITHM")->description().name;
  if (hyperparameter) return known_algorithm(*hyperparameter, "hyperparameter smtrain_algorithm")->description().name;
  const std::string name = fs::path(program).filename().string();
  if (const job::Algorithm* algorithm = algos::find(name)) return algorithm->description().name;
  throw user_error("no algorithm is named; set the variable SMTRAIN_ALGORITHM or the hyperparameter smtrain_algorithm, or start this program "
                   "by a link that bears an algorithm's name (is {}); known are {}", smtrain::quoted(name), join(algos::names(), ", "));
}

void leave_failure(const Layout& layout, const Error& error) {
  const std::string text = failure_text(error);
  std::error_code ignored;
  if (text.empty() || !fs::is_directory(layout.root(), ignored)) return;
  fs::create_directories(layout.output(), ignored);
  write_failure(layout.failure(), text);
}

void reap_orphans() {
  if (::getpid() != 1) return;
  std::signal(SIGCHLD, SIG_IGN);  // the kernel reaps them from now on
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

}  // namespace smtrain::run::contract
