// Algorithm: what every trainer looks like from outside. One folder in lib/algos and one line in its registry make one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "compute/backend.h"
#include "dist/communicator.h"
#include "formats/batch.h"
#include "formats/prediction.h"
#include "formats/table_stream.h"
#include "job/hyperparameter.h"
#include "job/metrics.h"
#include "job/model.h"
#include "job/state.h"

namespace smtrain::job {

// ---- description -------------------------------------------------------------------------------------------------------

struct ChannelSpec {
  std::string name;                           ///< "train"
  bool required = false;
  std::vector<std::string> content_types;     ///< of the service's matrix; the first is the preferred one
  std::vector<std::string> input_modes;       ///< "File", "Pipe"
  std::string distribution;                   ///< recommended: "ShardedByS3Key", "FullyReplicated"
  bool supervised = false;                    ///< rows carry a label that is used
  std::string help;
};

struct MetricSpec {
  std::string name;   ///< "test:msd"
  std::string regex;  ///< the service's
  enum class Goal { minimize, maximize, none } goal = Goal::none;
  bool objective = false;  ///< may be a tuning objective
  std::string help;
};

/// An algorithm's own metrics, and then those of how far a run is and how fast, which the service's trainers (not its XGBoost) print.
inline std::vector<MetricSpec> with_progress(std::vector<MetricSpec> metrics) {
  metrics.push_back({"train:progress", R"(#progress_metric: host=\S+, completed (\S+) %)", MetricSpec::Goal::none, false,
                     "Per cent of the epochs that are done."});
  metrics.push_back({"train:throughput", R"(#throughput_metric: host=\S+, train throughput=(\S+) records/second)", MetricSpec::Goal::none,
                     false, "Records per second of an epoch."});
  return metrics;
}

struct Example {
  std::string comment;  ///< what it does
  std::string command;  ///< runs in a folder that holds the sample data of share/examples/data
};

struct Description {
  std::string name;                        ///< subcommand: "kmeans"
  std::vector<std::string> aliases;        ///< other spellings: "k-means"
  std::string title;                       ///< "K-means"
  std::string summary;                     ///< one line
  std::vector<std::string> about;          ///< paragraphs
  std::vector<std::string> papers;
  std::vector<std::string> tasks;          ///< "clustering"
  std::vector<std::string> data;           ///< "dense table", "sparse table"
  std::vector<std::string> devices;        ///< "cpu", "cuda"
  std::string log_name;                    ///< in #metrics lines: "AWS/KMeansWebscale"
  std::string response_key = "predictions";
  std::vector<ChannelSpec> channels;
  std::vector<MetricSpec> metrics;
  std::vector<std::string> accepts;        ///< content types of inference requests
  std::vector<std::string> answers;        ///< content types of responses; the first is the default of the service
  std::vector<std::string> model_files;    ///< members of the tarball, with a word on each
  std::vector<Example> examples;
  bool distributed = true;                 ///< trains in several processes
  bool missing_values = false;             ///< an absent number of a dense row comes as NaN; without it readers refuse the row
  bool guesses_delimiter = false;          ///< of CSV, where the content type names none
  std::string default_answer = "application/jsonlines";  ///< of transform, where no type is asked for
  Table hyperparameters;
};

// ---- prediction --------------------------------------------------------------------------------------------------------

/// Features that stand for things to choose from, one of which a row would have at 1: the items of a recommender.
struct Candidates {
  std::size_t first = 0, last = 0;  ///< features, both of them included; last < feature_dim
  std::size_t top = 0;              ///< so many of the best are wanted
};

class Ranker;
class Updater;

/// What an answer is to hold.
struct AnswerRequest {
  std::vector<std::string> columns;  ///< by name, in this order; empty: the plain answer, or the verbose one
  bool verbose = false;              ///< "verbose=true" of the accepted content type; nothing where a model has no more to say
  bool ensemble = true;              ///< of models that answer together; false: the first alone
};

/// A column that can be asked for.
struct AnswerColumn {
  std::string name;
  std::string help;
  bool applies = true;  ///< to this model; else its numbers are NaN, of which the one who asks is warned
};

/// What users take out of a model first: a matrix, with names of its columns.
struct Coefficients {
  formats::NamedTensor matrix;       ///< of two dimensions
  std::vector<std::string> columns;  ///< one per column
};

/// A trained model that answers. const and safe from many threads.
class Predictor {
 public:
  virtual ~Predictor() = default;
  virtual std::size_t feature_dim() const = 0;
  /// What `convert` writes of the model when no tensor is named; absent: its only matrix.
  virtual std::optional<Coefficients> coefficients() const { return std::nullopt; }
  /// The whole model as JSON that other programs read, for `convert`; absent: there is no such form.
  virtual std::optional<std::string> as_json() const { return std::nullopt; }
  /// Per-thread scratch, made once and passed in.
  class Scratch {
   public:
    virtual ~Scratch() = default;
  };
  virtual std::unique_ptr<Scratch> make_scratch(compute::Backend& backend) const = 0;
  /// What can be asked for by name, beside the plain answer; empty: nothing.
  virtual std::vector<AnswerColumn> answer_columns() const { return {}; }
  /// Answers for the rows of a batch whose width is feature_dim(); `out` is overwritten, its memory reused. Columns that are asked for
  /// are among answer_columns().
  virtual void predict(compute::Backend& backend, const formats::Batch& batch, const AnswerRequest& wanted, Scratch& scratch,
                       formats::Prediction& out) const = 0;
  /// This model as one that ranks candidates; nullptr where there is nothing of the kind.
  virtual const Ranker* ranker() const { return nullptr; }
  /// A copy of this model that learns from what it answers for; nullptr where models are only trained.
  virtual std::unique_ptr<Updater> updater() const { return nullptr; }
  /// Adds tensors and service files to the model; the manifest is the caller's.
  virtual void save(Model& model) const = 0;
  /// Facts for `inspect`, name and text: ("k", "10"), ("largest cluster", "8 (6,120 rows)").
  virtual std::vector<std::pair<std::string, std::string>> facts() const = 0;
};

/// A predictor that says which candidates a row goes best with. const and safe from many threads.
class Ranker {
 public:
  virtual ~Ranker() = default;
  /// Of each row the best candidates, best first, the lower feature first among equals: columns items (their features) and scores,
  /// each of min(top, candidates) numbers. What a row holds of the candidates itself is left out. `scratch` is the predictor's.
  virtual void rank(compute::Backend& backend, const formats::Batch& batch, const Candidates& candidates, Predictor::Scratch& scratch,
                    formats::Prediction& out) const = 0;
};

/// A model that answers for a stream and learns from it. Not thread-safe.
class Updater {
 public:
  virtual ~Updater() = default;
  /// As Predictor::predict; each row is answered for by the model as it is when the row comes, and then learnt from.
  virtual void update(compute::Backend& backend, const formats::Batch& batch, const AnswerRequest& wanted, formats::Prediction& out) = 0;
  /// The model as it is now.
  virtual std::unique_ptr<Predictor> finish(compute::Backend& backend) const = 0;
};

// ---- training ----------------------------------------------------------------------------------------------------------

/// How an algorithm wants to read a channel.
struct TableRequest {
  std::size_t mini_batch_size = 1000;
  std::int64_t epochs = 1;             ///< passes it will make; 1 keeps nothing
  std::size_t feature_dim = 0;         ///< expected width; 0: the data tells it
  formats::TableCursor start = {};     ///< where a resumed run goes on
  bool csv_weights = false;            ///< CSV has the weights of its rows behind the labels
};

/// Puts all that a run needs to go on from this safe point as if nothing had happened, down to the last bit.
using SaveState = std::function<void(State&)>;

/// What a run hands to an algorithm, which opens no file, reads no environment, prints nothing and chooses no device.
class Context {
 public:
  virtual ~Context() = default;
  virtual bool has_channel(const std::string& name) const = 0;
  /// Opens a channel; the stream is the caller's.
  virtual std::unique_ptr<formats::TableStream> open_table(const std::string& channel, const TableRequest& request) = 0;
  virtual compute::Backend& backend() = 0;
  virtual dist::Communicator& communicator() = 0;
  virtual MetricSink& metrics() = 0;
  virtual Log& log() = 0;
  /// A named stream of random numbers from the run's seed.
  virtual RandomStream random(std::string_view name) const = 0;
  virtual std::uint64_t seed() const = 0;
  /// Bytes this run may use in all.
  virtual std::uint64_t memory_limit() const = 0;
  /// The model to continue from, or nullptr.
  virtual const Model* start_model() const = 0;
  /// What the algorithm saved in the checkpoint that this run goes on from, or nullptr.
  virtual const State* resumed() const = 0;
  /// Between steps, where the state is whole: progress, signals, time limits, checkpoints. `save` is called when a checkpoint is
  /// due. True: go on. False: finish now with what there is; the calls after that, from `closing` steps, say true while there is
  /// time. Throws when the run is to end. With several processes a collective call: all make it at the same place.
  ///
  /// A stream that waits for data throws Fault::interrupted when a stop is asked for. An algorithm whose state of the last safe
  /// point is still whole then calls this once more with that, and passes the Error on when it returns true.
  virtual bool safe_point(const Progress& progress, const SaveState& save) = 0;
};

/// What training yields: a predictor, and settings with every `auto` resolved.
class Algorithm {
 public:
  virtual ~Algorithm() = default;
  virtual const Description& description() const = 0;
  virtual std::unique_ptr<Predictor> train(Context& context, Settings& settings) const = 0;
  /// From a tarball of ours (manifest.algorithm is this one) or of the service. Throws a user Error naming the member.
  virtual std::unique_ptr<Predictor> load(const Model& model) const = 0;
  /// Whether a tarball without a manifest is one the service wrote for this algorithm.
  virtual bool recognises(const Model& model) const = 0;
};

/// An Algorithm of a description and the three functions that an algorithm's folder has.
class BuiltIn final : public Algorithm {
 public:
  struct Functions {
    std::function<std::unique_ptr<Predictor>(Context& context, Settings& settings)> train;
    std::function<std::unique_ptr<Predictor>(const Model& model)> load;
    std::function<bool(const Model& model)> recognises;
  };
  BuiltIn(Description description, Functions functions) : description_(std::move(description)), functions_(functions) {}
  const Description& description() const override { return description_; }
  std::unique_ptr<Predictor> train(Context& context, Settings& settings) const override { return functions_.train(context, settings); }
  std::unique_ptr<Predictor> load(const Model& model) const override { return functions_.load(model); }
  bool recognises(const Model& model) const override { return functions_.recognises(model); }

 private:
  const Description description_;
  const Functions functions_;
};

}  // namespace smtrain::job
