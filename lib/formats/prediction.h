// Predictions as typed, named columns, and the one place that renders them as JSON, JSON Lines, CSV and recordIO.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/content_type.h"

namespace smtrain::formats {

/// One answer per row: `width` numbers each; row i at values[i * width].
struct PredictionColumn {
  std::string name;      ///< "closest_cluster"
  std::size_t width = 1;
  bool list = false;     ///< rendered as a JSON list even when width is 1
  std::vector<float> values = {};
  bool integer = false;  ///< whole numbers, as a label is: 1 in JSON, JSON Lines and CSV; protobuf has 1.0 all the same
  /// In place of values, whole numbers that a float might not hold: row numbers. Protobuf has the nearest floats.
  std::vector<std::int64_t> integers = {};
  /// CSV has a list as one quoted cell, "[0.4, 0.6]", instead of a cell for each number; without quotes where it is the whole of a
  /// plain answer, as the service's batch transform writes it.
  bool csv_cell = false;
};

struct Prediction {
  std::size_t rows = 0;
  std::vector<PredictionColumn> columns;
  bool in_order = false;  ///< CSV keeps the order of the columns
};

/// Renders predictions in pieces: begin, rows…, end. `key` is the member of the JSON envelope ("predictions", "scores").
///  json       {"predictions":[{"closest_cluster":3.0,"distance_to_cluster":0.75},…]}
///  jsonlines  one object per line
///  csv        columns of whole numbers, then the others, comma-separated, no header: the label first, as in CSV to train on; in the
///             order of the columns when they were asked for by name (`in_order`)
///  recordio   one Record per row, answers in the label map, features empty
/// JSON has null for what is not finite. Integral floats are written as 3.0, those of integer columns as 3. Numbers are the shortest that read back the same.
class PredictionWriter {
 public:
  PredictionWriter(Format format, std::string key) : format_(format), key_(std::move(key)) {}
  void begin(std::string& out);
  void rows(const Prediction& prediction, std::string& out);
  void end(std::string& out);

 private:
  Format format_;
  std::string key_;
  bool first_ = true;
};

}  // namespace smtrain::formats
