#include "run/convert/part_plan.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/text.h"
#include "formats/text/field_number.h"

namespace smtrain::run {
namespace {

constexpr std::int64_t kMostParts = 1000;  // each has an open file

void refuse_combinations(const PrepareOptions& o) {
  const int ways = (o.split ? 1 : 0) + (o.folds ? 1 : 0) + (o.shards ? 1 : 0) + (o.tail ? 1 : 0);
  if (ways > 1) {
    throw user_error(
        "--split, --folds, --shards and --tail exclude each other; part the data first, then the parts, with two commands");
  }
  if (o.manifest && !o.shards) throw user_error("--manifest lists shards; give --shards N as well");
  if (o.stratify && !o.split && !o.folds) throw user_error("--stratify says how --split or --folds choose; give one of them");
  if (o.group && ways == 0)
    throw user_error("--group keeps records together in the parts of --split, --folds, --shards or --tail; give one of them");
  if (o.tail && o.shuffle) throw user_error("--tail takes the last records in their order; --shuffle has none");
  if (o.tail && *o.tail < 1) throw user_error("--tail {}: expected at least 1", *o.tail);
}

bool is_part_name(std::string_view name) {
  constexpr std::string_view kOthers = "_-.";
  return !name.empty() && name != "." && name != ".." && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

PartPlan split_plan(const std::string& text) {
  PartPlan plan;
  std::optional<std::size_t> rest;
  double sum = 0;
  for (const std::string_view part : split(text, ',')) {
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string name(trim(part.substr(0, equals)));
    if (!is_part_name(name)) {
      throw user_error("--split {}: {} is no name of a part; expected NAME=SHARE,..., as in train=0.8,test=0.2",
                       smtrain::quoted(text), smtrain::quoted(name));
    }
    if (std::find(plan.names.begin(), plan.names.end(), name) != plan.names.end()) {
      throw user_error("--split {}: {} is given twice", smtrain::quoted(text), smtrain::quoted(name));
    }
    plan.names.push_back(name);
    if (equals == part.size() && rest)
      throw user_error("--split {}: only one part may be without a share, the rest", smtrain::quoted(text));
    if (equals == part.size()) {
      rest = plan.shares.size();
      plan.shares.push_back(0);
      continue;
    }
    const auto share = formats::field_number(trim(part.substr(equals + 1)));
    if (!share || *share <= 0) {
      throw user_error("--split {}: {} is no share; expected a number above 0", smtrain::quoted(text),
                       smtrain::quoted(part.substr(equals + 1)));
    }
    plan.shares.push_back(*share);
    sum += *share;
  }
  const double whole = sum > 1 + 1e-9 ? 100 : 1;
  if (rest) plan.shares[*rest] = whole - sum;
  if ((rest && whole - sum <= 0) || (!rest && std::abs(sum - whole) > 1e-6 * whole)) {
    throw user_error("--split {}: the shares have the sum {}; expected {}", smtrain::quoted(text), sum,
                     rest ? "less than 1, or than 100 in percent" : "1, or 100 in percent");
  }
  if (plan.names.size() < 2) throw user_error("--split {}: expected two parts or more", smtrain::quoted(text));
  for (double& share : plan.shares) share /= whole;
  return plan;
}

PartPlan equal_plan(std::int64_t parts, const char* flag, const char* prefix, std::size_t digits) {
  if (parts < 2 || parts > kMostParts) throw user_error("{} {}: expected 2 to {}", flag, parts, kMostParts);
  PartPlan plan;
  plan.shares.assign(static_cast<std::size_t>(parts), 1.0 / static_cast<double>(parts));
  for (std::int64_t i = 0; i < parts; ++i) plan.names.push_back(fmt::format("{}{:0{}}", prefix, i, digits));
  return plan;
}

std::size_t suffix_of(const std::string& path) {
  const std::size_t name = path.rfind('/') + 1;  // 0 where there is none
  std::size_t at = path.size();
  for (const char* packed : {".gz", ".zst"}) {
    if (to_lower(path).ends_with(packed)) at = path.size() - std::string_view(packed).size();
  }
  const std::size_t dot = at == 0 ? std::string::npos : path.rfind('.', at - 1);
  return dot == std::string::npos || dot <= name ? at : dot;
}

std::string uri_path(const std::string& path) {
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte > 0x20 && byte < 0x7F && std::string_view("%?#\"<>\\^`{|}").find(c) == std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return out;
}

}  // namespace

PartPlan plan_parts(const PrepareOptions& options) {
  refuse_combinations(options);
  if (options.split) return split_plan(*options.split);
  if (options.folds) return equal_plan(*options.folds, "--folds", "fold", std::to_string(*options.folds - 1).size());
  if (options.shards) {
    PartPlan plan = equal_plan(*options.shards, "--shards", "", 5);
    plan.in_turn = true;
    return plan;
  }
  if (options.tail) return {{"train", "test"}, {0.5, 0.5}, false};
  return {{""}, {1.0}, false};
}

std::string part_path(const std::string& output, const std::string& name) {
  if (name.empty()) return output;
  std::string path = output;
  std::size_t at = path.find("{}");
  if (at == std::string::npos) return path.insert(suffix_of(path), "-" + name);
  for (; at != std::string::npos; at = path.find("{}", at + name.size())) path.replace(at, 2, name);
  return path;
}

std::string manifest_of(const std::vector<std::string>& paths) {
  namespace fs = std::filesystem;
  // One path may have its place in a folder of its own: the folder that all have in common is the prefix.
  std::string prefix;
  std::vector<std::string> full;
  for (const std::string& path : paths) full.push_back(uri_path(fs::absolute(path).lexically_normal().string()));
  prefix = full.front();
  for (const std::string& path : full) {
    const auto differ = std::mismatch(prefix.begin(), prefix.end(), path.begin(), path.end());
    prefix.erase(differ.first, prefix.end());
  }
  prefix.resize(prefix.rfind('/') + 1);
  nlohmann::ordered_json json = nlohmann::ordered_json::array({{{"prefix", "file://" + prefix}}});
  for (const std::string& path : full) json.push_back(path.substr(prefix.size()));
  return json.dump(1) + "\n";
}

}  // namespace smtrain::run
