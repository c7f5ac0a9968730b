#include "algos/registry.h"

#include <catch2/catch.hpp>
#include <regex>
#include <set>

#include "algos/kmeans/params.h"
#include "base/error.h"

using namespace smtrain;

namespace {

// Values for what is required, so that the rest of a table can be looked at.
std::vector<job::Given> required_values(const job::Table& table) {
  std::vector<job::Given> given;
  for (const job::Hyperparameter& h : table.entries()) {
    if (h.required && !h.default_text) given.push_back({h.name, h.choices.empty() ? std::string("3") : h.choices.front().name, "test"});
  }
  return given;
}

std::vector<std::string> sample_texts(const job::Hyperparameter& h) {
  std::vector<std::string> texts;
  if (h.default_text) texts.push_back(*h.default_text);
  if (h.allows_auto) texts.push_back("auto");
  for (const job::Choice& c : h.choices) texts.push_back(c.name);
  if (h.kind == job::Kind::boolean) texts = {"true", "false"};
  if (h.kind == job::Kind::integer) texts.push_back("12");
  if (h.kind == job::Kind::number) texts.push_back("0.30000000000000004");
  return texts;
}

}  // namespace

TEST_CASE("registry: every description is complete", "[algos]") {
  for (const job::Algorithm* a : algos::all()) {
    const job::Description& d = a->description();
    INFO(d.name);
    CHECK_FALSE(d.title.empty());
    CHECK_FALSE(d.summary.empty());
    CHECK_FALSE(d.log_name.empty());
    CHECK(d.examples.size() >= 2);
    for (const auto* list : {&d.about, &d.papers, &d.tasks, &d.data, &d.devices, &d.accepts, &d.answers, &d.model_files}) CHECK_FALSE(list->empty());
    CHECK_FALSE(d.metrics.empty());
    CHECK(std::any_of(d.channels.begin(), d.channels.end(), [](const auto& c) { return c.required; }));
    for (const job::ChannelSpec& c : d.channels) {
      CHECK_FALSE(c.content_types.empty());
      CHECK_FALSE(c.input_modes.empty());
      CHECK_FALSE(c.help.empty());
    }
    for (const job::Example& e : d.examples) CHECK(e.command.starts_with("smtrain " + d.name + " "));
  }
}

TEST_CASE("registry: every hyperparameter is described, writes a field, and bears a name of its own", "[algos]") {
  for (const job::Algorithm* a : algos::all()) {
    std::set<std::string> names;
    for (const job::Hyperparameter& h : a->description().hyperparameters.entries()) {
      INFO(h.name);
      CHECK(names.insert(h.name).second);
      CHECK_FALSE(h.help.empty());
      CHECK(h.help.back() == '.');
      CHECK(h.store != nullptr);
      CHECK_FALSE((h.required && h.default_text));
      CHECK((h.kind != job::Kind::choice || h.choices.size() > 1));
    }
  }
}

TEST_CASE("registry: every default passes its own checks", "[algos]") {
  for (const job::Algorithm* a : algos::all()) {
    const job::Table& table = a->description().hyperparameters;
    std::vector<job::Given> given = required_values(table);
    NullLog log;
    CHECK_NOTHROW(job::resolve(table, given, log));
    // as given values, so that ranges are looked at too
    for (const job::Hyperparameter& h : table.entries()) {
      if (h.default_text) given.push_back({h.name, *h.default_text, "test"});
    }
    CHECK_NOTHROW(job::resolve(table, given, log));
  }
}

TEST_CASE("registry: encoding is the inverse of decoding for every hyperparameter", "[algos]") {
  for (const job::Algorithm* a : algos::all()) {
    for (const job::Hyperparameter& h : a->description().hyperparameters.entries()) {
      for (const std::string& text : sample_texts(h)) {
        INFO(h.name << " " << text);
        const job::Value value = job::decode(h, text);
        CHECK(job::decode(h, job::encode(h, value)) == value);
      }
    }
  }
}

TEST_CASE("registry: tuning ranges lie within the valid ones", "[algos]") {
  for (const job::Algorithm* a : algos::all()) {
    for (const job::Hyperparameter& h : a->description().hyperparameters.entries()) {
      if (!h.tunable) continue;
      INFO(h.name);
      for (const std::string& value : h.tunable->values) CHECK_NOTHROW(job::decode(h, value));
      if (!h.tunable->values.empty()) continue;
      CHECK(h.tunable->min < h.tunable->max);
      CHECK(h.range.contains(h.tunable->min));
      CHECK(h.range.contains(h.tunable->max));
    }
  }
}

TEST_CASE("registry: every metric's expression compiles, and objectives have a direction", "[algos]") {
  for (const job::Algorithm* a : algos::all()) {
    bool objective = false;
    for (const job::MetricSpec& m : a->description().metrics) {
      INFO(m.name);
      CHECK(std::regex(m.regex).mark_count() == 1);
      if (m.objective) CHECK(m.goal != job::MetricSpec::Goal::none);
      objective = objective || m.objective;
    }
    CHECK(objective);
  }
}

TEST_CASE("registry: algorithms are found by any spelling of their names", "[algos]") {
  for (const job::Algorithm* a : algos::all()) CHECK(algos::find(a->description().name) == a);
  CHECK(algos::find("K_Means") == algos::find("kmeans"));
  CHECK(algos::find("kmean") == nullptr);
  CHECK(algos::names().size() == algos::all().size());
}

TEST_CASE("kmeans: what the service's clients send resolves to the documented settings", "[algos]") {
  // the map of a real client: everything a string, force_dense in Python's spelling
  const std::vector<job::Given> given = {{"k", "10", ""},           {"feature_dim", "784", ""}, {"force_dense", "True", ""},
                                         {"epochs", "2", ""},       {"local_lloyd_tol", "1e-3", ""},
                                         {"_kvstore", "auto", ""},  {"_num_gpus", "auto", ""},  {"_log_level", "info", ""},
                                         {"eval_metrics", "[ssd, msd]", ""}, {"init_method", "k-means++", ""}, {"_seed", "5", ""}};
  CollectedLog log;
  const job::Settings settings = job::resolve(algos::find("kmeans")->description().hyperparameters, given, log);
  const kmeans::Params p = settings.as<kmeans::Params>();
  CHECK(log.lines.empty());
  CHECK(p.k == 10);
  CHECK(p.feature_dim == 784);
  CHECK(p.epochs == 2);
  CHECK(p.eval_metrics == std::vector<std::string>{"ssd", "msd"});
  CHECK(p.init_method == kmeans::Init::plus_plus);
  CHECK(p.local_lloyd_init_method == kmeans::Init::plus_plus);
  CHECK(p.local_lloyd_tol == 1e-3);
  CHECK(p.local_lloyd_max_iter == 300);
  CHECK_FALSE(p.extra_center_factor.has_value());
  CHECK_FALSE(p.local_lloyd_num_trials.has_value());
  CHECK(p.mini_batch_size == 5000);
  CHECK(p.half_life_time_size == 0);
  CHECK(p.seed == 5);
  CHECK(settings.find("init_method")->text == "kmeans++");
}

TEST_CASE("kmeans: what the specification refuses is refused", "[algos]") {
  const job::Table& table = algos::find("kmeans")->description().hyperparameters;
  NullLog log;
  for (const auto& [name, text] : std::vector<std::pair<std::string, std::string>>{
           {"k", "0"}, {"k", "2.5"}, {"local_lloyd_tol", "1.1"}, {"eval_metrics", "[]"}, {"eval_metrics", "[\"mse\"]"},
           {"kk", "3"}, {"epochs", "0"}, {"half_life_time_size", "-1"}, {"extra_center_factor", "0"}, {"mini_batch_size", "auto"}}) {
    INFO(name << "=" << text);
    std::vector<job::Given> given = {{name, text, ""}};
    if (name != "k") given.push_back({"k", "3", ""});
    CHECK_THROWS_AS(job::resolve(table, given, log), Error);
  }
}
