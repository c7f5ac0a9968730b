#include "run/training_job/images.h"

#include <catch2/catch.hpp>

using namespace smtrain;
using namespace smtrain::run::training_job;

TEST_CASE("images: repository and tag", "[run][training_job]") {
  CHECK(parse_image("<registry>/kmeans:1").algorithm == "kmeans");
  CHECK(parse_image("host:5000/a/forecasting-deepar").algorithm == "deepar");
  CHECK(parse_image("host:5000/a/forecasting-deepar").tag.empty());
  CHECK(parse_image("sagemaker-xgboost:1.7-1").tag == "1.7-1");
  CHECK(parse_image("x/mine:2@sha256:abc").repository == "mine");
  CHECK(parse_image("x/mine:2@sha256:abc").tag == "2");
  CHECK(parse_image("x/mine:2").algorithm.empty());
  CHECK(device_of("local") == "auto");
  CHECK(device_of("local_gpu") == "cuda");
  CHECK(device_of("ml.p3.2xlarge") == "cuda");
  CHECK(device_of("ml.g5.xlarge") == "cuda");
  CHECK(device_of("ml.c5.xlarge") == "cpu");
}
