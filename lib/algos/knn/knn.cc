#include "algos/knn/knn.h"

#include <algorithm>
#include <fmt/format.h>

#include "algos/knn/params.h"
#include "algos/knn/predictor.h"
#include "algos/knn/trainer.h"

namespace smtrain::knn {
namespace {

using job::choice;
using job::integer;

const char* const kRecordio = "application/x-recordio-protobuf";

std::vector<job::Hyperparameter> model_hyperparameters() {
  return {
      integer("feature_dim", &Params::feature_dim)
          .from_data()
          .or_auto()
          .at_least(1)
          .help(
              "The number of feature columns, the label not counted. Checked against the data when given; with auto, or without it, the "
              "data tells it."),
      integer("k", &Params::k)
          .required()
          .at_least(1)
          .tunable(1, 1024)
          .help("The number of neighbours that are asked. It may be changed afterwards, in the model's model_algo-1.json."),
      choice("predictor_type", &Params::predictor_type)
          .of({{"classifier", Task::classifier}, {"regressor", Task::regressor}})
          .required()
          .help("Whether the neighbours vote for a label, or their labels are averaged."),
      integer("sample_size", &Params::sample_size)
          .required()
          .at_least(1)
          .tunable(256, 20'000'000)
          .help("Rows kept: a uniform sample of all rows, or all of them where there are fewer."),
      integer("mini_batch_size", &Params::mini_batch_size)
          .at_least(1)
          .or_else("5000")
          .help("Rows read at once. It does not change what is learnt."),
  };
}

std::vector<job::Hyperparameter> reduction_hyperparameters() {
  return {
      choice("dimension_reduction_type", &Params::dimension_reduction_type)
          .of({{"sign", Reduction::sign}, {"fjlt", Reduction::fjlt}})
          .help(
              "The random projection that shortens rows before they are kept: sign multiplies with a matrix of random signs, fjlt mixes "
              "the columns (Walsh-Hadamard) and draws some of them, which is quicker for wide rows. Meant for more than 1000 columns."),
      integer("dimension_reduction_target", &Params::dimension_reduction_target)
          .at_least(1)
          .help("The width of projected rows, less than feature_dim. Goes with dimension_reduction_type."),
  };
}

std::vector<job::Hyperparameter> index_hyperparameters() {
  return {
      choice("index_type", &Params::index_type)
          .of({{"faiss.Flat", IndexKind::flat}, {"faiss.IVFFlat", IndexKind::ivf_flat}, {"faiss.IVFPQ", IndexKind::ivf_pq}})
          .or_else("faiss.Flat")
          .help("How rows are searched: all of them, exactly; those of the lists nearest to the query; or the same with rows stored as "
                "codes "
                "of faiss_index_pq_m bytes."),
      choice("index_metric", &Params::index_metric)
          .of({{"L2", Metric::l2}, {"INNER_PRODUCT", Metric::inner_product}, {"COSINE", Metric::cosine}})
          .or_else("L2")
          .help("What makes rows near: a small Euclidean distance, a large inner product, or a small angle."),
      integer("faiss_index_ivf_nlists", &Params::faiss_index_ivf_nlists)
          .or_auto()
          .at_least(1)
          .or_else("auto")
          .help("The lists of faiss.IVFFlat and faiss.IVFPQ. auto: the square root of the rows kept."),
      integer("faiss_index_pq_m", &Params::faiss_index_pq_m)
          .at_least(1)
          .help("Of faiss.IVFPQ: the parts that a row is cut into, each coded in one byte. faiss on GPUs takes 1, 2, 3, 4, 8, 12, 16, "
                "20, 24, 28, "
                "32, 40, 48, 56, 64 and 96. When absent, the largest of these that is at most 16 and the width of a row."),
      integer("_faiss_index_nprobe", &Params::nprobe)
          .at_least(1)
          .or_else("5")
          .help("Of faiss.IVFFlat and faiss.IVFPQ: the lists that a query looks through. Internal to the service, where it is 5."),
  };
}

std::vector<job::Hyperparameter> other_hyperparameters() {
  return {
      integer("epochs", &Params::epochs).between(1, 1).or_else("1").help("Passes over the train channel: one."),
  };
}

std::optional<std::string> reduction_without_target(const Params& p) {
  if (p.dimension_reduction_type == Reduction::none || p.dimension_reduction_target != 0) return std::nullopt;
  return "Hyperparameter dimension_reduction_target: is missing; dimension_reduction_type needs the width of projected rows";
}

std::optional<std::string> target_without_reduction(const Params& p) {
  if (p.dimension_reduction_type != Reduction::none || p.dimension_reduction_target == 0) return std::nullopt;
  return "Hyperparameter dimension_reduction_type: is missing; dimension_reduction_target goes with sign or fjlt";
}

std::optional<std::string> target_too_wide(const Params& p) {
  if (p.dimension_reduction_type == Reduction::none || !p.feature_dim || p.dimension_reduction_target < *p.feature_dim)
    return std::nullopt;
  return fmt::format("Hyperparameter dimension_reduction_target: is {}; must be less than feature_dim, which is {}",
                     p.dimension_reduction_target, *p.feature_dim);
}

std::optional<std::string> codes_by_another_metric(const Params& p) {
  if (p.index_type != IndexKind::ivf_pq || p.index_metric == Metric::l2) return std::nullopt;
  return fmt::format("Hyperparameter index_metric: is {}; faiss.IVFPQ goes with L2 alone",
                     p.index_metric == Metric::cosine ? "COSINE" : "INNER_PRODUCT");
}

std::optional<std::string> k_above_sample(const Params& p) {
  if (p.k <= p.sample_size) return std::nullopt;
  return fmt::format("Hyperparameter k: is {}; {} neighbours cannot be found among sample_size={} rows", p.k, p.k, p.sample_size);
}

job::Table hyperparameters() {
  std::vector<job::Hyperparameter> all;
  for (const auto& part : {model_hyperparameters(), reduction_hyperparameters(), index_hyperparameters(), other_hyperparameters()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  std::vector<job::Rule> rules;
  for (const auto& check :
       {reduction_without_target, target_without_reduction, target_too_wide, codes_by_another_metric, k_above_sample}) {
    rules.push_back(job::rule<Params>(check));
  }
  return job::table<Params>(std::move(all), std::move(rules));
}

std::vector<job::ChannelSpec> channels() {
  return {{.name = "train",
           .required = true,
           .content_types = {kRecordio, "text/csv"},
           .input_modes = {"File", "Pipe"},
           .distribution = "ShardedByS3Key",
           .supervised = true,
           .help = "Labelled rows, of which a sample is kept."},
          {.name = "test",
           .required = false,
           .content_types = {kRecordio, "text/csv"},
           .input_modes = {"File", "Pipe"},
           .distribution = "FullyReplicated",
           .supervised = true,
           .help = "Labelled rows on which the finished model is scored."}};
}

std::vector<job::MetricSpec> metrics() {
  using Goal = job::MetricSpec::Goal;
  return {{"test:accuracy", R"(#quality_metric: host=\S+, test accuracy <score>=(\S+))", Goal::maximize, true,
           "Share of the rows of the test channel whose label is predicted (classifier)."},
          {"test:mse", R"(#quality_metric: host=\S+, test mse <loss>=(\S+))", Goal::minimize, true,
           "Mean squared difference between the labels of the test channel and their predictions (regressor)."}};
}

std::vector<job::Example> examples() {
  return {{"five neighbours vote; the label is the first column; accuracy for many k is printed",
           "smtrain knn --train loans.csv --test loans-test.csv --k 5 --predictor_type classifier --sample_size 10000 "
           "-o loans.model.tar.gz"},
          {"the mean of ten neighbours; then who they are, how far away, and where they stand in the input",
           "smtrain knn --train rents.csv --k 10 --predictor_type regressor --sample_size 10000 -o rents.model.tar.gz && "
           "smtrain transform --model rents.model.tar.gz --input rents.csv --content-type \"text/csv;label_size=1\" "
           "--columns predicted_label,distances,labels,ids --output rents.jsonl"}};
}

std::vector<std::string> about() {
  return {
      "Keeps a uniform sample of the rows in an index, and answers a query from the labels of the k rows nearest to it: by their vote, "
      "ties going to the smallest label, or by their mean. Rows are drawn in one pass (reservoir sampling).",
      "Distances are squared for L2 (ascending); INNER_PRODUCT and COSINE report products (descending). Features are compared as they "
      "are: bring them to one scale beforehand.",
      "faiss.Flat finds the same neighbours as float64 arithmetic, lower rows first among equals. faiss.IVFFlat and faiss.IVFPQ are "
      "approximate; training reports how many of the true neighbours they find.",
      "With verbose=true in the accepted type, an answer holds the distances and labels of the neighbours, nearest first; by --columns "
      "also ids, the row positions in the training input, and vote_share. Where an inverted file holds fewer than k candidates, the "
      "places left are null (ids: -1).",
      "The index is a file of the faiss library, which opens it. k and predictor_type are read from model_algo-1.json when the model "
      "is opened, and may be edited there."};
}

std::vector<std::string> papers() {
  return {"J. Johnson, M. Douze, H. Jegou: Billion-scale similarity search with GPUs. IEEE Transactions on Big Data 2019",
          "H. Jegou, M. Douze, C. Schmid: Product Quantization for Nearest Neighbor Search. IEEE TPAMI 2011",
          "J. Vitter: Random Sampling with a Reservoir. ACM Transactions on Mathematical Software 1985",
          "D. Achlioptas: Database-friendly random projections. Journal of Computer and System Sciences 2003",
          "N. Ailon, B. Chazelle: The Fast Johnson-Lindenstrauss Transform and Approximate Nearest Neighbors. SIAM Journal on Computing "
          "2009"};
}

job::Description make_description() {
  job::Description d;
  d.name = "knn";
  d.aliases = {"k-nn", "k-nearest-neighbors"};
  d.title = "k-nearest neighbours";
  d.summary = "Classifies or averages by the labels of the nearest rows";
  d.about = about();
  d.papers = papers();
  d.tasks = {"binary classification", "multiclass classification", "regression"};
  d.data = {"dense table", "sparse table"};
  d.devices = {"cpu", "cuda"};
  d.log_name = "AWS/KNN";
  d.channels = channels();
  d.metrics = job::with_progress(metrics());
  d.accepts = {"text/csv", "application/json", "application/jsonlines", kRecordio};
  d.answers = {"application/json", "application/jsonlines", "text/csv", kRecordio};
  d.model_files = {
      "manifest.json: algorithm, hyperparameters, metrics",
      "model_algo-1: the index, a file of the faiss library",
      "model_algo-1.labels: the label of each row of the index, float32",
      "model_algo-1.json: k, predictor_type, the projection's seed; k and predictor_type may be edited",
      "model_algo-1.projection: where rows are projected, the projection for other programs: of sign the matrix, target by "
      "feature_dim, float32; of fjlt the signs of the columns, float32, then the numbers of the transform's coordinates, int32",
      "model.safetensors: where each row of the index stands in the training input"};
  d.examples = examples();
  d.hyperparameters = hyperparameters();
  return d;
}

}  // namespace

const job::Algorithm& algorithm() {
  static const job::BuiltIn built_in(make_description(), {train, load, recognises});
  return built_in;
}

}  // namespace smtrain::knn
