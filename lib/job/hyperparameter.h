// Hyperparameter tables: each hyperparameter is declared once, next to the struct field that it fills, and that
// declaration alone feeds flags, hyperparameters.json, validation, --help, man page, completion, the reference page,
// `algorithms --json` and tuning.
//
//   const Table kTable = table<Params>({
//       integer("k", &Params::k).required().at_least(1).help("Number of clusters."),
//       number("local_lloyd_tol", &Params::local_lloyd_tol).between(0, 1).or_else("0.0001").help("..."),
//       integer("extra_center_factor", &Params::extra_center_factor).or_auto().at_least(1).or_else("auto").help("..."),
//       choice("init_method", &Params::init_method).of({{"random", Init::random}, {"kmeans++", Init::plus_plus,
// {"k-means++"}}})...
//   });
//
// Values arrive as text and may be JSON; they are decoded by declared type, never by guessing (see share/doc).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/log.h"

namespace smtrain::job {

enum class Kind { integer, number, boolean, choice, text, list };

/// A decoded value. monostate is `auto`; a choice is the enumerator as int64; a list holds the texts of its elements.
using Value = std::variant<std::monostate, std::int64_t, double, bool, std::string, std::vector<std::string>>;

/// An interval, open or closed on either side; an absent bound is infinite.
struct Range {
  std::optional<double> min, max;
  bool min_open = false, max_open = false;
  bool contains(double value) const;
  /// Mathematically: "[1, inf)", "(0, 1]".
  std::string to_string() const;
};

enum class Scale { automatic, linear, logarithmic };

/// The recommended tuning range, from the service's tuning page.
struct Tunable {
  double min = 0, max = 0;           ///< of numbers
  std::vector<std::string> values;   ///< of choices and booleans
  Scale scale = Scale::automatic;
};

struct Choice {
  std::string name;
  std::int64_t value = 0;
  std::vector<std::string> aliases;  ///< accepted, printed as `name`
};

/// One declared hyperparameter, its type erased.
struct Hyperparameter {
  std::string name;
  Kind kind = Kind::text;
  std::string help;                          ///< one or two sentences, full stop
  bool required = false;
  bool from_data = false;                    ///< required by the service; here it may be left out, the data tells it
  bool allows_auto = false;
  std::optional<std::string> default_text;   ///< passes the same checks as a given value
  Range range;                               ///< numbers; of each element for lists of numbers
  std::vector<Choice> choices;               ///< choices; of each element for lists of choices; words a number may be instead
  std::size_t min_items = 0;                 ///< lists
  std::vector<std::string> aliases;          ///< other names accepted for it
  std::optional<Tunable> tunable;
  bool ignored = false;                      ///< accepted for compatibility, without effect
  std::function<void(void* params, const Value&)> store;  ///< writes the field

  /// "integer or auto, [1, inf)": what help, reference page and messages say is expected.
  std::string expected() const;
};

/// A rule across hyperparameters: looks at a filled Params and returns a problem, or nothing.
using Rule = std::function<std::optional<std::string>(const void* params)>;

class Table {
 public:
  Table() = default;
  Table(std::vector<Hyperparameter> entries, std::vector<Rule> rules) : entries_(std::move(entries)), rules_(std::move(rules)) {}
  std::span<const Hyperparameter> entries() const { return entries_; }
  std::span<const Rule> rules() const { return rules_; }
  /// By name or alias; `dashes`: - and _ are the same (command line).
  const Hyperparameter* find(std::string_view name, bool dashes = false) const;
  std::vector<std::string> names() const;

  /// Makes a default Params, hands its address to `use`, and destroys it; lets rules run with the type erased.
  using Factory = std::function<void(const std::function<void(void*)>& use)>;
  void set_factory(Factory factory) { factory_ = std::move(factory); }
  const Factory& factory() const { return factory_; }

 private:
  std::vector<Hyperparameter> entries_;
  std::vector<Rule> rules_;
  Factory factory_;
};

/// What the service's clients and containers add to the settings of any algorithm: every table takes these, without effect unless it
/// declares them itself.
std::span<const Hyperparameter> internal_hyperparameters();

/// A value as the user gave it.
struct Given {
  std::string name;
  std::string text;
  std::string origin;  ///< "flag", "SMTRAIN_K", "hyperparameters.json", "default": for --dry-run -v and messages
};

/// Decodes one text by the declared type; intervals are checked by resolve(). Throws a user Error whose message begins
/// "Hyperparameter NAME: ", the wording of hyperparameter-validation.md §5.1.
Value decode(const Hyperparameter& parameter, std::string_view text);
/// The canonical text of a value: what the manifest holds. decode(encode(v)) == v.
std::string encode(const Hyperparameter& parameter, const Value& value);

/// Every hyperparameter of a table with its value.
class Settings {
 public:
  struct Setting {
    std::string name;
    Value value;
    std::string text;    ///< canonical; changed by resolve_auto
    std::string given;   ///< as given, "" when it is the default
    std::string origin;
  };
  std::span<const Setting> all() const { return settings_; }
  const Setting* find(std::string_view name) const;

  /// Fills a Params by the table it was resolved with.
  template <class Params>
  Params as() const {
    Params params;
    fill(&params);
    return params;
  }
  void fill(void* params) const;

  /// Records what `auto`, or a hyperparameter left to the data, turned out to be; the manifest holds both.
  void resolve_auto(std::string_view name, std::string text);

 private:
  friend Settings resolve(const Table&, std::span<const Given>, Log&);
  const Table* table_ = nullptr;  // outlives the settings: descriptions live as long as the process
  std::vector<Setting> settings_;
};

/// Checks everything in the order of hyperparameter-validation.md §3 and returns the settings. All problems of a stage (up
/// to 20, by name) are thrown together as one user Error; later stages are not run when an earlier one failed. Stages:
/// aliases; required; unknown names (with the nearest known one) and types; ranges; rules across values. Internal names
/// (leading underscore, sagemaker_*) are accepted as that page says, `smtrain_*` must have been taken out. When a name is
/// given several times the first in `given` wins (callers put flags first), except that an alias beside its own name is
/// refused.
Settings resolve(const Table& table, std::span<const Given> given, Log& log);

/// Parses a hyperparameters.json: one object of string to string. Numbers, booleans and lists as bare JSON values are
/// accepted and turned into their text; nested objects are refused. Throws a user Error with file and place. At most 1 MiB.
std::vector<Given> read_hyperparameters_file(const std::string& path);

// ---- the vocabulary of declarations ------------------------------------------------------------------------------------

/// Chain of properties; what integer(), number(), ... return.
class Declaration {
 public:
  explicit Declaration(Hyperparameter h) : h_(std::move(h)) {}
  Declaration& required() { return h_.required = true, *this; }
  /// Required by the service; here the data tells it when absent (the field keeps its initial value).
  Declaration& from_data() { return h_.from_data = true, *this; }
  Declaration& or_auto() { return h_.allows_auto = true, *this; }
  Declaration& or_else(std::string text) { return h_.default_text = std::move(text), *this; }
  Declaration& at_least(double min) { return h_.range.min = min, *this; }
  Declaration& above(double min) { return h_.range.min = min, h_.range.min_open = true, *this; }
  Declaration& at_most(double max) { return h_.range.max = max, *this; }
  Declaration& below(double max) { return h_.range.max = max, h_.range.max_open = true, *this; }
  Declaration& between(double min, double max) { return at_least(min).at_most(max); }
  Declaration& items_at_least(std::size_t n) { return h_.min_items = n, *this; }
  Declaration& alias(std::string name) { return h_.aliases.push_back(std::move(name)), *this; }
  Declaration& tunable(double min, double max, Scale scale = Scale::automatic) {
    return h_.tunable = Tunable{min, max, {}, scale}, *this;
  }
  /// Of a number: texts that are values, too; the field is a variant of double and std::string.
  Declaration& or_words(std::vector<std::string> words) {
    for (std::string& word : words) h_.choices.push_back({std::move(word), 0, {}});
    return *this;
  }
  Declaration& tunable(std::vector<std::string> values) { return h_.tunable = Tunable{0, 0, std::move(values), {}}, *this; }
  Declaration& without_effect() { return h_.ignored = true, *this; }
  Declaration& help(std::string text) { return h_.help = std::move(text), *this; }
  operator Hyperparameter() const { return h_; }

 protected:
  Hyperparameter h_;
};

namespace detail {
template <class P, class T>
std::function<void(void*, const Value&)> setter(T P::*field) {
  return [field](void* params, const Value& v) {
    if (const T* typed = std::get_if<T>(&v)) static_cast<P*>(params)->*field = *typed;
  };
}
template <class P, class T>
std::function<void(void*, const Value&)> setter(std::optional<T> P::*field) {
  return [field](void* params, const Value& v) {
    if (const T* typed = std::get_if<T>(&v)) static_cast<P*>(params)->*field = *typed;
    else static_cast<P*>(params)->*field = std::nullopt;  // auto
  };
}
template <class P>
std::function<void(void*, const Value&)> setter(std::variant<double, std::string> P::*field) {
  return [field](void* params, const Value& v) {
    if (const double* number = std::get_if<double>(&v)) static_cast<P*>(params)->*field = *number;
    if (const std::string* word = std::get_if<std::string>(&v)) static_cast<P*>(params)->*field = *word;
  };
}
inline Hyperparameter entry(std::string name, Kind kind, std::function<void(void*, const Value&)> store) {
  Hyperparameter h;
  h.name = std::move(name);
  h.kind = kind;
  h.store = std::move(store);
  return h;
}
}  // namespace detail

/// The field is std::int64_t, or std::optional<std::int64_t> where `auto` is allowed (auto stores nullopt). Likewise below.
template <class P, class T>
Declaration integer(std::string name, T P::*field) {
  return Declaration(detail::entry(std::move(name), Kind::integer, detail::setter(field)));
}
template <class P, class T>
Declaration number(std::string name, T P::*field) {
  return Declaration(detail::entry(std::move(name), Kind::number, detail::setter(field)));
}
template <class P, class T>
Declaration boolean(std::string name, T P::*field) {
  return Declaration(detail::entry(std::move(name), Kind::boolean, detail::setter(field)));
}
template <class P, class T>
Declaration text(std::string name, T P::*field) {
  return Declaration(detail::entry(std::move(name), Kind::text, detail::setter(field)));
}
/// A list of texts; with of() only those, in any order, duplicates removed.
template <class P>
class ListDeclaration : public Declaration {
 public:
  using Declaration::Declaration;
  Declaration& of(std::vector<std::string> names) {
    for (std::string& n : names) h_.choices.push_back({std::move(n), 0, {}});
    return *this;
  }
};
template <class P>
ListDeclaration<P> list(std::string name, std::vector<std::string> P::*field) {
  return ListDeclaration<P>(detail::entry(std::move(name), Kind::list, detail::setter(field)));
}
/// An enumeration; the Value is an int64 holding the enumerator.
template <class P, class E>
class ChoiceDeclaration : public Declaration {
 public:
  using Declaration::Declaration;
  struct Option {
    std::string name;
    E value;
    std::vector<std::string> aliases = {};
  };
  Declaration& of(std::vector<Option> options) {
    for (Option& o : options) h_.choices.push_back({std::move(o.name), static_cast<std::int64_t>(o.value), std::move(o.aliases)});
    return *this;
  }
};
template <class P, class E>
ChoiceDeclaration<P, E> choice(std::string name, E P::*field) {
  return ChoiceDeclaration<P, E>(detail::entry(std::move(name), Kind::choice, [field](void* params, const Value& v) {
    if (const std::int64_t* i = std::get_if<std::int64_t>(&v)) static_cast<P*>(params)->*field = static_cast<E>(*i);
  }));
}
/// Accepted and without effect (internal keys of the service).
inline Declaration ignored(std::string name, Kind kind) {
  Declaration d(detail::entry(std::move(name), kind, [](void*, const Value&) {}));
  d.without_effect();
  return d;
}

/// A typed rule: rule<Params>([](const Params& p) -> std::optional<std::string> {...}).
template <class P, class F>
Rule rule(F check) {
  return [check](const void* params) { return check(*static_cast<const P*>(params)); };
}

/// The table of a Params; rules see a Params filled from the settings.
template <class P>
Table table(std::vector<Hyperparameter> entries, std::vector<Rule> rules = {}) {
  Table t(std::move(entries), std::move(rules));
  t.set_factory([](const std::function<void(void*)>& use) {
    P params;
    use(&params);
  });
  return t;
}

}  // namespace smtrain::job
