#include "run/training_job/metric_search.h"

#include <re2/re2.h>

#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "run/training_job/request.h"

namespace smtrain::run::training_job {
namespace {

constexpr std::int64_t kMaxProgramBytes = std::int64_t{8} << 20;

re2::RE2::Options options() {
  re2::RE2::Options o;
  o.set_log_errors(false);
  o.set_max_mem(kMaxProgramBytes);
  o.set_encoding(re2::RE2::Options::EncodingLatin1);  // a program's output need not be UTF-8
  return o;
}

// The log service shows a TAB as #011; configurations written for its logs must find the TAB of a raw stream.
std::string with_tabs(const std::string& regex) {
  std::string out;
  for (std::size_t i = 0; i < regex.size();) {
    if (regex.compare(i, 4, "#011") == 0) {
      out += "(?:#011|\\t)";
      i += 4;
    } else {
      out += regex[i++];
    }
  }
  return out;
}

std::optional<double> number(std::string_view text) {
  text = trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace

struct MetricSearch::Expression {
  std::string name;
  re2::RE2 regex;
};

MetricSearch::MetricSearch(const std::vector<MetricDefinition>& definitions) {
  for (const MetricDefinition& d : definitions) {
    expressions_.push_back(std::unique_ptr<Expression>(new Expression{d.name, re2::RE2(with_tabs(d.regex), options())}));
  }
}

MetricSearch::~MetricSearch() = default;

std::vector<Observation> MetricSearch::search(std::string_view line) const {
  std::vector<Observation> found;
  for (const auto& e : expressions_) {
    re2::StringPiece groups[2];
    const re2::StringPiece text(line.data(), line.size());
    if (!e->regex.Match(text, 0, line.size(), re2::RE2::UNANCHORED, groups, 2) || groups[1].data() == nullptr) continue;
    if (const auto value = number({groups[1].data(), groups[1].size()})) found.push_back({e->name, *value});
  }
  return found;
}

std::string MetricSearch::problem_of(const std::string& regex) {
  const re2::RE2 compiled(with_tabs(regex), options());
  if (!compiled.ok()) {
    return fmt::format("{}; expected a regular expression without look-around and back references", compiled.error());
  }
  if (compiled.NumberOfCapturingGroups() == 0) return "no group; expected one in parentheses around the number";
  return "";
}

}  // namespace smtrain::run::training_job
