#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "algos/registry.h"
#include "base/error.h"
#include "base/text.h"
#include "job/intake.h"
#include "run/describe/describe.h"
#include "run/describe/describe_text.h"

namespace smtrain::run {
namespace {

using Json = nlohmann::ordered_json;

// ---- filters ------------------------------------------------------------------------------------------------------------

std::vector<std::string> known(std::vector<std::string> job::Description::* field) {
  std::vector<std::string> all;
  for (const job::Algorithm* a : algos::all()) {
    const std::vector<std::string>& names = a->description().*field;
    all.insert(all.end(), names.begin(), names.end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

bool has(const std::vector<std::string>& names, std::string_view name) {
  return name.empty() || std::find(names.begin(), names.end(), to_lower(name)) != names.end();
}

void check_known(const char* flag, std::string_view name, const std::vector<std::string>& names) {
  if (has(names, name)) return;
  throw user_error("{} is {}; expected one of {}{}", flag, smtrain::quoted(name), join(names, ", "), did_you_mean(name, names));
}

std::vector<const job::Description*> matching(std::string_view task, std::string_view data) {
  const std::vector<std::string> tasks = known(&job::Description::tasks), kinds = known(&job::Description::data);
  check_known("--task", task, tasks);
  check_known("--data", data, kinds);
  std::vector<const job::Description*> found;
  for (const job::Algorithm* a : algos::all()) {
    const job::Description& d = a->description();
    if (has(d.tasks, task) && has(d.data, data)) found.push_back(&d);
  }
  if (found.empty()) {
    throw user_error("no algorithm for the task {} on {}; tasks are {}; kinds of data are {}", smtrain::quoted(task), smtrain::quoted(data),
                     join(tasks, ", "), join(kinds, ", "));
  }
  return found;
}

// ---- the service's specification -------------------------------------------------------------------------------------------

const char* service_type(const job::Hyperparameter& h) {
  if (h.kind == job::Kind::choice || h.kind == job::Kind::boolean) return "Categorical";
  if (h.allows_auto || (h.kind == job::Kind::number && !h.choices.empty())) return "FreeText";  // the service's number types have no word beside numbers
  if (h.kind == job::Kind::integer) return "Integer";
  return h.kind == job::Kind::number ? "Continuous" : "FreeText";
}

// Bounds there are texts, inclusive, and both must be given.
Json integer_range(const job::Range& r) {
  const double low = r.min ? *r.min + (r.min_open ? 1 : 0) : std::numeric_limits<std::int32_t>::min();
  const double high = r.max ? *r.max - (r.max_open ? 1 : 0) : std::numeric_limits<std::int32_t>::max();
  return {{"MinValue", fmt::format("{:.0f}", low)}, {"MaxValue", fmt::format("{:.0f}", high)}};
}

Json continuous_range(const job::Range& r) {
  constexpr double kMost = std::numeric_limits<double>::max();
  double low = r.min.value_or(-kMost), high = r.max.value_or(kMost);
  if (r.min_open) low = std::nextafter(low, kMost);
  if (r.max_open) high = std::nextafter(high, -kMost);
  return {{"MinValue", format_number(low)}, {"MaxValue", format_number(high)}};
}

Json supported_hyperparameter(const job::Hyperparameter& h) {
  const std::string type = service_type(h);
  Json json = {{"Name", h.name}, {"Description", h.help}, {"Type", type}};
  if (type == "Integer") json["Range"] = {{"IntegerParameterRangeSpecification", integer_range(h.range)}};
  if (type == "Continuous") json["Range"] = {{"ContinuousParameterRangeSpecification", continuous_range(h.range)}};
  if (type == "Categorical") json["Range"] = {{"CategoricalParameterRangeSpecification", {{"Values", values_of(h)}}}};
  json["IsTunable"] = h.tunable.has_value();
  json["IsRequired"] = h.required && !h.default_text;
  if (h.default_text) json["DefaultValue"] = *h.default_text;
  return json;
}

Json training_channel(const job::ChannelSpec& c) {
  return {{"Name", c.name},
          {"Description", c.help},
          {"IsRequired", c.required},
          {"SupportedContentTypes", c.content_types},
          {"SupportedCompressionTypes", {"None", "Gzip"}},
          {"SupportedInputModes", c.input_modes}};
}

Json specification(const job::Description& d) {
  Json hyperparameters = Json::array(), channels = Json::array(), metrics = Json::array(), objectives = Json::array();
  for (const job::Hyperparameter& h : d.hyperparameters.entries()) {
    if (!internal(h)) hyperparameters.push_back(supported_hyperparameter(h));
  }
  for (const job::ChannelSpec& c : d.channels) channels.push_back(training_channel(c));
  for (const job::MetricSpec& m : d.metrics) {
    metrics.push_back({{"Name", m.name}, {"Regex", m.regex}});
    const bool minimize = m.goal == job::MetricSpec::Goal::minimize;
    if (m.objective) objectives.push_back({{"Type", minimize ? "Minimize" : "Maximize"}, {"MetricName", m.name}});
  }
  return {{"SupportedHyperParameters", hyperparameters},
          {"TrainingChannels", channels},
          {"SupportsDistributedTraining", d.distributed},
          {"MetricDefinitions", metrics},
          {"SupportedTuningJobObjectiveMetrics", objectives}};
}

// ---- our own fields -----------------------------------------------------------------------------------------------------------

const char* kind_name(job::Kind kind) {
  switch (kind) {
    case job::Kind::integer: return "integer";
    case job::Kind::number: return "number";
    case job::Kind::boolean: return "boolean";
    case job::Kind::choice: return "choice";
    case job::Kind::list: return "list";
    case job::Kind::text: break;
  }
  return "text";
}

const char* scale_name(job::Scale scale) {
  switch (scale) {
    case job::Scale::linear: return "Linear";
    case job::Scale::logarithmic: return "Logarithmic";
    case job::Scale::automatic: break;
  }
  return "Auto";
}

Json tuning_range(const job::Tunable& t) {
  if (!t.values.empty()) return {{"values", t.values}};
  return {{"min", t.min}, {"max", t.max}, {"scale", scale_name(t.scale)}};
}

Json hyperparameter_json(const job::Hyperparameter& h) {
  Json json = {{"name", h.name},         {"type", kind_name(h.kind)}, {"expected", h.expected()},      {"help", h.help},
               {"required", h.required}, {"auto", h.allows_auto},     {"from_data", h.from_data}, {"ignored", h.ignored}};
  json["default"] = h.default_text ? Json(*h.default_text) : Json();
  json["values"] = values_of(h);
  json["aliases"] = h.aliases;
  json["tuning"] = h.tunable ? tuning_range(*h.tunable) : Json();
  return json;
}

Json channel_json(const job::Description& d, const job::ChannelSpec& c) {
  return {{"name", c.name},
          {"required", c.required},
          {"content_types", c.content_types},
          {"extensions", job::extensions_of(d, c)},
          {"input_modes", c.input_modes},
          {"distribution", c.distribution},
          {"supervised", c.supervised},
          {"help", c.help}};
}

Json description_json(const job::Description& d) {
  Json hyperparameters = Json::array(), channels = Json::array(), metrics = Json::array(), examples = Json::array();
  for (const job::Hyperparameter& h : d.hyperparameters.entries()) hyperparameters.push_back(hyperparameter_json(h));
  for (const job::ChannelSpec& c : d.channels) channels.push_back(channel_json(d, c));
  for (const job::MetricSpec& m : d.metrics) metrics.push_back({{"name", m.name}, {"help", m.help}});
  for (const job::Example& e : d.examples) examples.push_back({{"comment", e.comment}, {"command", e.command}});
  return {{"name", d.name},         {"aliases", d.aliases},   {"title", d.title},
          {"summary", d.summary},   {"about", d.about},       {"papers", d.papers},
          {"tasks", d.tasks},       {"data", d.data},         {"devices", d.devices},
          {"log_name", d.log_name}, {"hyperparameters", hyperparameters}, {"channels", channels},
          {"metrics", metrics},     {"accepts", d.accepts},   {"answers", d.answers},
          {"model_files", d.model_files}, {"examples", examples}, {"specification", specification(d)}};
}

}  // namespace

std::string algorithms_table(std::string_view task, std::string_view data) {
  std::vector<std::pair<std::string, std::string>> fields;
  for (const job::Description* d : matching(task, data)) {
    fields.emplace_back(d->name, fmt::format("{}\n{}; {}", d->summary, join(d->tasks, ", "), join(d->data, ", ")));
  }
  return text_fields(fields);
}

std::string algorithms_json(std::string_view task, std::string_view data) {
  Json all = Json::array();
  for (const job::Description* d : matching(task, data)) all.push_back(description_json(*d));
  const Json json = {{"schema", 1}, {"algorithms", all}};
  return json.dump(2) + "\n";
}

}  // namespace smtrain::run
