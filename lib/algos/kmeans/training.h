// One training run of k-means; private to kmeans_start.cc, kmeans_train.cc and kmeans_finish.cc.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "algos/kmeans/course.h"
#include "algos/kmeans/params.h"
#include "algos/kmeans/predictor.h"
#include "algos/kmeans/shrink.h"
#include "job/staging.h"

namespace smtrain::kmeans {

constexpr std::int64_t kAutoTrials = 10;  // of local_lloyd_num_trials

/// Since 1970.
inline double now_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Times a step under the service's name for it.
class Timed {
 public:
  Timed(job::MetricSink& metrics, const char* name) : metrics_(metrics), name_(name) {}
  ~Timed() { metrics_.timing(name_, 1000 * seconds()); }
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  job::MetricSink& metrics_;
  const char* name_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Runs once; context and settings outlive it.
class Trainer {
 public:
  Trainer(job::Context& context, job::Settings& settings)
      : context_(context), settings_(settings), params_(settings.as<Params>()), workers_(context.communicator()), backend_(context.backend()),
        queue_(backend_.main_queue()), staging_(backend_) {}

  std::unique_ptr<job::Predictor> run();

 private:
  // kmeans_start.cc: from the data to the first centres
  void open();
  void read_first_mini_batch();
  std::size_t resolve_factor();
  void start();
  std::vector<float> choose_centers();
  void start_from_model();
  void start_from_checkpoint();
  void resolve_factor_to(std::size_t factor);
  std::int64_t epoch() const { return course_.at.epoch; }
  void check_memory() const;
  void allocate();
  // kmeans_train.cc: epochs
  void train_epoch();
  bool next(formats::Batch& batch);
  void step(const formats::Batch& batch);
  void combine();
  void update();
  void save(job::State& state) const;
  bool safe_point();
  bool closing_point(std::string_view phase);
  void report_iteration();
  void report_epoch(double seconds);
  // kmeans_finish.cc: from the last centres to the model and its scores
  std::unique_ptr<KMeansPredictor> finish();
  Shrunk shrink_together(const StreamState& state);
  Shrunk shrink_to_model(const StreamState& state, const std::function<bool()>& poll);
  double data_msd() const;
  void report_train(double msd);
  void score(const KMeansPredictor& model);
  bool measure(const KMeansPredictor& model, double& ssd, double& rows);
  RandomStream random(std::string_view name) const {
    return params_.seed ? RandomStream(static_cast<std::uint64_t>(*params_.seed), name) : context_.random(name);
  }

  job::Context& context_;
  job::Settings& settings_;
  const Params params_;
  dist::Communicator& workers_;
  compute::Backend& backend_;
  compute::Queue& queue_;
  job::DenseStaging staging_;

  std::unique_ptr<formats::TableStream> stream_;
  std::vector<formats::Batch> first_;       // pieces of the first mini-batch, read before its epoch
  std::size_t first_rows_ = 0;
  std::size_t d_ = 0, k_ = 0, streaming_k_ = 0;

  compute::Mat centers_, weights_, sums_, counts_, loss_;
  std::unique_ptr<compute::Backend::Centers> prepared_;

  Course course_;
  bool stopped_ = false;           // a model of what there is, is asked for
  bool first_epoch_ = true;        // of this process: the stream stands where it begins
  std::size_t batch_rows_ = 0;     // of the mini-batch under way, of this process until update() adds the others'
  std::vector<double> host_;       // scratch of combine()
  bool measures_ = false;          // this mini-batch's loss is wanted
  std::optional<Shrunk> shrunk_;
};

}  // namespace smtrain::kmeans
