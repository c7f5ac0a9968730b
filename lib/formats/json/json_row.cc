#include "formats/json/json_row.h"

#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::formats {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

constexpr const char* kRightForm = R"({"features":[1.5,16]} or {"data":{"features":{"values":[1.5,16]}}})";

// The tensor of an instance and its path.
struct Features {
  element value;
  TensorPath path;
};

Features find_features(element instance) {
  object members;
  if (instance.get(members) != simdjson::SUCCESS) {
    throw user_error("found {}, expected an object such as {}", describe_json(instance), kRightForm);
  }
  element found;
  if (members["features"].get(found) == simdjson::SUCCESS) return {found, {"features", ""}};
  element data;
  if (members["data"].get(data) != simdjson::SUCCESS) {
    throw user_error("neither \"features\" nor \"data\" is there, expected an object such as {}", kRightForm);
  }
  if (data["features"].get(found) != simdjson::SUCCESS) {
    throw user_error("data: no member \"features\", expected an object such as {}", kRightForm);
  }
  return {found, {"data.features", ""}};
}

array list_of(element value, const std::string& path, const char* of) {
  array list;
  if (value.get(list) != simdjson::SUCCESS) throw user_error("{}: found {}, expected a list of {}", path, describe_json(value), of);
  return list;
}

void read_counts(object tensor, const TensorPath& path, const char* name, std::vector<std::uint64_t>& out) {
  out.clear();
  element member;
  if (tensor[name].get(member) != simdjson::SUCCESS) return;
  for (const element value : list_of(member, path.field(name), "integers")) {
    std::uint64_t count;
    if (value.get(count) != simdjson::SUCCESS) {
      throw user_error("{}[{}]: found {}, expected an integer of at least 0", path.field(name), out.size(), describe_json(value));
    }
    out.push_back(count);
  }
}

}  // namespace

std::string describe_json(element value) {
  switch (value.type()) {
    case element_type::ARRAY: return "an array";
    case element_type::OBJECT: return "an object";
    case element_type::STRING: return quoted(std::string_view(value));
    default: return simdjson::minify(value);
  }
}

const JsonRow& JsonRowReader::read(element instance, std::uint64_t known_dim) {
  row_.values.clear();
  row_.keys.clear();
  read_beside(instance);
  const Features features = find_features(instance);
  object tensor;
  if (features.value.get(tensor) == simdjson::SUCCESS) {
    read_tensor(tensor, features.path, known_dim);
  } else {
    read_values(features.value, features.path, "");
    settle_list(features.path);
  }
  return row_;
}

const JsonRow* JsonRowReader::scan(std::string_view line, std::uint64_t known_dim) {
  scanned_.values.swap(row_.values);
  scanned_.labels.swap(row_.labels);
  const bool usual = scan_instance(line, scanned_);
  scanned_.values.swap(row_.values);
  scanned_.labels.swap(row_.labels);
  if (!usual) return nullptr;
  row_.keys.clear();
  row_.not_read.clear();
  row_.weight = scanned_.has_weight ? std::optional(scanned_.weight) : std::nullopt;
  row_.qid = scanned_.has_qid ? std::optional(scanned_.qid) : std::nullopt;
  const TensorPath path{scanned_.nested ? "data.features" : "features", ""};
  if (scanned_.tensor) {
    keys_.swap(scanned_.keys);
    shape_.swap(scanned_.shape);
    settle_tensor(path, known_dim);
  } else {
    settle_list(path);
  }
  return &row_;
}

void JsonRowReader::settle_list(const TensorPath& path) {
  if (row_.values.empty()) throw user_error("{}: an empty list, expected one number per feature", path.map);
  row_.shape = {false, row_.values.size()};
}

void JsonRowReader::settle_tensor(const TensorPath& path, std::uint64_t known_dim) {
  row_.shape = row_shape({row_.values.size(), keys_, shape_}, path, known_dim);
  if (!row_.shape.sparse) return;
  checked_feature_dim(row_.shape, path.map);
  row_.keys.assign(keys_.begin(), keys_.end());
  sort_sparse_row(row_.keys, row_.values, path);
}

bool JsonRowReader::read_label(element value, float& label) const {
  switch (value.type()) {
    case element_type::DOUBLE: label = static_cast<float>(double(value)); break;
    case element_type::INT64: label = static_cast<float>(std::int64_t(value)); break;
    case element_type::UINT64: label = static_cast<float>(std::uint64_t(value)); break;
    case element_type::NULL_VALUE: label = std::numeric_limits<float>::quiet_NaN(); break;
    default: return false;
  }
  return missing_ == Missing::passed_on || std::isfinite(label);
}

// Instances of requests may hold anything under these names: whether it is wanted is for the caller to say.
void JsonRowReader::read_beside(element instance) {
  row_.labels.clear();
  row_.weight.reset();
  row_.qid.reset();
  row_.not_read.clear();
  object members;
  if (instance.get(members) != simdjson::SUCCESS) return;
  element value;
  if (members["label"].get(value) == simdjson::SUCCESS) {
    array list;
    bool numbers = true;
    if (value.get(list) != simdjson::SUCCESS) {
      numbers = read_label(value, row_.labels.emplace_back());
    } else {
      for (const element item : list) numbers = numbers && read_label(item, row_.labels.emplace_back());
    }
    if (!numbers) row_.labels.clear();
    if (row_.labels.empty()) row_.not_read = "label: found " + describe_json(value);
  }
  if (members["weight"].get(value) == simdjson::SUCCESS) {
    float weight = 0;
    if (read_label(value, weight)) row_.weight = weight;
    else row_.not_read = "weight: found " + describe_json(value);
  }
  if (members["qid"].get(value) == simdjson::SUCCESS) {
    std::uint64_t qid = 0;
    if (value.get(qid) == simdjson::SUCCESS) row_.qid = qid;
    else row_.not_read = "qid: found " + describe_json(value);
  }
}

void JsonRowReader::read_values(element list, const TensorPath& path, std::string_view name) {
  array numbers;
  if (list.get(numbers) != simdjson::SUCCESS) {
    list_of(list, name.empty() ? std::string(path.map) : path.field(name), "numbers");
  }
  for (const element value : numbers) row_.values.push_back(number(value, path, name, row_.values.size()));
}

void JsonRowReader::read_tensor(object tensor, const TensorPath& path, std::uint64_t known_dim) {
  element values;
  if (tensor["values"].get(values) != simdjson::SUCCESS) {
    throw user_error("{}: no member \"values\", expected an object such as {}", path.map, kRightForm);
  }
  read_values(values, path, "values");
  read_counts(tensor, path, "keys", keys_);
  read_counts(tensor, path, "shape", shape_);
  settle_tensor(path, known_dim);
}

float JsonRowReader::number(element value, const TensorPath& path, std::string_view name, std::size_t index) const {
  float number = std::numeric_limits<float>::quiet_NaN();
  switch (value.type()) {
    case element_type::DOUBLE: number = static_cast<float>(double(value)); break;
    // Not by way of double, which would round large integers twice.
    case element_type::INT64: number = static_cast<float>(std::int64_t(value)); break;
    case element_type::UINT64: number = static_cast<float>(std::uint64_t(value)); break;
    case element_type::NULL_VALUE:
      if (missing_ != Missing::refused) return number;
      [[fallthrough]];
    default:
      throw user_error("{}[{}]: found {}, expected a number", name.empty() ? std::string(path.map) : path.field(name), index,
                       describe_json(value));
  }
  if (missing_ != Missing::passed_on && !std::isfinite(number)) {
    throw user_error("{}[{}]: found {}, expected a number that fits float32",
                     name.empty() ? std::string(path.map) : path.field(name), index, describe_json(value));
  }
  return number;
}

}  // namespace smtrain::formats
