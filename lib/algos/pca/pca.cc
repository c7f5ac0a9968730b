#include "algos/pca/pca.h"

#include "algos/pca/params.h"
#include "algos/pca/predictor.h"
#include "algos/pca/trainer.h"

namespace smtrain::pca {
namespace {

using job::boolean;
using job::choice;
using job::ignored;
using job::integer;
using job::Kind;

const char* const kRecordio = "application/x-recordio-protobuf";
const char* const kCsv = "text/csv;label_size=0";

std::vector<job::ChoiceDeclaration<Params, Mode>::Option> modes() {
  return {{"regular", Mode::regular}, {"randomized", Mode::randomized}, {"stable", Mode::stable}};
}

std::vector<job::Hyperparameter> documented() {
  return {
      integer("feature_dim", &Params::feature_dim)
          .from_data()
          .at_least(1)
          .help("The number of feature columns. Checked against the data when given."),
      integer("mini_batch_size", &Params::mini_batch_size)
          .at_least(1)
          .or_else("500")
          .help("Rows of a mini-batch. It does not change what is learnt: rows are read so many whole mini-batches at a time as keep the "
                "device busy, about 2000 rows (regular) or 500 (randomized), and at most 4096 at once."),
      integer("num_components", &Params::num_components)
          .required()
          .at_least(1)
          .help("The number of principal components to keep, at most feature_dim."),
      choice("algorithm_mode", &Params::algorithm_mode)
          .of(modes())
          .or_else("regular")
          .help("regular: the scatter matrix of all columns, exactly, in memory that grows with the square of feature_dim. randomized: a "
                "sketch of it, in memory that grows with feature_dim. stable: an old name, the same as regular."),
      integer("extra_components", &Params::extra_components)
          .at_least(-1)
          .or_else("-1")
          .help("Rows of the sketch beside num_components: the more, the nearer to the exact components, and the slower. -1: as many as "
                "num_components, and at least 10. Ignored by regular."),
      boolean("subtract_mean", &Params::subtract_mean)
          .or_else("true")
          .help("Take the mean of each column off, in training and in answers."),
  };
}

std::vector<job::Hyperparameter> others() {
  return {
      ignored("force_dense", Kind::boolean)
          .or_else("true")
          .help("Sent by the service's clients. Sparse rows stay sparse where that is cheaper; the result is the same."),
      integer("epochs", &Params::epochs).between(1, 1).or_else("1").help("Sent by the service's clients: the rows are read once."),
  };
}

job::Table hyperparameters() {
  std::vector<job::Hyperparameter> all = documented();
  for (job::Hyperparameter& h : others()) all.push_back(std::move(h));
  return job::table<Params>(std::move(all), {job::rule<Params>([](const Params& p) -> std::optional<std::string> {
    if (p.feature_dim == 0 || p.num_components <= p.feature_dim) return std::nullopt;
    return fmt::format("Hyperparameter num_components: {} components of rows that have {} features (feature_dim); give at most {}",
                       p.num_components, p.feature_dim, p.feature_dim);
  })});
}

std::vector<job::ChannelSpec> channels() {
  return {{.name = "train",
           .required = true,
           .content_types = {kRecordio, kCsv},
           .input_modes = {"File", "Pipe"},
           .distribution = "ShardedByS3Key",
           .supervised = false,
           .help = "The rows whose components are wanted. A label is ignored; weights count as repetitions of a row."},
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
  return {{"test:reconstruction_mse", R"(#quality_metric: host=\S+, test reconstruction_mse <loss>=(\S+))", Goal::minimize, true,
           "Mean squared distance from the rows of the test channel to their reconstruction from their projections."},
          {"test:explained_variance_ratio", R"(#quality_metric: host=\S+, test explained_variance_ratio <score>=(\S+))", Goal::maximize, true,
           "Share of the squared distances of the test channel's rows to the mean that the projections keep."},
          {"train:reconstruction_mse", R"(#quality_metric: host=\S+, train reconstruction_mse <loss>=(\S+))", Goal::none, false,
           "The same of the rows trained on. randomized estimates it from the sketch, a little high."},
          {"train:explained_variance_ratio", R"(#quality_metric: host=\S+, train explained_variance_ratio <score>=(\S+))", Goal::none, false,
           "The same of the rows trained on. randomized estimates it from the sketch, a little low."}};
}

std::vector<job::Example> examples() {
  return {{"two components of a CSV file that has no label column",
           "smtrain pca --train points.csv --content-type \"text/csv;label_size=0\" --num_components 2 -o components.model.tar.gz"},
          {"from a sketch, with scores on a test channel, metrics to a file",
           "smtrain pca --train points.csv --test points-test.csv --content-type \"text/csv;label_size=0\" --num_components 1 "
           "--algorithm_mode randomized --metrics components.jsonl -o components.model.tar.gz"}};
}

std::vector<std::string> about() {
  return {"Finds the num_components directions in which the rows vary most, and answers with the projection of a row onto them: "
          "(x - mean) v. Rows are read once, in any amount. Columns are never scaled: where they are of different units, standardise them "
          "first, or the largest unit decides.",
          "Everything is in ascending order, as the service has it: the strongest component is the last column of v, the last singular "
          "value of s and the last number of a projection. Singular values are those of the centred data matrix, not divided by the number "
          "of rows. The sign of a component is such that its number of largest magnitude is positive. How much of the variance each "
          "component keeps is told at the end of training, by smtrain inspect, and in model_algo-1.json.",
          "regular adds up the scatter matrix in float64, about a mean known from the first rows. randomized keeps a sketch of "
          "num_components + extra_components rows; each mini-batch is seen through the sketch's own directions and some random ones, so "
          "that a single pass comes near the exact components. On MNIST (60,000 x 784) 50 components with the 50 extra ones of the "
          "default keep less than 1e-4 less of the variance than the exact ones, and where the rows are sorted by class, less than 1e-3.",
          "--model goes on from the running sums of an earlier model, in model.safetensors: half of the rows and then the others give, with "
          "regular, the components of all to about 1e-12; with randomized to the accuracy of the sketch. num_components may change with "
          "regular; randomized needs the same number of sketch rows."};
}

std::vector<std::string> papers() {
  return {"N. Halko, P.-G. Martinsson, J. Tropp: Finding Structure with Randomness. SIAM Review 2011",
          "J. Tropp, A. Yurtsever, M. Udell, V. Cevher: Fixed-Rank Approximation of a Positive-Semidefinite Matrix from Streaming Data. "
          "NIPS 2017",
          "T. Chan, G. Golub, R. LeVeque: Algorithms for Computing the Sample Variance. The American Statistician 1983",
          "E. Liberty et al.: Elastic Machine Learning Algorithms in Amazon SageMaker. SIGMOD 2020"};
}

job::Description make_description() {
  job::Description d;
  d.name = "pca";
  d.title = "Principal component analysis (PCA)";
  d.summary = "Projects rows of numbers onto the few directions in which they vary most";
  d.about = about();
  d.papers = papers();
  d.tasks = {"dimensionality reduction"};
  d.data = {"dense table", "sparse table"};
  d.devices = {"cpu", "cuda"};
  d.log_name = "PCA";
  d.response_key = "projections";
  d.channels = channels();
  d.metrics = job::with_progress(metrics());
  d.accepts = {"text/csv", "application/json", "application/jsonlines", kRecordio};
  d.answers = {"application/json", "application/jsonlines", "text/csv", kRecordio};
  d.model_files = {"manifest.json: algorithm, hyperparameters, metrics",
                   "model.safetensors: mean, components, singular values; the running sums that --model goes on from",
                   "model_algo-1: mean (1 x feature_dim), s (num_components), v (feature_dim x num_components) as the service writes them, "
                   "float32, ascending",
                   "model_algo-1.json: share of the variance of each component, rows, order, hyperparameters"};
  d.examples = examples();
  d.hyperparameters = hyperparameters();
  return d;
}

}  // namespace

const job::Algorithm& algorithm() {
  static const job::BuiltIn built_in(make_description(), {train, load, recognises});
  return built_in;
}

}  // namespace smtrain::pca
