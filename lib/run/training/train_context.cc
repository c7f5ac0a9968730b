#include "run/training/train_context.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "job/intake.h"
#include "job/shared_rows.h"
#include "run/device.h"
#include "run/model_input.h"
#include "run/training/train_checks.h"

namespace smtrain::run {
namespace {

constexpr std::string_view kBetween("\0", 1);  // paths: the one byte that no file's name holds

// Files go round the processes where there are enough of them; else each takes its range of every mini-batch.
formats::RankShare share_of(const ChannelRequest& channel, dist::Communicator* workers, Log& log) {
  using Split = formats::RankShare::Split;
  if (workers == nullptr || workers->size() == 1) return {};
  formats::RankShare share{workers->rank(), workers->size(), Split::ranges};
  if (!is_sharded(channel)) return share;
  if (channel.own_share) {
    share.split = Split::own;
    return share;
  }
  const std::size_t files = formats::expand_path(channel.path).size();
  if (files >= static_cast<std::size_t>(share.size)) share.split = Split::files;
  else log.info("{}: {} for {} processes: each takes its range of every mini-batch instead of files of its own", channel.name,
                counted(files, "file"), share.size);
  return share;
}

}  // namespace

TableInput channel_input(const TrainRequest& request, const ChannelRequest& channel, const job::Description& algorithm) {
  TableInput input;
  input.path = channel.path;
  input.content_type = channel.content_type;
  input.pipe_mode = is_pipe_mode(channel, request);
  input.record_wrapper = channel.record_wrapper;
  input.missing_values = algorithm.missing_values;
  input.guess_delimiter = algorithm.guesses_delimiter;
  for (const job::ChannelSpec& spec : algorithm.channels) {
    if (spec.name == channel.name) input.supervised = spec.supervised;
  }
  input.threads = request.common.threads.value;
  input.memory_limit = request.common.memory_limit.value;
  return input;
}

TrainContext::TrainContext(const TrainRequest& request, const job::Description& algorithm, const job::Settings& settings, Console& console)
    : request_(request), algorithm_(algorithm), console_(console), backend_(make_backend(request.common, algorithm, console)) {
  if (request.start_model) start_ = read_start_model(*request.start_model, algorithm);
  job::Identity identity = identity_of(request, settings, start_model(), communicator().size());
  identity.soft["device"] = backend_->device().kind;
  identity.soft["kernels"] = backend_->device().kernels;
  checkpointing_.emplace(request, std::move(identity), communicator(), console);
}

bool TrainContext::has_channel(const std::string& name) const { return find_channel(request_, name) != nullptr; }

std::unique_ptr<formats::TableStream> TrainContext::open_table(const std::string& name, const job::TableRequest& wanted) {
  const ChannelRequest* channel = find_channel(request_, name);
  if (channel == nullptr) throw internal_error("{} opens channel {}, which was not given", algorithm_.name, name);
  TableInput input = channel_input(request_, *channel, algorithm_);
  input.feature_dim = wanted.feature_dim;
  input.mini_batch_size = wanted.mini_batch_size;
  input.epochs = wanted.epochs;
  input.start = wanted.start;
  input.csv_weights = wanted.csv_weights;
  input.share = share_of(*channel, request_.workers, console_);
  auto stream = open_table_input(input, console_);
  if (input.share.split != formats::RankShare::Split::ranges) {
    stream = job::keep_in_step(std::move(stream), {name, wanted.mini_batch_size, wanted.start, input.share.split}, communicator());
  }
  checkpointing_->add_fact(channel_fact(name), channel_identity(*stream));
  for (const formats::InputFile& file : stream->files()) files_read_.push_back(file.path);
  console_.info("{}: {} {} of {} features", name, stream->type().to_string(), stream->schema().sparse ? "sparse rows" : "rows",
                stream->schema().feature_dim);
  note_extension(name, *stream);
  return stream;
}

// A job that is to move to the service should know.
void TrainContext::note_extension(const std::string& name, const formats::TableStream& stream) {
  for (const job::ChannelSpec& spec : algorithm_.channels) {
    if (spec.name != name || job::intake_of(algorithm_, spec, stream.type().format) != job::Intake::extension) continue;
    console_.info("{}: an extension: the service's {} takes {} alone", name, algorithm_.name, join(spec.content_types, ", "));
  }
}

std::vector<std::string> TrainContext::files_read_by_all() {
  std::vector<std::string> all;
  for (const std::string& text : communicator().share(join(files_read_, kBetween))) {
    for (const std::string_view path : split(text, kBetween.front())) {
      if (!path.empty() && std::find(all.begin(), all.end(), path) == all.end()) all.emplace_back(path);
    }
  }
  return all;
}

}  // namespace smtrain::run
