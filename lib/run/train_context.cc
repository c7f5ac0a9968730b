#include "run/train_context.h"

#include "base/error.h"
#include "base/signals.h"
#include "run/device.h"
#include "run/train_checks.h"

namespace smtrain::run {

TableInput channel_input(const TrainRequest& request, const ChannelRequest& channel, const job::Description& algorithm) {
  TableInput input;
  input.path = channel.path;
  input.content_type = channel.content_type;
  input.pipe_mode = is_pipe_mode(channel, request);
  input.record_wrapper = channel.record_wrapper;
  for (const job::ChannelSpec& spec : algorithm.channels) {
    if (spec.name == channel.name) input.supervised = spec.supervised;
  }
  input.threads = request.common.threads.value;
  input.memory_limit = request.common.memory_limit.value;
  return input;
}

TrainContext::TrainContext(const TrainRequest& request, const job::Description& algorithm, Console& console)
    : request_(request), algorithm_(algorithm), console_(console), backend_(make_backend(request.common, console)),
      workers_(dist::make_single_process()) {
  if (request.start_model) start_ = job::read_model(*request.start_model);
}

bool TrainContext::has_channel(const std::string& name) const { return find_channel(request_, name) != nullptr; }

std::unique_ptr<formats::TableStream> TrainContext::open_table(const std::string& name, const job::TableRequest& wanted) {
  const ChannelRequest* channel = find_channel(request_, name);
  if (channel == nullptr) throw internal_error("{} opens channel {}, which was not given", algorithm_.name, name);
  TableInput input = channel_input(request_, *channel, algorithm_);
  input.feature_dim = wanted.feature_dim;
  input.mini_batch_size = wanted.mini_batch_size;
  input.epochs = wanted.epochs;
  auto stream = open_table_input(input, console_);
  for (const formats::InputFile& file : stream->files()) files_read_.push_back(file.path);
  console_.info("{}: {} {} of {} features", name, stream->type().to_string(), stream->schema().sparse ? "sparse rows" : "rows",
                stream->schema().feature_dim);
  return stream;
}

void TrainContext::safe_point(const job::Progress& progress) {
  throw_if_stopped();
  console_.progress(progress);
}

}  // namespace smtrain::run
