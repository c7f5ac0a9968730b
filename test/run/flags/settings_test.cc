#include "run/flags/settings.h"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "base/error.h"
#include "base/machine.h"
#include "base/temporary_folder.h"

using namespace smtrain;
using namespace smtrain::run;
using smtrain::test::TemporaryFolder;

namespace {

// A variable that is put back at the end.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    value ? setenv(name, value, 1) : unsetenv(name);
  }
  ~Variable() { old_ ? setenv(name_, old_->c_str(), 1) : unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

// A configuration folder that XDG_CONFIG_HOME names.
struct Config {
  TemporaryFolder folder;
  Variable variable;
  explicit Config(const std::string& text) : variable("XDG_CONFIG_HOME", folder.path().c_str()) {
    folder.put("smtrain/config.json", text);
  }
};

std::vector<std::string> problems_of(const SettingTexts& flags) {
  NullLog log;
  try {
    common_settings(flags, {}, {}, {}, log);
  } catch (const Error& e) {
    CHECK(e.exit_code() == 2);
    return e.problems();
  }
  return {};
}

}  // namespace

TEST_CASE("settings: each layer gives way to the one above it", "[run]") {
  SettingTexts flags = {{"seed", "1"}}, environment = {{"seed", "2"}}, job_file = {{"seed", "3"}}, config = {{"seed", "4"}};
  const auto seed = [&] { return setting("seed", flags, environment, job_file, config); };
  CHECK((seed().value == "1" && seed().origin == "flag"));
  flags.clear();
  CHECK((seed().value == "2" && seed().origin == "SMTRAIN_SEED"));
  environment.clear();
  CHECK((seed().value == "3" && seed().origin == "hyperparameters.json"));
  job_file.clear();
  CHECK((seed().value == "4" && seed().origin == "config"));
  config.clear();
  CHECK((seed().value == "0" && seed().origin == "default"));
}

TEST_CASE("settings: checked values keep their origin, and defaults name the machine's fact", "[run]") {
  NullLog log;
  const CommonSettings s = common_settings({{"threads", "3"}}, {{"memory-limit", "512M"}}, {{"device", "cuda:1"}}, {}, log);
  CHECK((s.threads.value == 3 && s.threads.origin == "flag"));
  CHECK((s.memory_limit.value == std::uint64_t{512} << 20 && s.memory_limit.origin == "SMTRAIN_MEMORY_LIMIT"));
  CHECK((s.device.value == "cuda:1" && s.device.origin == "hyperparameters.json"));
  const CommonSettings d = common_settings({}, {}, {}, {}, log);
  CHECK(static_cast<std::uint64_t>(d.threads.value) == default_threads().value);
  CHECK(d.threads.origin == default_threads().origin);
  CHECK(d.memory_limit.value == memory_budget().value);
  CHECK(common_settings({{"seed", "18446744073709551615"}}, {}, {}, {}, log).seed.value == UINT64_MAX);
}

TEST_CASE("settings: more threads than the machine offers are noted and kept", "[run]") {
  CollectedLog log;
  CHECK(common_settings({{"threads", "4096"}}, {}, {}, {}, log).threads.value == 4096);
  REQUIRE(log.lines.size() == 1);
  CHECK(log.lines[0].second.find("4096 threads asked for (--threads)") == 0);
}

TEST_CASE("settings: all wrong values are reported together with what is expected", "[run]") {
  CHECK(problems_of({{"threads", "0"}, {"memory-limit", "12"}, {"seed", "-1"}, {"device", "gpu"}}) ==
        std::vector<std::string>{"--threads is \"0\"; expected 1 to 4096",
                                 "--memory-limit is \"12\"; expected a size of at least 64M, such as 512M or 16G",
                                 "--seed is \"-1\"; expected a whole number, 0 to 18446744073709551615",
                                 "--device is \"gpu\"; expected auto, cpu, cuda or cuda:N"});
  for (const char* bad : {"4097", "", "2.5", "1e1", "99999999999"}) CHECK(problems_of({{"threads", bad}}).size() == 1);
  for (const char* bad : {"cuda:", "cuda:x", "cuda:-1", "CUDA"}) CHECK(problems_of({{"device", bad}}).size() == 1);
}

TEST_CASE("settings: variables are read, and one that names no setting is warned about", "[run]") {
  const Variable threads("SMTRAIN_THREADS", "5"), memory("SMTRAIN_MEMORY_LIMIT", "1G"), empty("SMTRAIN_SEED", "");
  const Variable wrong("SMTRAIN_THREAD", "5"), kernels("SMTRAIN_KERNELS", "baseline");
  CollectedLog log;
  const SettingTexts texts = environment_settings(log);
  CHECK(texts == SettingTexts{{"threads", "5"}, {"memory-limit", "1G"}});
  REQUIRE(log.lines.size() == 1);
  CHECK(log.lines[0].second.find("SMTRAIN_THREAD names no setting") != std::string::npos);
  CHECK(log.lines[0].second.find("did you mean SMTRAIN_THREADS?") != std::string::npos);
}

TEST_CASE("settings: the user's configuration is a flat object of settings", "[run]") {
  const Config config(R"({"threads": 2, "log_format": "json", "no-color": true})");
  CHECK(read_user_config() == SettingTexts{{"threads", "2"}, {"log-format", "json"}, {"no-color", "true"}});
}

TEST_CASE("settings: a configuration that names no setting or is no flat object is refused", "[run]") {
  {
    const Config config(R"({"thread": 2, "epochs": 1})");
    CHECK_THROWS_WITH(read_user_config(), Catch::Contains("\"thread\" is no setting; did you mean threads?") &&
                                              Catch::Contains("\"epochs\" is no setting"));
  }
  const Config config(R"({"threads": {"n": 2}})");
  CHECK_THROWS_WITH(read_user_config(), Catch::Contains("setting \"threads\" holds an object"));
}

TEST_CASE("settings: without a home, or with none of our files in it, there is no configuration", "[run]") {
  const Variable xdg("XDG_CONFIG_HOME", nullptr);
  {
    const Variable home("HOME", nullptr);
    CHECK(read_user_config().empty());
  }
  const Variable home("HOME", "/nonexistent");
  CHECK(read_user_config().empty());
  const Variable relative("XDG_CONFIG_HOME", "relative/path");
  CHECK(read_user_config().empty());
}

TEST_CASE("settings: smtrain_* names are taken out of hyperparameters, unknown ones stay to be refused", "[run]") {
  std::vector<job::Given> given = {{"k", "3", "f"}, {"smtrain_threads", "\"4\"", "f"}, {"smtrain_memory_limit", "1G", "f"},
                                   {"smtrain_algorithm", "kmeans", "f"}, {"smtrain_treads", "4", "f"}};
  CHECK(take_settings(given) == SettingTexts{{"threads", "4"}, {"memory-limit", "1G"}, {"algorithm", "kmeans"}});
  REQUIRE(given.size() == 2);
  CHECK(given[1].name == "smtrain_treads");
}
