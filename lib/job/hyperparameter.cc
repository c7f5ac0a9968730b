#include "job/hyperparameter.h"

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/text.h"
#include "job/hyperparameter_decode.h"

namespace smtrain::job {

// ---- ranges and what is expected ----------------------------------------------------------------------------------------

bool Range::contains(double value) const {
  if (min && (min_open ? value <= *min : value < *min)) return false;
  if (max && (max_open ? value >= *max : value > *max)) return false;
  return true;
}

std::string Range::to_string() const {
  const std::string low = min ? fmt::format("{}{}", min_open ? '(' : '[', *min) : "(-inf";
  const std::string high = max ? fmt::format("{}{}", *max, max_open ? ')' : ']') : "inf)";
  return low + ", " + high;
}

namespace {

std::string choice_list(const Hyperparameter& p) {
  std::string names;
  for (const Choice& c : p.choices) names += (names.empty() ? "" : ", ") + c.name;
  return names;
}

std::string kind_name(const Hyperparameter& p) {
  switch (p.kind) {
    case Kind::integer: return "integer";
    case Kind::number: return p.choices.empty() ? "number" : "number, " + choice_list(p);
    case Kind::boolean: return "boolean";
    case Kind::choice: return "one of " + choice_list(p);
    case Kind::text: return "text";
    case Kind::list: return p.choices.empty() ? "list" : "list of " + choice_list(p);
  }
  return "";
}

bool same_name(std::string_view a, std::string_view b, bool dashes) {
  const auto equal = [dashes](char x, char y) { return x == y || (dashes && (x == '-' || x == '_') && (y == '-' || y == '_')); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), equal);
}

}  // namespace

std::string Hyperparameter::expected() const {
  std::string text = kind_name(*this);
  if (allows_auto) text += " or auto";
  if (range.min || range.max) text += ", " + range.to_string();
  return text;
}

// ---- tables ---------------------------------------------------------------------------------------------------------------

const Hyperparameter* Table::find(std::string_view name, bool dashes) const {
  for (const Hyperparameter& entry : entries_) {
    if (same_name(entry.name, name, dashes)) return &entry;
    for (const std::string& alias : entry.aliases) {
      if (same_name(alias, name, dashes)) return &entry;
    }
  }
  return nullptr;
}

std::vector<std::string> Table::names() const {
  std::vector<std::string> names;
  for (const Hyperparameter& entry : entries_) names.push_back(entry.name);
  return names;
}

// ---- settings ---------------------------------------------------------------------------------------------------------------

const Settings::Setting* Settings::find(std::string_view name) const {
  const auto found = std::find_if(settings_.begin(), settings_.end(), [&](const Setting& s) { return s.name == name; });
  return found == settings_.end() ? nullptr : &*found;
}

void Settings::fill(void* params) const {
  for (const Setting& s : settings_) {
    const Hyperparameter* entry = table_->find(s.name);
    const bool absent = std::holds_alternative<std::monostate>(s.value) && !(entry && entry->allows_auto);
    if (entry && entry->store && !absent) entry->store(params, s.value);
  }
}

void Settings::resolve_auto(std::string_view name, std::string text) {
  const Hyperparameter* entry = table_ ? table_->find(name) : nullptr;
  if (!entry) throw internal_error("resolve_auto: there is no hyperparameter {}", name);
  auto found = std::find_if(settings_.begin(), settings_.end(), [&](const Setting& s) { return s.name == entry->name; });
  if (found == settings_.end()) found = settings_.insert(settings_.end(), Setting{entry->name, {}, "", "", "data"});
  if (found->given.empty()) found->given = found->text;
  found->value = decode(*entry, text);
  found->text = std::move(text);
}

// ---- resolving ----------------------------------------------------------------------------------------------------------------

namespace {

constexpr std::size_t kMaxProblems = 20;

// Problems of one stage by the hyperparameter's name.
class Problems {
 public:
  void add(const std::string& name, std::string message) { found_.emplace_back(name, std::move(message)); }

  void throw_if_any() {
    if (found_.empty()) return;
    std::stable_sort(found_.begin(), found_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<std::string> messages;
    for (const auto& [name, message] : found_) messages.push_back(message);
    if (messages.size() > kMaxProblems) {
      const std::size_t more = messages.size() - kMaxProblems;
      messages.resize(kMaxProblems);
      messages.push_back(fmt::format("and {} more problems of this kind", more));
    }
    throw Error(Fault::user, std::move(messages));
  }

 private:
  std::vector<std::pair<std::string, std::string>> found_;
};

const std::vector<std::string> kSilentlyIgnored = {
    "sagemaker_region",   "sagemaker_job_name",         "sagemaker_container_log_level", "sagemaker_enable_cloudwatch_metrics",
    "sagemaker_program",  "sagemaker_submit_directory"};

const Hyperparameter* internal_entry(std::string_view name) {
  const std::span<const Hyperparameter> entries = internal_hyperparameters();
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Hyperparameter& h) { return h.name == name; });
  return found == entries.end() ? nullptr : &*found;
}

// A given value that some entry takes.
struct Taken {
  const Hyperparameter* entry = nullptr;
  const Given* given = nullptr;
};

class Resolver {
 public:
  Resolver(const Table& table, std::span<const Given> given, Log& log) : table_(table), log_(log) {
    for (const Given& g : given) take(g);
  }

  std::vector<Settings::Setting> run() {
    check_aliases();
    check_required();
    decode_values();
    check_ranges();
    add_defaults();
    return std::move(settings_);
  }

 private:
  void take(const Given& g) {
    const Hyperparameter* entry = internal_entry(g.name);
    if (!entry) entry = table_.find(g.name);
    if (!entry) return take_unknown(g);
    const auto earlier = std::find_if(taken_.begin(), taken_.end(), [&](const Taken& t) { return t.entry == entry; });
    if (earlier == taken_.end()) taken_.push_back({entry, &g});
    else if (earlier->given->name != g.name) doubled_.add(entry->name, both_spellings(*entry, *earlier->given, g));
  }

  static std::string both_spellings(const Hyperparameter& entry, const Given& a, const Given& b) {
    return fmt::format("Hyperparameter {}: given as {} and as {}, which are the same; give one", entry.name, a.name, b.name);
  }

  void take_unknown(const Given& g) {
    if (std::find(kSilentlyIgnored.begin(), kSilentlyIgnored.end(), g.name) != kSilentlyIgnored.end()) return;
    if (!g.name.empty() && g.name.front() == '_') {
      log_.info("hyperparameter {} is internal to the service and ignored", g.name);
      return;
    }
    unknown_.push_back(&g);
  }

  void check_aliases() { doubled_.throw_if_any(); }

  bool is_given(const Hyperparameter& entry) const {
    return std::any_of(taken_.begin(), taken_.end(), [&](const Taken& t) { return t.entry == &entry; });
  }

  void check_required() const {
    Problems problems;
    for (const Hyperparameter& entry : table_.entries()) {
      const bool needed = entry.required && !entry.from_data && !entry.default_text;
      if (needed && !is_given(entry)) problems.add(entry.name, missing_message(entry));
    }
    problems.throw_if_any();
  }

  // A required name that is missing because it was misspelt would otherwise hide the misspelling.
  std::string missing_message(const Hyperparameter& entry) const {
    std::string meaning = entry.help.substr(0, entry.help.find(". "));
    if (!meaning.empty() && meaning.back() == '.') meaning.pop_back();
    if (meaning.size() > 1 && std::islower(static_cast<unsigned char>(meaning[1])) != 0) {
      meaning[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(meaning[0])));
    }
    std::string text = fmt::format("Missing required hyperparameter: {} ({}): {}", entry.name, entry.expected(), meaning);
    for (const Given* g : unknown_) {
      const std::optional<std::string> near = nearest_name(g->name, table_.names());
      if (near == entry.name || (!near && g->name.starts_with(entry.name))) {
        text += fmt::format("; {} was given, did you mean {}?", single_quoted(g->name), entry.name);
      }
    }
    return text;
  }

  void decode_values() {
    Problems types;
    for (const Given* g : unknown_) types.add(g->name, extraneous_message(*g));
    for (const Taken& t : taken_) decode_value(t, types);
    types.throw_if_any();
  }

  std::string extraneous_message(const Given& g) const {
    std::vector<std::string> names = table_.names();
    std::erase_if(names, [](const std::string& n) { return n.starts_with('_'); });
    return fmt::format("Extraneous hyperparameter found: {}{}", g.name, did_you_mean(g.name, names));
  }

  void decode_value(const Taken& t, Problems& types) {
    auto decoded = try_decode(*t.entry, t.given->text);
    if (const DecodeProblem* bad = std::get_if<DecodeProblem>(&decoded)) {
      (bad->value_stage ? ranges_ : types).add(t.entry->name, bad->message);
      return;
    }
    const Value& value = std::get<Value>(decoded);
    if (auto message = out_of_range(*t.entry, value, t.given->text)) ranges_.add(t.entry->name, *message);
    settings_.push_back({t.entry->name, value, encode(*t.entry, value), t.given->text, t.given->origin});
  }

  void check_ranges() { ranges_.throw_if_any(); }

  // In the table's order. A hyperparameter left to the data stands there without a text until resolve_auto.
  void add_defaults() {
    std::vector<Settings::Setting> ordered;
    for (const Hyperparameter& entry : table_.entries()) {
      const auto given = std::find_if(settings_.begin(), settings_.end(), [&](const auto& s) { return s.name == entry.name; });
      if (given != settings_.end()) {
        ordered.push_back(std::move(*given));
        settings_.erase(given);
      } else if (entry.default_text) {
        const Value value = decode(entry, *entry.default_text);
        ordered.push_back({entry.name, value, encode(entry, value), "", "default"});
      } else if (entry.from_data) {
        ordered.push_back({entry.name, {}, "", "", "data"});
      }
    }
    std::move(settings_.begin(), settings_.end(), std::back_inserter(ordered));
    settings_ = std::move(ordered);
  }

  const Table& table_;
  Log& log_;
  std::vector<Taken> taken_;
  std::vector<const Given*> unknown_;
  Problems doubled_, ranges_;
  std::vector<Settings::Setting> settings_;
};

void check_rules(const Table& table, const Settings& settings) {
  if (table.rules().empty() || !table.factory()) return;
  std::vector<std::string> problems;
  table.factory()([&](void* params) {
    settings.fill(params);
    for (const Rule& rule : table.rules()) {
      if (std::optional<std::string> found = rule(params)) problems.push_back(*found);
    }
  });
  if (!problems.empty()) throw Error(Fault::user, std::move(problems));
}

}  // namespace

std::span<const Hyperparameter> internal_hyperparameters() {
  static const std::vector<Hyperparameter> entries = [] {
    Hyperparameter level = ignored("_log_level", Kind::choice);
    level.choices = {{"debug", 0, {}}, {"info", 1, {}}, {"warn", 2, {"warning"}}, {"error", 3, {}}};
    std::vector<Hyperparameter> all{level, ignored("_num_gpus", Kind::integer).or_auto().at_least(0)};
    for (const char* name : {"_tuning_objective_metric", "_kvstore", "_num_kv_servers", "_num_slices", "_enable_profiler",
                             "_disable_wait_to_read", "_data_format", "_optimizer", "_learning_rate", "_wd", "_use_full_symbolic",
                             "_ftp_port"}) {
      all.push_back(ignored(name, Kind::text));
    }
    return all;
  }();
  return entries;
}

Settings resolve(const Table& table, std::span<const Given> given, Log& log) {
  Settings settings;
  settings.table_ = &table;
  settings.settings_ = Resolver(table, given, log).run();
  check_rules(table, settings);
  return settings;
}

}  // namespace smtrain::job
