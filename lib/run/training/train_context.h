// What a training run hands to its algorithm.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "job/algorithm.h"
#include "run/training/checkpointing.h"
#include "run/requests.h"
#include "run/table_input.h"

namespace smtrain::run {

/// How the request wants a channel read; the algorithm adds mini-batch size, epochs and width.
TableInput channel_input(const TrainRequest& request, const ChannelRequest& channel, const job::Description& algorithm);

/// request, algorithm and console outlive it; settings are those of the request, before data resolve any.
class TrainContext final : public job::Context {
 public:
  TrainContext(const TrainRequest& request, const job::Description& algorithm, const job::Settings& settings, Console& console);

  bool has_channel(const std::string& name) const override;
  std::unique_ptr<formats::TableStream> open_table(const std::string& name, const job::TableRequest& wanted) override;
  compute::Backend& backend() override { return *backend_; }
  dist::Communicator& communicator() override { return request_.workers != nullptr ? *request_.workers : *alone_; }
  job::MetricSink& metrics() override { return console_; }
  Log& log() override { return console_; }
  RandomStream random(std::string_view name) const override { return RandomStream(seed(), name); }
  std::uint64_t seed() const override { return request_.common.seed.value; }
  std::uint64_t memory_limit() const override { return request_.common.memory_limit.value; }
  const job::Model* start_model() const override { return start_ ? &*start_ : nullptr; }
  const job::State* resumed() const override { return checkpointing_->resumed(); }
  bool safe_point(const job::Progress& progress, const job::SaveState& save) override {
    return checkpointing_->safe_point(progress, save);
  }

  Checkpointing& checkpointing() { return *checkpointing_; }

  /// Files of all channels that any rank has opened so far: for the depfile. Collective.
  std::vector<std::string> files_read_by_all();

 private:
  void note_extension(const std::string& name, const formats::TableStream& stream);

  const TrainRequest& request_;
  const job::Description& algorithm_;
  Console& console_;
  std::unique_ptr<compute::Backend> backend_;
  const std::unique_ptr<dist::Communicator> alone_ = dist::make_single_process();
  std::optional<job::Model> start_;
  std::vector<std::string> files_read_;
  std::optional<Checkpointing> checkpointing_;
};

}  // namespace smtrain::run
