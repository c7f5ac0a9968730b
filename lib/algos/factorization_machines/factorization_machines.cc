#include "algos/factorization_machines/factorization_machines.h"

#include <fmt/format.h>

#include "algos/factorization_machines/params.h"
#include "algos/factorization_machines/predictor.h"
#include "algos/factorization_machines/trainer.h"

namespace smtrain::fm {
namespace {

using job::boolean;
using job::choice;
using job::integer;
using job::number;

const char* const kRecordio = "application/x-recordio-protobuf";
constexpr double kLeast = 1e-8, kMost = 512;  // suggested by the service for every rate, decay and start

std::vector<job::Hyperparameter> model_hyperparameters() {
  return {
      integer("feature_dim", &Params::feature_dim)
          .from_data()
          .at_least(1)
          .help("The number of features, between 10,000 and 10,000,000 as a rule. Checked against the data when given."),
      integer("num_factors", &Params::num_factors)
          .required()
          .at_least(1)
          .help("The number of factors k of each feature: the rank of the interactions. Between 2 and 1000 as a rule; 64 is a good start."),
      choice("predictor_type", &Params::predictor_type)
          .of({{"binary_classifier", Task::binary_classifier}, {"regressor", Task::regressor}})
          .required()
          .help("What is predicted: the probability that a label of 0 or 1 is 1, or a number."),
      integer("epochs", &Params::epochs).at_least(1).or_else("1").tunable(1, 1000).help("Passes over the train channel."),
      integer("mini_batch_size", &Params::mini_batch_size)
          .at_least(1)
          .or_else("1000")
          .tunable(100, 10000)
          .help("Rows of a mini-batch: the parameters move once for each."),
  };
}

std::vector<job::Hyperparameter> optimizer_hyperparameters() {
  return {
      number("clip_gradient", &Params::clip_gradient)
          .help("Keeps each entry of a gradient within plus and minus this, after decay was added. Without it, or at 0 and below, "
                "nothing is clipped."),
      number("eps", &Params::eps).help("Added to the denominator of Adam's step. 1e-8 when absent."),
      number("rescale_grad", &Params::rescale_grad)
          .help("Multiplies the gradient of a mini-batch before decay is added. When absent, one over the rows of the mini-batch."),
      boolean("use_bias", &Params::use_bias).or_else("true").help("Whether there is a bias w0; without it w0 is 0. Undocumented by the service."),
      boolean("use_linear", &Params::use_linear)
          .or_else("true")
          .help("Whether there are linear terms; without them all w are 0. Undocumented by the service."),
      integer("batch_metrics_publish_interval", &Params::batch_metrics_publish_interval)
          .at_least(1)
          .or_else("500")
          .help("Mini-batches between two reports of the training metrics within an epoch. Undocumented by the service."),
  };
}

/// The member pointers and defaults of a group.
struct GroupFields {
  std::string name, what;
  double Params::*lr;
  double Params::*wd;
  Start Params::*method;
  std::optional<double> Params::*scale;
  double Params::*sigma;
  std::optional<double> Params::*value;
  std::string lr_default, wd_default, sigma_default;
};

std::vector<job::Hyperparameter> group_hyperparameters(const GroupFields& g) {
  return {
      number(g.name + "_lr", g.lr)
          .at_least(0)
          .or_else(g.lr_default)
          .tunable(kLeast, kMost)
          .help(fmt::format("The learning rate of {}: about the most that it moves at one mini-batch.", g.what)),
      number(g.name + "_wd", g.wd)
          .at_least(0)
          .or_else(g.wd_default)
          .tunable(kLeast, kMost)
          .help(fmt::format("The weight decay (L2) of {}, which is added to its gradient.", g.what)),
      choice(g.name + "_init_method", g.method)
          .of({{"normal", Start::normal}, {"uniform", Start::uniform}, {"constant", Start::constant}})
          .or_else("normal")
          .tunable({"constant", "normal", "uniform"})
          .help(fmt::format("How {} starts.", g.what)),
      number(g.name + "_init_scale", g.scale)
          .at_least(0)
          .tunable(kLeast, kMost)
          .help(fmt::format("Of {0}_init_method=uniform: {1} starts between minus and plus this.", g.name, g.what)),
      number(g.name + "_init_sigma", g.sigma)
          .at_least(0)
          .or_else(g.sigma_default)
          .tunable(kLeast, kMost)
          .help(fmt::format("Of {0}_init_method=normal: the standard deviation of the start of {1}.", g.name, g.what)),
      number(g.name + "_init_value", g.value)
          .tunable(kLeast, kMost)
          .help(fmt::format("Of {0}_init_method=constant: where {1} starts.", g.name, g.what)),
  };
}

// What each method of starting needs, named by the key that is missing.
std::optional<std::string> start_problem(const Group& g) {
  if (g.start == Start::uniform && !g.scale) {
    return fmt::format("Hyperparameter {0}_init_scale: is missing; {0}_init_method=uniform starts between minus and plus it", g.name);
  }
  if (g.start == Start::constant && !g.value) {
    return fmt::format("Hyperparameter {0}_init_value: is missing; {0}_init_method=constant starts there", g.name);
  }
  return std::nullopt;
}

std::optional<std::string> useless_factors(const Params& p) {
  const Group v = factors_of(p);
  const bool zero = (v.start == Start::normal && v.sigma == 0) || (v.start == Start::uniform && v.scale == 0.0) ||
                    (v.start == Start::constant && v.value == 0.0);
  if (!zero) return std::nullopt;
  const char* key = v.start == Start::normal ? "sigma" : v.start == Start::uniform ? "scale" : "value";
  return fmt::format("Hyperparameter factors_init_{}: is 0; factors that start at 0 have no gradient and stay there, which makes num_factors={} "
                     "useless; give a small number such as 0.001", key, p.num_factors);
}

std::vector<job::Rule> rules() {
  std::vector<job::Rule> all;
  for (std::size_t i = 0; i < 3; ++i) {
    all.push_back(job::rule<Params>([i](const Params& p) { return start_problem(groups_of(p)[i]); }));
  }
  all.push_back(job::rule<Params>(useless_factors));
  return all;
}

job::Table hyperparameters() {
  const GroupFields bias{"bias", "the bias w0", &Params::bias_lr, &Params::bias_wd, &Params::bias_init_method, &Params::bias_init_scale,
                         &Params::bias_init_sigma, &Params::bias_init_value, "0.1", "0.01", "0.01"};
  const GroupFields linear{"linear", "the linear terms w", &Params::linear_lr, &Params::linear_wd, &Params::linear_init_method,
                           &Params::linear_init_scale, &Params::linear_init_sigma, &Params::linear_init_value, "0.001", "0.001", "0.01"};
  const GroupFields factors{"factors", "the factors V", &Params::factors_lr, &Params::factors_wd, &Params::factors_init_method,
                            &Params::factors_init_scale, &Params::factors_init_sigma, &Params::factors_init_value, "0.0001", "0.00001",
                            "0.001"};
  std::vector<job::Hyperparameter> all;
  for (const auto& part : {model_hyperparameters(), optimizer_hyperparameters(), group_hyperparameters(bias), group_hyperparameters(linear),
                           group_hyperparameters(factors)}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return job::table<Params>(std::move(all), rules());
}

std::vector<job::ChannelSpec> channels() {
  return {{.name = "train",
           .required = true,
           .content_types = {kRecordio},
           .input_modes = {"File", "Pipe"},
           .distribution = "ShardedByS3Key",
           .supervised = true,
           .help = "Rows with one label each: 0 or 1 of a binary_classifier, any number of a regressor. Features may be any real numbers. "
                   "Mini-batches follow the order of the files; shuffle them beforehand."},
          {.name = "test",
           .required = false,
           .content_types = {kRecordio},
           .input_modes = {"File", "Pipe"},
           .distribution = "FullyReplicated",
           .supervised = true,
           .help = "Rows with labels on which the finished model is scored."}};
}

std::vector<job::MetricSpec> metrics() {
  using Goal = job::MetricSpec::Goal;
  const auto test = [](const char* published, const char* printed, const char* kind, Goal goal, const char* help) {
    return job::MetricSpec{fmt::format("test:{}", published), fmt::format(R"(#quality_metric: host=\S+, test {} <{}>=(\S+))", printed, kind),
                           goal, true, help};
  };
  const auto train = [](const char* published, const char* printed, const char* kind, const char* help) {
    return job::MetricSpec{fmt::format("train:{}", published),
                           fmt::format(R"(#quality_metric: host=\S+, epoch=\S+, train {} <{}>=(\S+))", printed, kind), Goal::none, false, help};
  };
  return {test("rmse", "rmse", "loss", Goal::minimize, "Regression: root of the mean squared error."),
          test("binary_classification_accuracy", "binary_classification_accuracy", "score", Goal::maximize,
               "Binary: rows whose label is the likelier one."),
          test("binary_classification_cross_entropy", "binary_classification_cross_entropy", "loss", Goal::minimize,
               "Binary: mean negative log likelihood."),
          test("binary_f_beta", R"(binary_f_1\.000)", "score", Goal::maximize, "Binary: F1 at the threshold 0.5."),
          train("rmse", "rmse", "loss", "Regression: root of the mean squared error over the epoch so far."),
          train("mse", "mse", "loss", "Regression: mean squared error over the epoch so far."),
          train("absolute_loss", "absolute_loss", "loss", "Regression: mean absolute error over the epoch so far."),
          train("binary_classification_accuracy", "binary_classification_accuracy", "score", "Binary: accuracy over the epoch so far."),
          train("binary_classification_cross_entropy", "binary_classification_cross_entropy", "loss",
                "Binary: cross entropy over the epoch so far."),
          train("binary_f_beta", R"(binary_f_1\.000)", "score", "Binary: F1 over the epoch so far.")};
}

std::vector<job::Example> examples() {
  return {{"ratings of films by users, one-hot in a libsvm file",
           "smtrain factorization-machines --train ratings.libsvm --predictor_type regressor --num_factors 8 --epochs 20 "
           "--factors_lr 0.01 --linear_lr 0.01 --factors_init_sigma 0.1 -o ratings.model.tar.gz"},
          {"whether a rating is good, scored on a test channel, metrics to a file",
           "smtrain factorization-machines --train liked.libsvm --test liked-test.libsvm --predictor_type binary_classifier "
           "--num_factors 8 --epochs 10 --factors_lr 0.01 --linear_lr 0.01 --metrics liked.jsonl -o liked.model.tar.gz"}};
}

std::vector<std::string> about() {
  return {"A linear model plus the interactions of all pairs of features, each pair weighed by the inner product of the factors of its "
          "two features. Made for wide, sparse rows: clicks, ratings, recommendations.",
          "Adam moves the parameters once per mini-batch. Of sparse rows only those of features that occur in the mini-batch move, decay "
          "included; features that never occur keep their start, which is noise at inference. Rows come in file order: shuffle beforehand.",
          "A parameter moves by about its rate per mini-batch at most, so that the default rates of one epoch underfit small data. For "
          "such data try factors_lr and linear_lr between 0.001 and 0.02 and several epochs.",
          "Answers: score (a number, or the probability of label 1) and, of a binary_classifier, predicted_label (score at least 0.5). "
          "transform --top ranks candidates, such as the items for a user.",
          "For retrieval by inner product, convert exports the factors and linear terms of a model: smtrain convert model.tar.gz v.npy --to "
          "\"application/x-npy;tensor=v\", and likewise tensor=w1_weight and tensor=w0_weight. The vector of an item is its row of v and then "
          "its linear term, that of a user its row of v and then 1."};
}

std::vector<std::string> papers() {
  return {"S. Rendle: Factorization Machines. ICDM 2010", "D. Kingma, J. Ba: Adam: A Method for Stochastic Optimization. ICLR 2015"};
}

job::Description make_description() {
  job::Description d;
  d.name = "factorization-machines";
  d.aliases = {"fm", "factorization_machine"};
  d.title = "Factorization machines";
  d.summary = "Predicts numbers or classes from wide sparse rows by pairwise interactions";
  d.about = about();
  d.papers = papers();
  d.tasks = {"regression", "binary classification"};
  d.data = {"sparse table", "dense table"};
  d.devices = {"cpu", "cuda"};
  d.log_name = "factorization-machines";
  d.channels = channels();
  d.metrics = job::with_progress(metrics());
  d.accepts = {"application/json", "application/jsonlines", kRecordio};
  d.answers = {"application/json", "application/jsonlines", kRecordio};
  d.model_files = {"manifest.json: algorithm, hyperparameters, metrics",
                   "model.safetensors: v (feature_dim x num_factors), w1_weight (feature_dim x 1), w0_weight (1), and the moments of Adam",
                   "model_algo-1: as the service writes it, a zip of symbol.json, params and meta.json that an MXNet Module loads"};
  d.examples = examples();
  d.hyperparameters = hyperparameters();
  return d;
}

}  // namespace

const job::Algorithm& algorithm() {
  static const job::BuiltIn built_in(make_description(), {train, load, recognises});
  return built_in;
}

}  // namespace smtrain::fm
