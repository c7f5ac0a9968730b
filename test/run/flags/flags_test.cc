#include "run/flags/flags.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "algos/registry.h"
#include "formats/content_type.h"

using namespace smtrain;
using namespace smtrain::run;

namespace {

const Flag* find_flag(const Subcommand& s, const std::string& name) {
  const auto found = std::find_if(s.flags.begin(), s.flags.end(), [&](const Flag& f) { return f.name == name; });
  return found == s.flags.end() ? nullptr : &*found;
}

void check_flag(const Flag& flag) {
  INFO(flag.name);
  CHECK_FALSE(flag.help.empty());
  CHECK(flag.help.back() == '.');
  CHECK(flag.metavar.empty() == (flag.value == FlagValue::none));
  if (flag.value == FlagValue::choice) CHECK(flag.choices.size() > 1);
  const bool known = flag.choices.empty() || flag.default_text.empty() ||
                     std::find(flag.choices.begin(), flag.choices.end(), flag.default_text) != flag.choices.end();
  CHECK(known);
}

}  // namespace

TEST_CASE("flags: every one is described, and names and letters are unique within a subcommand", "[run]") {
  for (const Subcommand& s : subcommands()) {
    INFO(s.name);
    std::set<std::string> names;
    std::set<char> letters;
    for (const auto& flags : {std::span<const Flag>(s.flags), common_flags()}) {
      for (const Flag& flag : flags) {
        check_flag(flag);
        CHECK(names.insert(flag.name).second);
        if (flag.letter) CHECK(letters.insert(flag.letter).second);
      }
    }
    for (const Flag& flag : s.positionals) check_flag(flag);
  }
}

TEST_CASE("flags: every subcommand has a summary, a usage and two examples of itself", "[run]") {
  for (const Subcommand& s : subcommands()) {
    INFO(s.name);
    CHECK_FALSE(s.summary.empty());
    CHECK(s.summary.back() != '.');
    CHECK(s.usage.starts_with("smtrain " + s.name));
    CHECK(s.examples.size() >= 2);
    for (const job::Example& e : s.examples) CHECK(e.command.find("smtrain ") != std::string::npos);
  }
}

TEST_CASE("flags: algorithms come first, and each is found by name and alias", "[run]") {
  REQUIRE(subcommands().size() > algos::all().size());
  for (std::size_t i = 0; i < algos::all().size(); ++i) CHECK(subcommands()[i].algorithm == algos::all()[i]);
  CHECK(find_subcommand("k-means") == find_subcommand("kmeans"));
  CHECK(find_subcommand("k_means") == find_subcommand("kmeans"));
  CHECK(find_subcommand("kmean") == nullptr);
  CHECK(subcommand_names().size() == subcommands().size());
}

TEST_CASE("flags: a training subcommand has the channels of its algorithm and no others", "[run]") {
  const Subcommand& kmeans = *find_subcommand("kmeans");
  REQUIRE(find_flag(kmeans, "train") != nullptr);
  CHECK(find_flag(kmeans, "train")->required);
  CHECK_FALSE(find_flag(kmeans, "test")->required);
  CHECK(find_flag(kmeans, "validation") == nullptr);
  CHECK(find_flag(kmeans, "output")->letter == 'o');
  CHECK(find_flag(kmeans, "channel")->repeatable);
  CHECK(find_flag(kmeans, "content-type")->repeatable);
}

TEST_CASE("flags: no hyperparameter hides a flag that is no setting", "[run]") {
  for (const Subcommand& s : subcommands()) {
    if (!s.algorithm) continue;
    for (const Flag& flag : s.flags) {
      INFO(flag.name);
      CHECK(s.algorithm->description().hyperparameters.find(flag.name, true) == nullptr);
    }
  }
}

TEST_CASE("flags: whatever is a table is suggested as a content type", "[run]") {
  for (const Subcommand& s : subcommands()) {
    for (const char* name : {"content-type", "to"}) {
      const Flag* flag = find_flag(s, name);
      if (flag == nullptr) continue;
      INFO(s.name << " --" << name);
      for (const formats::Format format : formats::all_formats()) {
        const std::string type = formats::mime_type(format);
        const bool suggested = std::find(flag->choices.begin(), flag->choices.end(), type) != flag->choices.end();
        CHECK(suggested == formats::is_table(format));
      }
    }
  }
  for (const Subcommand& s : subcommands()) {
    if (s.name != "convert") continue;
    const std::vector<std::string>& to = find_flag(s, "to")->choices;
    CHECK(std::find(to.begin(), to.end(), "image-records") != to.end());
  }
}
