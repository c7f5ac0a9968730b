#include "algos/rcf/rcf.h"

#include "algos/rcf/params.h"
#include "algos/rcf/predictor.h"
#include "algos/rcf/trainer.h"

namespace smtrain::rcf {
namespace {

using job::boolean;
using job::ignored;
using job::integer;
using job::Kind;

const char* const kRecordio = "application/x-recordio-protobuf";
const char* const kTrainCsv = "text/csv;label_size=0";
const char* const kTestCsv = "text/csv;label_size=1";

std::vector<job::Hyperparameter> documented() {
  return {
      integer("feature_dim", &Params::feature_dim)
          .from_data()
          .between(1, static_cast<double>(kMostFeatures))
          .help("The number of feature columns, without a label, and before rows are shingled. Checked against the data when given."),
      integer("num_trees", &Params::num_trees)
          .between(50, 1000)
          .or_else("100")
          .tunable(50, 1000)
          .help("Trees of the forest. More of them lower the noise of the scores; the time of an answer grows with them."),
      integer("num_samples_per_tree", &Params::num_samples_per_tree)
          .between(1, static_cast<double>(kMostSamples))
          .or_else("256")
          .tunable(1, 2048)
          .help("Rows that each tree is built of. Choose it so that 1 / num_samples_per_tree is about the share of anomalies."),
      job::list("eval_metrics", &Params::eval_metrics)
          .of({"accuracy", "precision_recall_fscore"})
          .items_at_least(1)
          .or_else("[\"accuracy\", \"precision_recall_fscore\"]")
          .help("Scores of the test channel, as a JSON list: accuracy; precision, recall and F1 of both classes."),
  };
}

std::vector<job::Hyperparameter> others() {
  return {
      integer("mini_batch_size", &Params::mini_batch_size)
          .at_least(1)
          .or_else("1000")
          .help("Sent by the service's clients, which know 1000 alone. It changes nothing."),
      integer("shingle", &Params::shingle)
          .between(1, static_cast<double>(kMostFeatures))
          .or_else("1")
          .help("An extension: so many rows that follow each other make a point, so that n rows of a series become n - shingle + 1 points. The "
                "model keeps it, and the last rows of the series, and takes plain rows. shingle times feature_dim is at most 10000."),
      boolean("_shuffle_sample", &Params::shuffle_sample)
          .or_else("false")
          .help("An extension: mix the sample before it is cut into trees. Without it trees get rows that follow each other where there are "
                "fewer than num_trees times num_samples_per_tree, as in the service."),
      integer("_seed", &Params::seed).at_least(0).help("Seed of this training. When absent, that of the run (--seed)."),
      ignored("epochs", Kind::integer).or_else("1").help("Sent by the service's clients: the rows are read once."),
      ignored("force_dense", Kind::boolean).or_else("true").help("Sent by the service's clients. Sparse rows are expanded anyway."),
  };
}

job::Table hyperparameters() {
  std::vector<job::Hyperparameter> all = documented();
  for (job::Hyperparameter& h : others()) all.push_back(std::move(h));
  return job::table<Params>(std::move(all), {job::rule<Params>([](const Params& p) -> std::optional<std::string> {
    const auto most = static_cast<std::int64_t>(kMostFeatures);
    if (p.shingle * p.feature_dim <= most) return std::nullopt;
    return fmt::format("Hyperparameter shingle: {} rows of {} features (feature_dim) make points of {} numbers; at most {}", p.shingle,
                       p.feature_dim, p.shingle * p.feature_dim, most);
  })});
}

std::vector<job::ChannelSpec> channels() {
  return {{.name = "train",
           .required = true,
           .content_types = {kRecordio, kTrainCsv},
           .input_modes = {"File", "Pipe"},
           .distribution = "ShardedByS3Key",
           .supervised = false,
           .help = "The rows to learn from, anomalies among them or not. A label is ignored, with a warning."},
          {.name = "test",
           .required = false,
           .content_types = {kRecordio, kTestCsv},
           .input_modes = {"File", "Pipe"},
           .distribution = "FullyReplicated",
           .supervised = true,
           .help = "Labelled rows on which the finished model is scored: 1 for an anomaly, 0 for none. With shingle a series of its own, whose "
                   "points have the labels of their last rows."}};
}

std::vector<job::MetricSpec> metrics() {
  using Goal = job::MetricSpec::Goal;
  const auto score = [](const char* name, const char* help, bool objective = false) {
    return job::MetricSpec{std::string("test:") + name, fmt::format(R"(#quality_metric: host=\S+, test {} <score>=(\S+))", name),
                           objective ? Goal::maximize : Goal::none, objective, help};
  };
  return {score("f1", "F1 of the anomalies: of the rows whose score is above the mean and 3 deviations of the test channel's scores.", true),
          score("accuracy", "Share of the rows that are taken for what they are."),
          score("precision", "Anomalies among the rows above the cut-off, as a share."),
          score("recall", "Anomalies above the cut-off, as a share of all anomalies."),
          score("negative_precision", "The same for the rows that are no anomalies."),
          score("negative_recall", "The same for the rows that are no anomalies."),
          score("negative_f1", "The same for the rows that are no anomalies.")};
}

std::vector<job::Example> examples() {
  return {{"a forest of a CSV file that has no label column, of all its rows mixed",
           "smtrain rcf --train points.csv --content-type \"text/csv;label_size=0\" --num_trees 50 --_shuffle_sample true -o points.forest.tar.gz"},
          {"a series by days: points of 24 hours, scored on a labelled series, metrics to a file",
           "smtrain rcf --train load.csv --content-type \"text/csv;label_size=0\" --test load-test.csv --content-type "
           "\"test=text/csv;label_size=1\" --shingle 24 --metrics load.jsonl -o load.forest.tar.gz"}};
}

std::vector<std::string> about() {
  return {"Cuts samples of the rows at random, again and again, until every point lies alone, and scores a row by how early it would be cut off: "
          "the expectation of 1 / depth over the trees as they would be built with it, times log2(points of a tree + 1). Common rows score about "
          "1 or less; the higher, the more anomalous. Scores of models with different numbers of samples per tree are not comparable.",
          "The sample is num_trees times num_samples_per_tree rows of one pass over the data, without replacement. It is cut into trees by "
          "consecutive rows, as the service does it: of data with fewer rows each tree sees its own stretch, unless _shuffle_sample is given.",
          "Cuts fall into a column with a probability proportional to its range: columns should be of one scale. A series is best given by "
          "shingles; --shingle makes them.",
          "A score alone is no decision. Mean and deviation of the sample's scores, and the cut-off of mean + 3 deviations, are printed, stored, "
          "shown by smtrain inspect, and used by the answer predicted_anomaly. attribution tells which columns a score comes from. Answers never "
          "change a model, unless smtrain transform is told to --update it.",
          "With --update each row is scored and then drawn for the sample, as in training. Where it replaces a point, that one leaves its tree and "
          "the row enters it, so that the tree stays one that could have been built of its points; --updated-model writes what comes of it.",
          "--model goes on with the sample of an earlier model: the result is a sample of all rows seen, and the trees are built anew. "
          "num_trees times num_samples_per_tree must be the same, or larger while the sample still holds all rows."};
}

std::vector<std::string> papers() {
  return {"S. Guha, N. Mishra, G. Roy, O. Schrijvers: Robust Random Cut Forest Based Anomaly Detection on Streams. ICML 2016",
          "J. Vitter: Random Sampling with a Reservoir. ACM TOMS 1985",
          "B.-H. Park, G. Ostrouchov, N. Samatova, A. Geist: Reservoir-Based Random Sampling with Replacement from Data Stream. SDM 2004"};
}

job::Description make_description() {
  job::Description d;
  d.name = "rcf";
  d.aliases = {"random-cut-forest", "randomcutforest"};
  d.title = "Random cut forest (RCF)";
  d.summary = "Scores rows of numbers by how anomalous they are";
  d.about = about();
  d.papers = papers();
  d.tasks = {"anomaly detection"};
  d.data = {"dense table", "sparse table"};
  d.devices = {"cpu"};
  d.log_name = "RandomCutForest";
  d.response_key = "scores";
  d.channels = channels();
  d.metrics = job::with_progress(metrics());
  d.accepts = {"text/csv", "application/json", "application/jsonlines", kRecordio};
  d.answers = {"application/json", "application/jsonlines", "text/csv", kRecordio};
  d.model_files = {"manifest.json: algorithm, hyperparameters, metrics",
                   "model_algo-1: a zip of forest.json and NumPy arrays: the trees node by node in preorder (tree_offset, cut_dim, cut_value, "
                   "right_child, mass, point), the sample (points), and the tree of each of its rows (tree)"};
  d.examples = examples();
  d.hyperparameters = hyperparameters();
  return d;
}

}  // namespace

const job::Algorithm& algorithm() {
  static const job::BuiltIn built_in(make_description(), {train, load, recognises});
  return built_in;
}

}  // namespace smtrain::rcf
