#include "algos/kmeans/kmeans.h"

#include "algos/kmeans/params.h"
#include "algos/kmeans/predictor.h"
#include "algos/kmeans/trainer.h"

namespace smtrain::kmeans {
namespace {

using job::boolean;
using job::choice;
using job::ignored;
using job::integer;
using job::Kind;
using job::number;

const char* const kRecordio = "application/x-recordio-protobuf";
const char* const kCsv = "text/csv;label_size=0";

std::vector<job::ChoiceDeclaration<Params, Init>::Option> init_options() {
  return {{"random", Init::random}, {"kmeans++", Init::plus_plus, {"k-means++"}}};
}

std::vector<job::Hyperparameter> model_hyperparameters() {
  return {
      integer("k", &Params::k).required().at_least(1).help("The number of clusters in the model."),
      integer("feature_dim", &Params::feature_dim)
          .from_data()
          .at_least(1)
          .help("The number of feature columns. Checked against the data when given."),
      integer("epochs", &Params::epochs).at_least(1).or_else("1").tunable(1, 10).help("Passes over the train channel."),
      integer("mini_batch_size", &Params::mini_batch_size)
          .at_least(1)
          .or_else("5000")
          .tunable(3000, 15000)
          .help("Rows of a mini-batch. The first one also supplies the starting centres."),
      job::list("eval_metrics", &Params::eval_metrics)
          .of({"msd", "ssd"})
          .items_at_least(1)
          .or_else("[\"msd\"]")
          .help("Scores of the test channel: the mean (msd) and the sum (ssd) of squared distances to the nearest centre."),
      choice("init_method", &Params::init_method)
          .of(init_options())
          .or_else("random")
          .tunable({"kmeans++", "random"})
          .help("How the streaming centres are chosen among the rows of the first mini-batch."),
      integer("extra_center_factor", &Params::extra_center_factor)
          .or_auto()
          .at_least(1)
          .or_else("auto")
          .tunable(4, 10)
          .help("Streaming keeps k times this many centres, which are then reduced to k. With auto it is as many rows per "
                "cluster as the first mini-batch has, between 1 and 10."),
      integer("half_life_time_size", &Params::half_life_time_size)
          .at_least(0)
          .or_else("0")
          .help("Rows after which the weight of an observation has halved. With 0 weights do not decay."),
  };
}

std::vector<job::Hyperparameter> reduction_hyperparameters() {
  return {
      choice("local_lloyd_init_method", &Params::local_lloyd_init_method)
          .of(init_options())
          .or_else("kmeans++")
          .help("How each trial of the reduction to k centres starts."),
      integer("local_lloyd_max_iter", &Params::local_lloyd_max_iter)
          .at_least(1)
          .or_else("300")
          .help("Most iterations of a trial of the reduction."),
      integer("local_lloyd_num_trials", &Params::local_lloyd_num_trials)
          .or_auto()
          .at_least(1)
          .or_else("auto")
          .help("Trials of the reduction, of which the one with the lowest loss is kept. auto makes 10."),
      number("local_lloyd_tol", &Params::local_lloyd_tol)
          .between(0, 1)
          .or_else("0.0001")
          .help("A trial of the reduction ends when its loss falls by no more than this fraction."),
  };
}

std::vector<job::Hyperparameter> other_hyperparameters() {
  return {
      ignored("force_dense", Kind::boolean).or_else("true").help("Sent by the service's clients. Sparse rows are expanded anyway."),
      integer("_seed", &Params::seed).at_least(0).help("Seed of this training. When absent, that of the run (--seed)."),
  };
}

job::Table hyperparameters() {
  std::vector<job::Hyperparameter> all;
  for (const auto& part : {model_hyperparameters(), reduction_hyperparameters(), other_hyperparameters()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return job::table<Params>(std::move(all));
}

std::vector<job::ChannelSpec> channels() {
  return {{.name = "train",
           .required = true,
           .content_types = {kRecordio, kCsv},
           .input_modes = {"File", "Pipe"},
           .distribution = "ShardedByS3Key",
           .supervised = false,
           .help = "The rows to cluster. A label is ignored."},
          {.name = "test",
           .required = false,
           .content_types = {kRecordio, kCsv},
           .input_modes = {"File", "Pipe"},
           .distribution = "FullyReplicated",
           .supervised = false,
           .help = "Rows on which the finished model is scored."}};
}

std::vector<job::MetricSpec> metrics() {
  using Goal = job::MetricSpec::Goal;
  return {{"test:msd", R"(#quality_metric: host=\S+, test msd <loss>=(\S+))", Goal::minimize, true,
           "Mean squared distance from the rows of the test channel to their nearest centre."},
          {"test:ssd", R"(#quality_metric: host=\S+, test ssd <loss>=(\S+))", Goal::minimize, true,
           "Sum of squared distances from the rows of the test channel to their nearest centre."},
          {"train:msd", R"(#quality_metric: host=\S+, train msd <loss>=(\S+))", Goal::none, false,
           "Mean squared distance from the streaming centres to the centres of the model, as the service measures it."}};
}

std::vector<job::Example> examples() {
  return {{"four clusters of a CSV file that has no label column",
           "smtrain kmeans --train points.csv --content-type \"text/csv;label_size=0\" --k 4 -o points.model.tar.gz"},
          {"two passes, another seed, scores on a test channel, metrics to a file",
           "smtrain kmeans --train points.csv --test points-test.csv --content-type \"text/csv;label_size=0\" "
           "--k 4 --epochs 2 --eval_metrics msd,ssd --seed 7 --metrics points.jsonl -o points.model.tar.gz"}};
}

std::vector<std::string> about() {
  return {"Streams over the rows in mini-batches and moves k times extra_center_factor centres towards the means of the rows "
          "nearest to them; then reduces these centres to k by several weighted Lloyd trials and keeps the best.",
          "The model answers with the index of the nearest centre (closest_cluster) and the Euclidean distance to it "
          "(distance_to_cluster). Metrics are in squared distances."};
}

std::vector<std::string> papers() {
  return {"D. Sculley: Web-Scale K-Means Clustering. WWW 2010",
          "D. Arthur, S. Vassilvitskii: k-means++: The Advantages of Careful Seeding. SODA 2007",
          "E. Liberty et al.: Elastic Machine Learning Algorithms in Amazon SageMaker. SIGMOD 2020"};
}

job::Description make_description() {
  job::Description d;
  d.name = "kmeans";
  d.aliases = {"k-means"};
  d.title = "K-means";
  d.summary = "Groups rows of numbers into k clusters in one or few passes";
  d.about = about();
  d.papers = papers();
  d.tasks = {"clustering"};
  d.data = {"dense table", "sparse table"};
  d.devices = {"cpu", "cuda"};
  d.log_name = "AWS/KMeansWebscale";
  d.channels = channels();
  d.metrics = job::with_progress(metrics());
  d.accepts = {"text/csv", "application/json", "application/jsonlines", kRecordio};
  d.answers = {"application/json", "application/jsonlines", "text/csv", kRecordio};
  d.model_files = {"manifest.json: algorithm, hyperparameters, metrics", "model.safetensors: the centres and their weights",
                   "model_algo-1: the centres as the service writes them (k x feature_dim, float32)",
                   "model_algo-1.json: k, feature_dim, hyperparameters"};
  d.examples = examples();
  d.hyperparameters = hyperparameters();
  return d;
}

}  // namespace

const job::Algorithm& algorithm() {
  static const job::BuiltIn built_in(make_description(), {train, load, recognises});
  return built_in;
}

}  // namespace smtrain::kmeans
