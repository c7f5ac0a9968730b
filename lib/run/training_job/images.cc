#include "run/training_job/images.h"

#include <array>
#include <utility>

#include "base/text.h"

namespace smtrain::run::training_job {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 18> kAlgorithms = {{
    {"blazingtext", "blazingtext"},
    {"factorization-machines", "factorization-machines"},
    {"forecasting-deepar", "deepar"},
    {"image-classification", "image-classification"},
    {"ipinsights", "ipinsights"},
    {"kmeans", "kmeans"},
    {"knn", "knn"},
    {"lda", "lda"},
    {"linear-learner", "linear-learner"},
    {"ntm", "ntm"},
    {"object-detection", "object-detection"},
    {"object2vec", "object2vec"},
    {"pca", "pca"},
    {"randomcutforest", "randomcutforest"},
    {"sagemaker-xgboost", "xgboost"},
    {"semantic-segmentation", "semantic-segmentation"},
    {"seq2seq", "seq2seq"},
    {"xgboost", "xgboost"},
}};

}  // namespace

Image parse_image(std::string_view image) {
  Image out;
  image = image.substr(0, image.find('@'));
  std::string_view last = image.substr(image.rfind('/') == std::string_view::npos ? 0 : image.rfind('/') + 1);
  const std::size_t colon = last.find(':');
  out.repository = std::string(last.substr(0, colon));
  if (colon != std::string_view::npos) out.tag = std::string(last.substr(colon + 1));
  for (const auto& [repository, algorithm] : kAlgorithms) {
    if (repository == out.repository) out.algorithm = std::string(algorithm);
  }
  return out;
}

std::string device_of(std::string_view instance_type) {
  if (instance_type.empty() || instance_type == "local") return "auto";
  if (instance_type == "local_gpu") return "cuda";
  if (instance_type.starts_with("ml.")) instance_type.remove_prefix(3);
  return instance_type.starts_with('p') || instance_type.starts_with('g') ? "cuda" : "cpu";
}

}  // namespace smtrain::run::training_job
