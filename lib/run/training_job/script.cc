#include "run/training_job/script.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/text.h"
#include "run/training_job/fields.h"

extern char** environ;

namespace smtrain::run::training_job {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Variables = std::map<std::string, std::string>;

json decoded(const std::string& text) {
  json value = json::parse(text, nullptr, false);
  // An integer that no 64 bits hold would come back as a rounded number.
  const bool digits = text.find_first_not_of("-0123456789") == std::string::npos;
  if (value.is_discarded() || (value.is_number_float() && digits)) return text;
  return value;
}

// str() of Python; strings inside of lists are shown as repr() does.
std::string python_text(const json& value, bool inside) {
  switch (value.type()) {
    case json::value_t::string: {
      const std::string text = value.get<std::string>();
      if (!inside) return text;
      const char quote = text.find('\'') != std::string::npos && text.find('"') == std::string::npos ? '"' : '\'';
      std::string out(1, quote);
      for (const char c : text) {
        if (c == '\\' || c == quote) out += '\\';
        if (c == '\n') out += "\\n";
        else if (c == '\t') out += "\\t";
        else out += c;
      }
      return out + quote;
    }
    case json::value_t::boolean: return value.get<bool>() ? "True" : "False";
    case json::value_t::null: return inside ? "None" : "";
    case json::value_t::number_float: return format_number(value.get<double>());
    case json::value_t::array: {
      std::string out;
      for (const json& item : value) out += (out.empty() ? "" : ", ") + python_text(item, true);
      return "[" + out + "]";
    }
    case json::value_t::object: {
      std::string out;
      for (const auto& [key, item] : value.items()) {
        out += inside ? (out.empty() ? "" : ", ") + python_text(json(key), true) + ": " + python_text(item, true)
                      : (out.empty() ? "" : ",") + key + "=" + python_text(item, false);
      }
      return inside ? "{" + out + "}" : out;
    }
    default: return value.dump();
  }
}

// The encoding of SM_ variables: strings as they are, nothing for null, everything else as compact JSON with sorted keys.
std::string variable_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_null() ? "" : value.dump(-1, ' ', true);
}

bool is_reserved(const std::string& name) {
  return name.starts_with("sagemaker_") || name == "_tuning_objective_metric" || name == "default_user_module_name";
}

json user_parameters(const TrainingJobRequest& request) {
  json out = json::object();
  for (const auto& [name, text] : request.hyperparameters) {
    if (!is_reserved(name) && !name.starts_with("smtrain_")) out[name] = decoded(text);
  }
  return out;
}

json framework_parameters(const TrainingJobRequest& request) {
  static const std::vector<std::string> kToolkit =
      {"sagemaker_program", "sagemaker_submit_directory", "sagemaker_region", "sagemaker_job_name",
                                                    "sagemaker_container_log_level", "sagemaker_enable_cloudwatch_metrics",
                                                        "sagemaker_s3_output"};
  json out = json::object();
  for (const auto& [name, text] : request.hyperparameters) {
    if (name.starts_with("sagemaker_") && std::find(kToolkit.begin(), kToolkit.end(), name) == kToolkit.end()) out[name] =
        decoded(text);
  }
  return out;
}

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

std::uint64_t count_gpus() {
  std::uint64_t count = 0;
  std::error_code error;
  for (fs::directory_iterator at("/proc/driver/nvidia/gpus", error), end; !error && at != end; at.increment(error)) ++count;
  return count;
}

json groups_of(const Hosts& hosts) {
  json groups = json::array();
  for (std::size_t i = 0; i < hosts.names.size(); ++i) {
    auto at =
        std::find_if(groups.begin(), groups.end(), [&](const json& g) { return g["instance_group_name"] == hosts.groups[i]; });
    if (at == groups.end()) {
      groups.push_back({{"instance_group_name", hosts.groups[i]}, {"instance_type", hosts.types[i]}, {"hosts", json::array()}});
      at = std::prev(groups.end());
    }
    (*at)["hosts"].push_back(hosts.names[i]);
  }
  return groups;
}

json input_config(const TrainingJobRequest& request, const std::string& group) {
  json config = json::object();
  for (const Channel& c : request.channels) {
    if (!is_for(c, group)) continue;
    json& member = config[c.name] = {{"TrainingInputMode", contract::text_of(c.mode)},
                                     {"S3DistributionType", c.sharded ? "ShardedByS3Key" : "FullyReplicated"},
                                     {"RecordWrapperType", c.record_io ? "RecordIO" : "None"}};
    if (c.content_type) member["ContentType"] = *c.content_type;
  }
  return config;
}

// All that the toolkit knows, by its own names: SM_TRAINING_ENV. The SM_ variables are taken from it.
// The host, those beside it and their groups.
void add_hosts(const ProgramPlace& place, json& env) {
  const Hosts& hosts = *place.hosts;
  const std::string& group = hosts.groups[place.host];
  const json groups = groups_of(hosts);
  env["current_host"] = hosts.names[place.host];
  env["current_instance_group"] = group;
  env["current_instance_group_hosts"] = json::array();
  env["current_instance_type"] = hosts.types[place.host];
  env["distribution_instance_groups"] = json::array();
  env["hosts"] = hosts.names;
  env["instance_groups"] = json::array();
  env["instance_groups_dict"] = json::object();
  for (const json& g : groups) {
    env["instance_groups"].push_back(g["instance_group_name"]);
    env["instance_groups_dict"][g["instance_group_name"].get<std::string>()] = g;
    if (g["instance_group_name"] == group) env["current_instance_group_hosts"] = g["hosts"];
  }
  env["is_hetero"] = groups.size() > 1;
  env["is_master"] = place.host == 0;
  env["master_hostname"] = hosts.names.front();
  env["network_interface_name"] = "lo";
  env["num_cpus"] = place.cpus;
  env["num_gpus"] = count_gpus();
  env["num_neurons"] = 0;
  env["resource_config"] = {{"current_host", hosts.names[place.host]}, {"current_instance_type", hosts.types[place.host]},
                            {"current_group_name", group}, {"hosts", hosts.names}, {"instance_groups", groups},
                            {"network_interface_name", "lo"}};
}

void add_folders(const contract::Layout& layout, json& env) {
  env["input_config_dir"] = layout.config().string();
  env["input_dir"] = (layout.root() / "input").string();
  env["model_dir"] = layout.model().string();
  env["output_data_dir"] = layout.output_data().string();
  env["output_dir"] = layout.output().string();
  env["output_intermediate_dir"] = layout.output_intermediate().string();
}

// What runs, and with what.
void add_program(const TrainingJobRequest& request, const ProgramPlace& place, json& env) {
  const std::string level = toolkit_setting(request, "sagemaker_container_log_level", "SAGEMAKER_CONTAINER_LOG_LEVEL");
  env["framework_module"] = nullptr;
  env["framework_params"] = framework_parameters(request);
  env["hyperparameters"] = user_parameters(request);
  env["job_name"] = request.name;
  env["log_level"] = decoded(level.empty() ? "20" : level);
  env["module_dir"] = place.module_folder.empty() ? place.layout.code().string() : place.module_folder;
  env["module_name"] = place.entry.empty() ? "" : fs::path(place.entry).stem().string();
  env["user_args"] = place.arguments;
  env["user_entry_point"] = place.entry;
}

json training_environment(const TrainingJobRequest& request, const ProgramPlace& place) {
  const std::string& group = place.hosts->groups[place.host];
  json env;
  add_hosts(place, env);
  add_folders(place.layout, env);
  add_program(request, place, env);
  env["channel_input_dirs"] = json::object();
  for (const Channel& c : request.channels) {
    if (is_for(c, group)) env["channel_input_dirs"][c.name] = place.layout.channel(c.name).string();
  }
  env["input_data_config"] = input_config(request, group);
  return env;
}

void add_toolkit_variables(const json& env, Variables& variables) {
  static const std::pair<const char*, const char*> kSame[] = {
      {"SM_MODEL_DIR", "model_dir"}, {"SM_OUTPUT_DIR", "output_dir"}, {"SM_OUTPUT_DATA_DIR", "output_data_dir"},
      {"SM_OUTPUT_INTERMEDIATE_DIR", "output_intermediate_dir"}, {"SM_INPUT_DIR", "input_dir"},
          {"SM_INPUT_CONFIG_DIR", "input_config_dir"},
      {"SM_HPS", "hyperparameters"}, {"SM_USER_ARGS", "user_args"}, {"SM_HOSTS", "hosts"}, {"SM_CURRENT_HOST", "current_host"},
      {"SM_NETWORK_INTERFACE_NAME", "network_interface_name"}, {"SM_NUM_CPUS", "num_cpus"}, {"SM_NUM_GPUS", "num_gpus"},
      {"SM_NUM_NEURONS", "num_neurons"}, {"SM_CURRENT_INSTANCE_TYPE", "current_instance_type"},
      {"SM_CURRENT_INSTANCE_GROUP", "current_instance_group"},
          {"SM_CURRENT_INSTANCE_GROUP_HOSTS", "current_instance_group_hosts"},
      {"SM_INSTANCE_GROUPS", "instance_groups"}, {"SM_INSTANCE_GROUPS_DICT", "instance_groups_dict"},
      {"SM_DISTRIBUTION_INSTANCE_GROUPS", "distribution_instance_groups"}, {"SM_IS_HETERO", "is_hetero"},
      {"SM_RESOURCE_CONFIG", "resource_config"}, {"SM_INPUT_DATA_CONFIG", "input_data_config"},
          {"SM_FRAMEWORK_MODULE", "framework_module"},
      {"SM_FRAMEWORK_PARAMS", "framework_params"}, {"SM_MODULE_NAME", "module_name"}, {"SM_MODULE_DIR", "module_dir"},
      {"SM_USER_ENTRY_POINT", "user_entry_point"}, {"SM_LOG_LEVEL", "log_level"}};
  for (const auto& [variable, key] : kSame) variables[variable] = variable_text(env[key]);
  json names = json::array();
  for (const auto& [name, folder] : env["channel_input_dirs"].items()) {
    names.push_back(name);
    variables["SM_CHANNEL_" + upper(name)] = variable_text(folder);
  }
  variables["SM_CHANNELS"] = variable_text(names);
  for (const auto& [name, value] : env["hyperparameters"].items()) variables["SM_HP_" + upper(name)] = variable_text(value);
  variables["SM_TRAINING_ENV"] = variable_text(env);
}

// "$SM_HP_LEARNING-RATE" means something else to a shell.
void add_aliases(Variables& variables) {
  const Variables before = variables;
  for (const auto& [name, value] : before) {
    if (!name.starts_with("SM_HP_") && !name.starts_with("SM_CHANNEL_")) continue;
    std::string alias = name;
    for (char& c : alias) {
      if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')) c = '_';
    }
    variables.emplace(alias, value);
  }
}

}  // namespace

std::vector<std::string> script_arguments(const TrainingJobRequest& request) {
  std::vector<std::string> arguments;
  const json parameters = user_parameters(request);
  for (const auto& [name, value] : parameters.items()) {
    arguments.push_back((characters(name) == 1 ? "-" : "--") + name);
    arguments.push_back(python_text(value, false));
  }
  return arguments;
}

std::string toolkit_setting(const TrainingJobRequest& request, const std::string& hyperparameter, const std::string& variable) {
  if (const auto at = request.hyperparameters.find(hyperparameter); at != request.hyperparameters.end()) {
    const json value = decoded(at->second);
    return value.is_string() ? value.get<std::string>() : at->second;
  }
  const auto at = request.environment.find(variable);
  return at == request.environment.end() ? "" : at->second;
}

std::map<std::string, std::string> program_environment(const TrainingJobRequest& request, const ProgramPlace& place) {
  Variables variables;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) variables[std::string(text.substr(0, equals))] = std::string(text.substr(equals + 1));
  }
  Variables own;
  add_toolkit_variables(training_environment(request, place), own);
  add_aliases(own);
  own["TRAINING_JOB_NAME"] = own["SAGEMAKER_JOB_NAME"] = request.name;
  own["TRAINING_JOB_ARN"] = arn_of(request.name);
  own["AWS_REGION"] = own["SAGEMAKER_REGION"] = "local";
  own["CURRENT_HOST"] = place.hosts->names[place.host];
  own["SAGEMAKER_BASE_DIR"] = place.layout.root().string();
  for (auto& [name, value] : own) variables[name] = std::move(value);
  for (const auto& [name, value] : request.environment) variables[name] = value;
  return variables;
}

std::string arn_of(const std::string& job) { return "arn:smtrain:local::training-job/" + job; }

}  // namespace smtrain::run::training_job
