#include "algos/xgboost/xgboost.h"

#include "algos/xgboost/artifact.h"
#include "algos/xgboost/metric_list.h"
#include "algos/xgboost/params.h"
#include "algos/xgboost/predictor.h"
#include "algos/xgboost/trainer.h"

namespace smtrain::xgboost {
namespace {

const char* const kRecordio = "application/x-recordio-protobuf";

std::vector<job::ChannelSpec> channels() {
  const auto channel = [](const char* name, bool required, const char* distribution, const char* help) {
    return job::ChannelSpec{.name = name,
                            .required = required,
                            .content_types = {"text/libsvm", "text/csv", "application/x-parquet", kRecordio},
                            .input_modes = {"File", "Pipe"},
                            .distribution = distribution,
                            .supervised = true,
                            .help = help};
  };
  return {channel("train", true, "ShardedByS3Key", "Labelled rows to learn from."),
          channel("validation", false, "FullyReplicated", "Labelled rows that every round is scored on, for early stopping."),
          channel("test", false, "FullyReplicated", "Labelled rows on which the finished model is scored.")};
}

// The log shows the TAB before a name as #011.
job::MetricSpec spec(const MetricKind& kind, const std::string& channel) {
  using Goal = job::MetricSpec::Goal;
  return {channel + ":" + kind.name, R"(.*\[[0-9]+\].*#011)" + channel + "-" + kind.name + R"(:(\S+))", kind.maximised ? Goal::maximize : Goal::minimize,
          channel == "validation", kind.help + " on the " + channel + " channel, after each round."};
}

std::vector<job::MetricSpec> metrics() {
  std::vector<job::MetricSpec> all;
  for (const char* channel : {"validation", "train"}) {
    for (const MetricKind& kind : metric_kinds()) all.push_back(spec(kind, channel));
  }
  return all;
}

std::vector<job::Example> examples() {
  return {{"two classes; the label, 0 or 1, is the first column",
           "smtrain xgboost --train loans.csv --objective binary:logistic --num_round 50 -o loans.model.tar.gz"},
          {"a number, until ten rounds have not improved the error on other rows",
           "smtrain xgboost --train rents.csv --validation rents.csv --num_round 200 --eval_metric rmse --early_stopping_rounds 10 "
           "-o rents.model.tar.gz && smtrain inspect rents.model.tar.gz"},
          {"five folds: a model each, and predictions.csv with answers for rows a model has not seen",
           "smtrain xgboost --train loans.csv --objective binary:logistic --num_round 20 --_kfold 5 -o folds.model.tar.gz"}};
}

std::vector<std::string> about() {
  return {"Gradient boosted trees, boosted linear models and DART by the XGBoost library of the machine, which is opened when it is needed: "
          "libxgboost.so.0 (Debian's libxgboost0), or the file that SMTRAIN_XGBOOST_LIB names. Its version is in smtrain info and in the log.",
          "Everything given goes to the engine by its name, and what is not given is the engine's default. A hyperparameter that nothing would use "
          "is refused instead of ignored. Trees are the same, to the byte, for every number of threads, and those of the engine's Python package "
          "with the same data, parameters and seed; so are the lines of the evaluation. updater shotgun of gblinear is not reproducible on "
          "several threads and gets one.",
          "Absent indices of sparse rows and empty cells of CSV are missing values, not zeros. Labels are 0 and 1 for binary objectives, 0 to "
          "num_class - 1 for several classes, times above 0 for survival:aft and, for survival:cox, negative where a row is censored.",
          "--model goes on with num_round more rounds, or goes over the model's trees with process_type=update."};
}

job::Description make_description() {
  job::Description d;
  d.name = "xgboost";
  d.title = "XGBoost";
  d.summary = "Gradient boosted trees for regression, classification and ranking";
  d.about = about();
  d.papers = {"T. Chen, C. Guestrin: XGBoost: A Scalable Tree Boosting System. KDD 2016",
              "K. Rashmi, R. Gilad-Bachrach: DART: Dropouts meet Multiple Additive Regression Trees. AISTATS 2015"};
  d.tasks = {"binary classification", "multiclass classification", "regression", "ranking"};
  d.data = {"dense table", "sparse table"};
  d.devices = {"cpu"};
  d.log_name = "XGBoost";
  d.channels = channels();
  d.metrics = metrics();
  d.accepts = {"text/csv", "text/libsvm", kRecordio};
  d.answers = {"text/csv", "application/json", "application/jsonlines", kRecordio};
  d.model_files = {"manifest.json: algorithm, hyperparameters, metrics",
                   "xgboost-model: the model as XGBoost itself writes it (UBJSON), for any of its bindings; xgboost-model-0, ... with _kfold",
                   "predictions.csv: with _kfold, label and mean prediction, or label, mean probability and class, of every row"};
  d.examples = examples();
  d.missing_values = true;
  d.guesses_delimiter = true;
  d.default_answer = "text/csv";
  d.hyperparameters = hyperparameters();
  return d;
}

}  // namespace

const job::Algorithm& algorithm() {
  static const job::BuiltIn built_in(make_description(), {train, load, recognises});
  return built_in;
}

}  // namespace smtrain::xgboost
