#include "formats/prediction.h"

#include <catch2/catch.hpp>

#include <limits>

#include "formats/recordio_samples.h"

using namespace smtrain;
using namespace smtrain::formats;
using smtrain::formats::testing::bytes_of;

namespace {

Prediction kmeans(std::vector<float> clusters, std::vector<float> distances) {
  const std::size_t rows = clusters.size();
  return {rows, {{"closest_cluster", 1, false, std::move(clusters)}, {"distance_to_cluster", 1, false, std::move(distances)}}};
}

std::string rendered(Format format, const std::vector<Prediction>& pieces, const std::string& key = "predictions") {
  PredictionWriter writer(format, key);
  std::string out;
  writer.begin(out);
  for (const Prediction& piece : pieces) writer.rows(piece, out);
  writer.end(out);
  return out;
}

}  // namespace

TEST_CASE("prediction: the k-means answers of the specification, in one piece and in two", "[formats]") {
  for (const auto& pieces : {std::vector{kmeans({3, 0}, {0.75f, 1.5f})}, std::vector{kmeans({3}, {0.75f}), kmeans({0}, {1.5f})}}) {
    CHECK(rendered(Format::json, pieces) ==
          R"({"predictions":[{"closest_cluster":3.0,"distance_to_cluster":0.75},{"closest_cluster":0.0,"distance_to_cluster":1.5}]})");
    CHECK(rendered(Format::jsonlines, pieces) ==
          "{\"closest_cluster\":3.0,\"distance_to_cluster\":0.75}\n{\"closest_cluster\":0.0,\"distance_to_cluster\":1.5}\n");
    CHECK(rendered(Format::csv, pieces) == "3.0,0.75\n0.0,1.5\n");
  }
}

TEST_CASE("prediction: recordIO answers are named entries of the label map", "[formats]") {
  const Prediction answers{1, {{"c", 1, false, {3.0f}}, {"d", 2, false, {0.75f, 1.0f}}}};
  CHECK(rendered(Format::recordio_protobuf, {answers}) ==
        bytes_of("0a 23 d7 ce 22 00 00 00 12 0d 0a 01 63 12 08 12 06 0a 04 00 00 40 40"
                 "12 11 0a 01 64 12 0c 12 0a 0a 08 00 00 40 3f 00 00 80 3f 00 00"));
}

TEST_CASE("prediction: lists, envelopes and no rows at all", "[formats]") {
  const Prediction lists{2, {{"projection", 2, false, {1, 2, 3, 4}}, {"one", 1, true, {5, 6}}}};
  CHECK(rendered(Format::json, {lists}, "projections") ==
        R"({"projections":[{"projection":[1.0,2.0],"one":[5.0]},{"projection":[3.0,4.0],"one":[6.0]}]})");
  CHECK(rendered(Format::csv, {lists}) == "1.0,2.0,5.0\n3.0,4.0,6.0\n");
  CHECK(rendered(Format::json, {}, "a\"b") == R"({"a\"b":[]})");
  CHECK(rendered(Format::jsonlines, {}).empty());
}

TEST_CASE("prediction: whole numbers beyond floats, lists in one cell, the order asked for", "[formats]") {
  Prediction answers{2, {{"score", 1, false, {0.5f, 1.5f}}, {"ids", 2, true, {}}, {"probabilities", 2, true, {0.4f, 0.6f, 1, 0}}}};
  answers.columns[1].integers = {16777217, -1, 9007199254740993, 4};
  answers.columns[2].csv_cell = true;
  CHECK(rendered(Format::jsonlines, {answers}) ==
        "{\"score\":0.5,\"ids\":[16777217,-1],\"probabilities\":[0.4,0.6]}\n"
        "{\"score\":1.5,\"ids\":[9007199254740993,4],\"probabilities\":[1.0,0.0]}\n");
  CHECK(rendered(Format::csv, {answers}) == "0.5,16777217,-1,\"[0.4, 0.6]\"\n1.5,9007199254740993,4,\"[1.0, 0.0]\"\n");
  CHECK_THAT(rendered(Format::recordio_protobuf, {answers}), Catch::Matchers::Contains(bytes_of("00 00 80 4b 00 00 80 bf")));
  Prediction labelled{1, {{"score", 1, false, {0.5f}}, {"predicted_label", 1, false, {1}, true}}};
  labelled.in_order = true;
  CHECK(rendered(Format::csv, {labelled}) == "0.5,1\n");
}

TEST_CASE("prediction: JSON has no number that is not finite", "[formats]") {
  const Prediction odd{1, {{"score", 1, false, {std::numeric_limits<float>::quiet_NaN()}}}};
  CHECK(rendered(Format::jsonlines, {odd}) == "{\"score\":null}\n");
  CHECK(rendered(Format::csv, {odd}) == "nan\n");
}

TEST_CASE("prediction: labels are integers in text and floats in protobuf", "[formats]") {
  const Prediction answers{2, {{"score", 1, false, {0.75f, 1.0f}}, {"predicted_label", 1, false, {1, 0}, true}}};
  CHECK(rendered(Format::json, {answers}) == R"({"predictions":[{"score":0.75,"predicted_label":1},{"score":1.0,"predicted_label":0}]})");
  CHECK(rendered(Format::jsonlines, {answers}) == "{\"score\":0.75,\"predicted_label\":1}\n{\"score\":1.0,\"predicted_label\":0}\n");
  CHECK(rendered(Format::csv, {answers}) == "1,0.75\n0,1.0\n");  // the label first
  CHECK_THAT(rendered(Format::recordio_protobuf, {answers}), Catch::Matchers::Contains(bytes_of("0a 04 00 00 80 3f")));
  const Prediction items{1, {{"items", 3, true, {12, -3, 16777216}, true}, {"odd", 1, false, {0.5f}, true}}};
  CHECK(rendered(Format::jsonlines, {items}) == "{\"items\":[12,-3,16777216],\"odd\":0.5}\n");
}
