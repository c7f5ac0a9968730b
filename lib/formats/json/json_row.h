// One instance as JSON: the forms the numeric built-ins take, turned into a dense or sparse row. Includes simdjson,
// so only sources of this folder include it.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/json/json_scan.h"
#include "formats/table_parser.h"
#include "formats/tensor_rules.h"

namespace smtrain::formats {

/// A row as read; reused from one to the next.
struct JsonRow {
  RowShape shape;
  std::vector<float> values;
  std::vector<std::uint32_t> keys;  ///< of sparse rows, ascending
  std::vector<float> labels;        ///< empty: none that is a number or a list of numbers
  std::optional<float> weight;
  std::optional<std::uint64_t> qid;
  std::string not_read;             ///< a label, weight or qid that is something else: "label: found \"cat\""
};

/// Reads instances:
///   {"features": [1.5, 16]}
///   {"data": {"features": {"values": [1.5, 16]}}}
///   {"data": {"features": {"keys": [0], "shape": [2], "values": [1.5]}}}
/// each perhaps with "label" (a number or a list of numbers), "weight" (a number) and "qid" (an integer of at least 0). Other
/// members are ignored. The element, a list or an object with values, may stand in either place. Throws user Errors
/// that name the field and not the place. One thread.
class JsonRowReader {
 public:
  /// `missing`: passed on, null is NaN and numbers beyond float32 are infinite; features, null is NaN there.
  explicit JsonRowReader(Missing missing) : missing_(missing) {}

  /// `known_dim`: as row_shape().
  const JsonRow& read(simdjson::dom::element instance, std::uint64_t known_dim);

  /// The usual forms (json_scan.h) without a parser; null for all else, which read() takes or refuses. kNumberReach bytes behind
  /// the line must be readable.
  const JsonRow* scan(std::string_view line, std::uint64_t known_dim);

 private:
  void read_values(simdjson::dom::element list, const TensorPath& path, std::string_view name);
  void read_tensor(simdjson::dom::object tensor, const TensorPath& path, std::uint64_t known_dim);
  void settle_tensor(const TensorPath& path, std::uint64_t known_dim);
  void settle_list(const TensorPath& path);
  void read_beside(simdjson::dom::element instance);
  bool read_label(simdjson::dom::element value, float& label) const;
  float number(simdjson::dom::element value, const TensorPath& path, std::string_view name, std::size_t index) const;

  Missing missing_;
  JsonRow row_;
  ScannedInstance scanned_;
  std::vector<std::uint64_t> keys_, shape_;
};

/// What a JSON value is, in words: `an array`, `"text"`, `null`, `3.5`.
std::string describe_json(simdjson::dom::element value);

}  // namespace smtrain::formats
