#include "algos/linear_learner/description.h"

#include "algos/linear_learner/params.h"

namespace smtrain::linear {
namespace {

using Goal = job::MetricSpec::Goal;

const char* const kRecordio = "application/x-recordio-protobuf";

job::ChannelSpec channel(const char* name, bool required, const char* distribution, const char* help) {
  return {.name = name,
          .required = required,
          .content_types = {kRecordio, "text/csv"},
          .input_modes = {"File", "Pipe"},
          .distribution = distribution,
          .supervised = true,
          .help = help};
}

std::vector<job::ChannelSpec> channels() {
  return {
      channel("train", true, "ShardedByS3Key", "Labelled rows to learn from, in an order that tells nothing about the label."),
      channel("validation", false, "FullyReplicated",
              "Labelled rows that choose the model, the epoch and the threshold. Without it the train channel does."),
      channel("test", false, "FullyReplicated", "Labelled rows on which the finished model is scored.")};
}

// A metric of a finished model: `what` as its line has it, with <loss> or <score>.
job::MetricSpec final_metric(const std::string& on, const std::string& name, const std::string& what, Goal goal,
                             std::string help) {
  return {on + ":" + name, R"(#quality_metric: host=\S+, )" + on + " " + what + R"(=(\S+))", goal, on != "train",
          std::move(help)};
}

void add_objectives(std::vector<job::MetricSpec>& all) {
  const std::string line = R"(#quality_metric: host=\S+, )", objective = R"(\S+_objective <loss>=(\S+))";
  for (const std::string on : {"train", "validation"}) {
    all.push_back({on + ":objective_loss", line + R"(epoch=\S+, )" + on + " " + objective, Goal::minimize, on == "validation",
                   "Loss of the first model on the " + on + " channel, after each epoch."});
    all.push_back({on + ":objective_loss:final", line + on + " " + objective, Goal::minimize, on == "validation",
                   "Loss of the model that was kept, on the " + on + " channel."});
  }
  all.push_back({"test:objective_loss", line + "test " + objective, Goal::minimize, true, "Loss on the test channel."});
}

void add_scores(std::vector<job::MetricSpec>& all, const std::string& on) {
  const std::string rows = " on the " + on + " channel.";
  const auto add = [&](const char* name, const char* what, Goal goal, const char* help) {
    all.push_back(final_metric(on, name, what, goal, help + rows));
  };
  add("binary_classification_accuracy", "binary_classification_accuracy <score>", Goal::maximize,
      "Share of rows labelled rightly");
  add("binary_f_beta", R"(binary_f_\S+ <score>)", Goal::maximize, "F score of label 1");
  add("precision", "precision <score>", Goal::maximize, "Share of rows with label 1 among those predicted so");
  add("recall", "recall <score>", Goal::maximize, "Share of rows predicted 1 among those with label 1");
  add("mse", "mse <loss>", Goal::minimize, "Mean squared error");
  add("absolute_loss", "absolute_loss <loss>", Goal::minimize, "Mean absolute error");
  if (on == "train") return;
  add("roc_auc_score", "roc_auc_score <score>", Goal::maximize, "Area under the ROC curve");
  add("multiclass_accuracy", "multiclass_accuracy <score>", Goal::maximize, "Share of rows labelled rightly");
  add("multiclass_top_k_accuracy", R"(multiclass_top_k_accuracy_\S+ <score>)", Goal::maximize,
      "Share of rows whose class is among the accuracy_top_k best");
  add("dcg", "dcg <score>", Goal::maximize, "Mean discounted gain of the rank of a row's class");
  add("macro_recall", "macro_recall <score>", Goal::maximize, "Mean of the classes' recall");
  add("macro_precision", "macro_precision <score>", Goal::maximize, "Mean of the classes' precision");
  add("macro_f_beta", R"(macro_f_\S+ <score>)", Goal::maximize, "Mean of the classes' F scores");
  add("rmse", "rmse <loss>", Goal::minimize, "Root of the mean squared error");
}

std::vector<job::MetricSpec> metrics() {
  std::vector<job::MetricSpec> all;
  add_objectives(all);
  for (const char* on : {"validation", "test", "train"}) add_scores(all, on);
  return all;
}

std::vector<job::Example> examples() {
  return {{"two classes; the label, 0 or 1, is the first column",
           "smtrain linear-learner --train loans.csv --predictor_type binary_classifier -o loans.model.tar.gz"},
          {"the threshold that finds nine of ten positives, chosen on other rows than those learned from",
           "smtrain linear-learner --train loans.csv --validation loans-test.csv --predictor_type binary_classifier "
           "--binary_classifier_model_selection_criteria precision_at_target_recall --target_recall 0.9 -o loans.model.tar.gz"},
          {"a number: one model, with its coefficients",
           "smtrain linear-learner --train rents.csv --predictor_type regressor --num_models 1 --epochs 40 --learning_rate 0.05 "
           "-o rents.model.tar.gz && smtrain inspect rents.model.tar.gz"}};
}

std::vector<std::string> about() {
  return {
      "Fits linear models by mini-batch descent: regression, two classes or several. Up to 32 models that differ in "
      "regularisation and learning rate are trained side by side over one reading of the data; the best model, the best "
      "epoch and, for two classes, the best decision threshold are kept.",
      "Labels are 0 and 1 for two classes and 0 to num_classes - 1 for several. Rows are taken in the order of the files: "
      "shuffle them beforehand. Rows carry no weights and one label each; positive_example_weight_mult and "
      "balance_multiclass_weights weigh classes, and several labels take a model each.",
      "The model answers with a score, and a predicted_label where there are classes: the score of a binary_classifier is a "
      "probability (logistic) or a distance (hinge_loss), and its threshold is stored in the model; that of several classes is "
      "the list of their probabilities. Weights are stored for features as they are in the data, whatever was normalised.",
      "The metrics train:objective_loss and validation:objective_loss follow the first model, not the one that is kept: "
      "validation:objective_loss:final is that one's."};
}

std::vector<std::string> papers() {
  return {
      "E. Liberty et al.: Elastic Machine Learning Algorithms in Amazon SageMaker. SIGMOD 2020",
      "D. Kingma, J. Ba: Adam: A Method for Stochastic Optimization. ICLR 2015",
      "J. Duchi, E. Hazan, Y. Singer: Adaptive Subgradient Methods for Online Learning and Stochastic Optimization. JMLR 2011",
      "R. Koenker, G. Bassett: Regression Quantiles. Econometrica 1978",
      "P. Huber: Robust Estimation of a Location Parameter. Annals of Mathematical Statistics 1964",
      "C. Cortes, V. Vapnik: Support-Vector Networks. Machine Learning 1995"};
}

std::vector<std::string> model_files() {
  return {"manifest.json: algorithm, hyperparameters, metrics",
          "model.safetensors: weights and bias on the scale of the data, the decision threshold, and what training goes on from",
          "model_algo-1: as the service writes it: a zip with a network of MXNet (mx-mod-symbol.json, mx-mod-0000.params) and "
          "additional-params.json"};
}

}  // namespace

job::Description describe() {
  job::Description d;
  d.name = "linear-learner";
  d.title = "Linear learner";
  d.summary = "Linear and logistic regression, linear classifiers of two or several classes";
  d.about = about();
  d.papers = papers();
  d.tasks = {"binary classification", "multiclass classification", "regression"};
  d.data = {"dense table", "sparse table"};
  d.devices = {"cpu", "cuda"};
  d.log_name = "Linear Learner";
  d.channels = channels();
  d.metrics = job::with_progress(metrics());
  d.accepts = {"text/csv", "application/json", "application/jsonlines", kRecordio};
  d.answers = {"application/json", "application/jsonlines", "text/csv", kRecordio};
  d.model_files = model_files();
  d.examples = examples();
  d.hyperparameters = hyperparameters();
  return d;
}

}  // namespace smtrain::linear
