#include "run/flags/settings.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/error.h"
#include "base/machine.h"
#include "base/text.h"
#include "job/flat_json.h"
#include "run/flags/flags.h"

extern char** environ;

namespace smtrain::run {
namespace {

constexpr int kMaxThreads = 4096;
constexpr std::uint64_t kMinMemory = std::uint64_t{64} << 20;

// Variables with our prefix that are no settings: read where they act.
const std::vector<std::string> kOtherVariables = {"SMTRAIN_KERNELS", "SMTRAIN_ALGORITHM", "SMTRAIN_GRACE", "SMTRAIN_WORKDIR",
                                                  "SMTRAIN_MODULE_PATH", "SMTRAIN_XGBOOST_LIB"};

std::string with_dashes(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

std::string variable_of(std::string_view setting) {
  std::string text = "SMTRAIN_";
  for (const char c : setting) text += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return text;
}

const Flag* find_setting(std::string_view name) {
  for (const Flag& flag : common_flags()) {
    if (flag.setting && flag.name == name) return &flag;
  }
  return nullptr;
}

std::vector<std::string> setting_names() {
  std::vector<std::string> names;
  for (const Flag& flag : common_flags()) {
    if (flag.setting) names.push_back(flag.name);
  }
  return names;
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// The XDG specification: a relative path is as good as none.
std::filesystem::path config_folder() {
  const std::filesystem::path xdg = variable("XDG_CONFIG_HOME");
  if (xdg.is_absolute()) return xdg;
  const std::filesystem::path home = variable("HOME");
  return home.is_absolute() ? home / ".config" : std::filesystem::path();
}

// Clients of the service put values into JSON quotes.
std::string unquoted(const std::string& text) {
  job::Hyperparameter as_text;
  return std::get<std::string>(job::decode(as_text, text));
}

}  // namespace

SettingTexts read_user_config() {
  const std::filesystem::path folder = config_folder();
  std::error_code error;
  const std::filesystem::path path = folder / "smtrain" / "config.json";
  if (folder.empty() || !std::filesystem::exists(path, error)) return {};
  SettingTexts texts;
  std::vector<std::string> problems;
  for (const job::Given& g : job::read_flat_json(path.string(), "setting")) {
    const std::string name = with_dashes(g.name);
    if (find_setting(name)) texts[name] = g.text;
    else problems.push_back(fmt::format("{}: {} is no setting{}", path.string(), smtrain::quoted(g.name), did_you_mean(name, setting_names())));
  }
  if (!problems.empty()) throw Error(Fault::user, std::move(problems));
  return texts;
}

SettingTexts environment_settings(Log& log) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (text.starts_with("SMTRAIN_") && equals < text.size() - 1) variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  std::vector<std::string> known = kOtherVariables;
  for (const std::string& name : setting_names()) known.push_back(variable_of(name));
  SettingTexts texts;
  for (const auto& [name, value] : variables) {
    const std::string setting_name = with_dashes(to_lower(std::string_view(name).substr(8)));
    if (find_setting(setting_name) && variable_of(setting_name) == name) texts[setting_name] = value;
    else if (std::find(known.begin(), known.end(), name) == known.end())
      log.warning("environment variable {} names no setting and is ignored{}", name, did_you_mean(name, known));
  }
  return texts;
}

SettingTexts take_settings(std::vector<job::Given>& hyperparameters) {
  SettingTexts texts;
  std::erase_if(hyperparameters, [&](const job::Given& g) {
    if (!g.name.starts_with("smtrain_")) return false;
    const std::string name = with_dashes(std::string_view(g.name).substr(8));
    if (name != "algorithm" && !find_setting(name)) return false;
    texts.emplace(name, unquoted(g.text));
    return true;
  });
  return texts;
}

From<std::string> setting(const std::string& name, const SettingTexts& flags, const SettingTexts& environment,
                          const SettingTexts& job_file, const SettingTexts& config) {
  const std::pair<const SettingTexts*, std::string> layers[] = {
      {&flags, "flag"}, {&environment, variable_of(name)}, {&job_file, "hyperparameters.json"}, {&config, "config"}};
  for (const auto& [texts, origin] : layers) {
    if (const auto found = texts->find(name); found != texts->end()) return {found->second, origin};
  }
  const Flag* flag = find_setting(name);
  return {flag ? flag->default_text : "", "default"};
}

namespace {

template <class T>
std::optional<T> whole_number(std::string_view text) {
  T value{};
  text = trim(text);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || text.empty() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// How a message names the place that a setting came from.
std::string place(const std::string& name, const std::string& origin) {
  if (origin == "flag") return "--" + name;
  if (origin.starts_with("SMTRAIN_")) return origin;
  if (origin == "config") return "config.json: " + name;
  std::string text = "hyperparameter smtrain_" + name;
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

class CommonReader {
 public:
  CommonReader(const SettingTexts& flags, const SettingTexts& environment, const SettingTexts& job_file, const SettingTexts& config)
      : flags_(flags), environment_(environment), job_file_(job_file), config_(config) {}

  From<int> threads(const Available& machine, Log& log) {
    const From<std::string> text = get("threads");
    const Sourced& available = machine.threads;
    if (text.origin == "default") return {static_cast<int>(std::min<std::uint64_t>(available.value, kMaxThreads)), available.origin};
    const std::optional<int> n = whole_number<int>(text.value);
    if (!n || *n < 1 || *n > kMaxThreads) return refuse<int>("threads", text, fmt::format("1 to {}", kMaxThreads));
    if (static_cast<std::uint64_t>(*n) > available.value) {
      const std::string asked = fmt::format("{} threads asked for ({}), {} available ({})", *n, place("threads", text.origin),
                                            available.value, available.origin);
      if (machine.for_more.empty()) log.info("{}", asked);
      else log.warning("{}: {}", asked, machine.for_more);
    }
    return {*n, text.origin};
  }

  From<std::uint64_t> memory_limit(const Sourced& budget) {
    const From<std::string> text = get("memory-limit");
    if (text.origin == "default") return {budget.value, budget.origin};
    const std::optional<std::uint64_t> bytes = parse_bytes(text.value);
    if (!bytes || *bytes < kMinMemory) {
      return refuse<std::uint64_t>("memory-limit", text, "a size of at least 64M, such as 512M or 16G");
    }
    return {*bytes, text.origin};
  }

  From<std::uint64_t> seed() {
    const From<std::string> text = get("seed");
    const std::optional<std::uint64_t> n = whole_number<std::uint64_t>(text.value);
    if (!n) return refuse<std::uint64_t>("seed", text, "a whole number, 0 to 18446744073709551615");
    return {*n, text.origin};
  }

  From<std::string> device() {
    const From<std::string> text = get("device");
    const std::string_view device = trim(text.value);
    const bool numbered = device.starts_with("cuda:") && device.size() <= 9 && whole_number<unsigned>(device.substr(5)).has_value();
    if (device != "auto" && device != "cpu" && device != "cuda" && !numbered) {
      return refuse<std::string>("device", text, "auto, cpu, cuda or cuda:N");
    }
    return {std::string(device), text.origin};
  }

  void throw_problems() const {
    if (!problems_.empty()) throw Error(Fault::user, problems_);
  }

 private:
  From<std::string> get(const std::string& name) const { return setting(name, flags_, environment_, job_file_, config_); }

  template <class T>
  From<T> refuse(const std::string& name, const From<std::string>& text, const std::string& expected) {
    problems_.push_back(fmt::format("{} is {}; expected {}", place(name, text.origin), smtrain::quoted(text.value), expected));
    return {};
  }

  const SettingTexts &flags_, &environment_, &job_file_, &config_;
  std::vector<std::string> problems_;
};

}  // namespace

CommonSettings common_settings(const SettingTexts& flags, const SettingTexts& environment, const SettingTexts& job_file,
                               const SettingTexts& config, Log& log, const Available& available) {
  CommonReader reader(flags, environment, job_file, config);
  const CommonSettings settings{reader.threads(available, log), reader.memory_limit(available.memory), reader.seed(), reader.device()};
  reader.throw_problems();
  return settings;
}

}  // namespace smtrain::run
