#include "formats/encoding/encoding_fit.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_set>

#include "base/error.h"
#include "base/text.h"
#include "formats/encoding/column_profile.h"
#include "formats/parting/packed_records.h"
#include "formats/text/column_list.h"
#include "formats/text/field_number.h"
#include "formats/text/lines.h"

namespace smtrain::formats {
namespace {

struct Rule {
  MissingRule rule = MissingRule::refuse;
  double fill = 0;
  std::string fill_by;
  bool indicator = false;
};

Rule parse_rule(std::string_view text, const std::string& given) {
  Rule rule;
  constexpr std::string_view kIndicator = "+indicator";
  if (text.ends_with(kIndicator)) {
    rule.indicator = true;
    text.remove_suffix(kIndicator.size());
  }
  if (text == "refuse" && !rule.indicator) return rule;
  if (text == "drop" && !rule.indicator) return rule.rule = MissingRule::drop, rule;
  if (text == "nan") return rule.rule = MissingRule::keep, rule;
  rule.rule = MissingRule::fill;
  if (text == "mean" || text == "median") return rule.fill_by = text, rule;
  const std::optional<double> number = field_number(text);
  if (!number) {
    throw user_error(
        "--missing {}: expected refuse, drop, mean, median, nan or a number, +indicator behind one of the last four if "
        "wanted, and COLUMN= before it for one column",
        smtrain::quoted(given));
  }
  rule.fill = *number;
  return rule;
}

/// What the plan says of each column of the file.
class Selection {
 public:
  Selection(const CsvRecords& records, const EncodingPlan& plan) : records_(records), columns_(records.columns()) {
    choose_features(plan);
    choose_categories(plan.one_hot, "--one-hot", one_hot_, one_hot_all_);
    choose_categories(plan.ordinal, "--ordinal", ordinal_, ordinal_all_);
    if (one_hot_all_ && ordinal_all_) throw user_error("--one-hot all and --ordinal all exclude each other");
    for (const std::size_t column : one_hot_) {
      if (ordinal_.contains(column)) throw user_error("--one-hot and --ordinal both name {}", records.column_name(column));
    }
    rules_.resize(columns_);
    for (const bool general : {true, false}) {
      for (const std::string& given : plan.missing) read_rule(given, general);
    }
  }

  const std::vector<std::size_t>& features() const { return features_; }
  std::optional<std::size_t> label() const { return label_; }
  const Rule& rule(std::size_t column) const { return rules_[column]; }
  bool uses(std::size_t column) const { return label_ == column || is_feature(column); }
  /// Whether categories are asked for, should the column have text.
  bool wants_categories(std::size_t column) const {
    return label_ == column ||
           (is_feature(column) && (one_hot_all_ || ordinal_all_ || one_hot_.contains(column) || ordinal_.contains(column)));
  }
  bool wants_medians() const {
    return std::any_of(rules_.begin(), rules_.end(), [](const Rule& rule) { return rule.fill_by == "median"; });
  }
  ColumnUse use(std::size_t column, bool has_text) const {
    if (one_hot_.contains(column)) return ColumnUse::one_hot;
    if (ordinal_.contains(column)) return ColumnUse::ordinal;
    if (!has_text) return ColumnUse::number;
    if (label_ == column || ordinal_all_) return ColumnUse::ordinal;
    return one_hot_all_ ? ColumnUse::one_hot : ColumnUse::number;
  }

 private:
  std::vector<std::size_t> parse(const std::string& list, std::string_view flag) const {
    return parse_columns(list, records_.names(), columns_, flag);
  }
  bool is_feature(std::size_t column) const { return std::find(features_.begin(), features_.end(), column) != features_.end(); }

  void choose_features(const EncodingPlan& plan) {
    if (plan.label) label_ = parse_column(*plan.label, records_.names(), columns_, "--label");
    if (plan.columns && plan.drop)
      throw user_error("--columns and --drop exclude each other: columns that are not named are left out");
    if (plan.columns) {
      features_ = parse(*plan.columns, "--columns");
      std::erase_if(features_, [&](std::size_t c) { return label_ == c; });
    } else {
      std::vector<std::size_t> dropped;
      if (plan.drop) dropped = parse(*plan.drop, "--drop");
      if (label_ && std::find(dropped.begin(), dropped.end(), *label_) != dropped.end()) {
        throw user_error("--drop names the label {}; leave --label out to do without it", records_.column_name(*label_));
      }
      for (std::size_t c = 0; c < columns_; ++c) {
        if (label_ != c && std::find(dropped.begin(), dropped.end(), c) == dropped.end()) features_.push_back(c);
      }
    }
    if (features_.empty()) throw user_error("no column is left as a feature; expected one at least");
  }

  void choose_categories(const std::optional<std::string>& list, std::string_view flag, std::set<std::size_t>& columns,
                         bool& all) {
    if (!list) return;
    if (*list == "all") {
      all = true;
      return;
    }
    for (const std::size_t column : parse(*list, flag)) {
      if (label_ == column)
        throw user_error("{} names the label {}; a label of text becomes classes by itself", flag, records_.column_name(column));
      if (!is_feature(column)) throw user_error("{} names {}, which is no feature", flag, records_.column_name(column));
      columns.insert(column);
    }
  }

  void read_rule(const std::string& given, bool general) {
    const std::size_t equals = given.rfind('=');
    if ((equals == std::string::npos) != general) return;
    if (general) {
      std::fill(rules_.begin(), rules_.end(), parse_rule(given, given));
      return;
    }
    const std::string flag = "--missing " + given + ":";
    rules_[parse_column(given.substr(0, equals), records_.names(), columns_, flag)] =
        parse_rule(std::string_view(given).substr(equals + 1), given);
  }

  const CsvRecords& records_;
  std::size_t columns_;
  std::vector<std::size_t> features_;
  std::optional<std::size_t> label_;
  std::set<std::size_t> one_hot_, ordinal_;
  bool one_hot_all_ = false, ordinal_all_ = false;
  std::vector<Rule> rules_;
};

using Profiles = std::vector<ColumnProfile>;

class Profiler {
 public:
  Profiler(CsvRecords& records, const Selection& selection, const EncodingPlan& plan)
      : records_(records), selection_(selection), missing_texts_(plan.missing_texts.begin(), plan.missing_texts.end()) {}

  Profiles all(const std::function<void()>& progress) {
    Profiles total = empty();
    std::vector<Profiles> parts(records_.blocks_per_round());
    for (;;) {
      const std::size_t blocks =
          records_.round([&](const RawBlock& block, std::size_t place) { parts[place] = of_block(block); });
      if (blocks == 0) return total;
      for (std::size_t i = 0; i < blocks; ++i) {
        for (std::size_t c = 0; c < total.size(); ++c) total[c].add(parts[i][c]);
      }
      progress();
    }
  }

 private:
  Profiles empty() const {
    ColumnProfile profile;
    profile.sample = NumberSample(selection_.wants_medians() ? kMedianRows : 0);
    return Profiles(records_.columns(), profile);
  }

  Profiles of_block(const RawBlock& block) const {
    Profiles profiles = empty();
    const std::uint64_t source = key_of(*block.source);
    std::uint64_t number = block.first_record;
    records_.each(block, [&](const CsvRecord& record) {
      const std::uint64_t of_record[] = {source, number++};
      const std::uint64_t draw = key_of(std::string_view(reinterpret_cast<const char*>(of_record), sizeof of_record));
      for (std::size_t c = 0; c < profiles.size(); ++c) {
        if (selection_.uses(c)) look_at(record.fields[c], c, draw, *block.source, record.line, profiles[c]);
      }
    });
    return profiles;
  }

  void look_at(std::string_view text, std::size_t column, std::uint64_t draw, const std::string& source, std::uint64_t line,
               ColumnProfile& profile) const {
    if (always_missing(text) || (!missing_texts_.empty() && missing_texts_.contains(std::string(text)))) {
      if (profile.missing++ == 0) profile.first_missing_place = line_place(source, line);
      return;
    }
    if (const std::optional<double> number = field_number(text)) {
      ++profile.numbers;
      profile.sum += *number;
      profile.sample.add(draw, *number);
    } else {
      if (profile.texts++ == 0) {
        profile.first_text = text;
        profile.first_text_place = line_place(source, line);
      }
      if (looks_like_date(text)) ++profile.dates;
    }
    if (selection_.wants_categories(column)) profile.count_category(canonical_category(text), 1);
  }

  CsvRecords& records_;
  const Selection& selection_;
  const std::unordered_set<std::string> missing_texts_;
};

// What is saved as JSON must be UTF-8, or it would not match the data any more.
std::string utf8_problem(const ColumnProfile& p, ColumnUse use, const std::string& name) {
  constexpr const char* kAdvice = "is not UTF-8; convert the file, for example with iconv -f latin1 -t utf-8";
  if (!simdjson::validate_utf8(name)) return fmt::format("{}: the name {}", smtrain::quoted(name), kAdvice);
  for (const auto& [category, times] : p.categories) {
    if (use == ColumnUse::number || simdjson::validate_utf8(category)) continue;
    return fmt::format("{}: {} {}", smtrain::quoted(name), smtrain::quoted(category), kAdvice);
  }
  return "";
}

/// What keeps the values of a column from being numbers, with what to do; "" when nothing does.
std::string number_problem(const ColumnProfile& p, const std::string& where) {
  if (p.texts == 0) return "";
  const std::string first = smtrain::quoted(p.first_text);
  if (p.dates == p.texts) {
    return fmt::format(
        "{}: holds dates such as {} ({}); make numbers of them first (year, month, day of the week, days since a day), or "
        "leave it out with --drop",
        where, first, p.first_text_place);
  }
  if (p.texts * 10 < p.numbers) {
    return fmt::format(
        "{}: {} numbers, and {} such as {} ({}); say --missing-text {} when it means a missing value, or --one-hot {}, "
        "--ordinal {} or --drop {}",
        where, grouped(p.numbers), counted(p.texts, "text"), first, p.first_text_place, first, where, where, where);
  }
  return fmt::format(
      "{}: holds text such as {} ({}); say --one-hot {} for a feature per category, --ordinal {} for the number of the "
      "category, or --drop {}",
      where, first, p.first_text_place, where, where, where);
}

/// The same of missing values.
std::string missing_problem(const ColumnProfile& p, const Rule& rule, bool is_label, const std::string& name) {
  if (p.missing == 0 || rule.rule == MissingRule::drop || (rule.rule != MissingRule::refuse && !is_label)) return "";
  const std::string where = smtrain::quoted(name);
  if (is_label) {
    return fmt::format("{}: the label is missing in {} (first {}); --missing {}=drop leaves them out", where,
                       counted(p.missing, "record"), p.first_missing_place, name);
  }
  return fmt::format("{}: {} (first {}); say what to do with --missing drop, mean, median, nan or a number, +indicator if wanted",
                     where, counted(p.missing, "missing value"), p.first_missing_place);
}

/// What keeps a column from being a feature, with what to do; "" when nothing does.
std::string problem_of(const ColumnProfile& p, ColumnUse use, const Rule& rule, bool is_label, const std::string& name) {
  const std::string where = smtrain::quoted(name);
  if (p.numbers + p.texts == 0) return fmt::format("{}: every value is missing; leave it out with --drop", where);
  if (use == ColumnUse::number) {
    if (const std::string problem = number_problem(p, where); !problem.empty()) return problem;
  } else if (p.too_many_categories) {
    return fmt::format("{}: over {} categories; is it an identifier? leave it out with --drop", where, grouped(kMaxCategories));
  }
  if (const std::string problem = utf8_problem(p, use, name); !problem.empty()) return problem;
  return missing_problem(p, rule, is_label, name);
}

ColumnEncoding encoding_of(const ColumnProfile& profile, std::size_t column, ColumnUse use, const Rule& rule, bool is_label,
                           const std::string& name) {
  ColumnEncoding encoding{name, column, use, {}, rule.rule, rule.fill, rule.fill_by, false};
  if (use != ColumnUse::number) encoding.categories = profile.sorted_categories();
  if (is_label) {
    if (rule.rule != MissingRule::drop) encoding.missing = MissingRule::refuse;
    return encoding;
  }
  // A column that has none here may have them in new data; but a feature that is 0 throughout teaches nothing.
  encoding.indicator = rule.indicator && profile.missing != 0;
  if (use != ColumnUse::number) return encoding;
  if (rule.fill_by == "mean") encoding.fill = profile.sum / static_cast<double>(profile.numbers);
  if (rule.fill_by == "median") encoding.fill = profile.sample.median();
  return encoding;
}

}  // namespace

Encoding fit_encoding(CsvRecords& records, const EncodingPlan& plan, const std::function<void()>& progress, Log& log) {
  const Selection selection(records, plan);
  const Profiles profiles = Profiler(records, selection, plan).all(progress);
  Encoding encoding;
  encoding.header = !records.names().empty();
  encoding.columns = records.columns();
  encoding.missing_texts = plan.missing_texts;
  std::vector<std::string> problems;
  const auto decide = [&](std::size_t column, bool is_label) {
    const std::string name = encoding.header ? records.names()[column] : std::to_string(column);
    const ColumnProfile& profile = profiles[column];
    const ColumnUse use = selection.use(column, profile.texts != 0);
    const Rule& rule = selection.rule(column);
    const std::string problem = problem_of(profile, use, rule, is_label, name);
    if (!problem.empty()) problems.push_back(fmt::format("{}: column {}", records.team().files().front().name, problem));
    else
      (is_label ? encoding.label.emplace() : encoding.features.emplace_back()) =
          encoding_of(profile, column, use, rule, is_label, name);
  };
  if (selection.label()) decide(*selection.label(), true);
  for (const std::size_t column : selection.features()) decide(column, false);
  if (!problems.empty()) throw Error(Fault::user, problems);
  log.debug("{} columns become {} features", selection.features().size(), encoding.width());
  return encoding;
}

}  // namespace smtrain::formats
