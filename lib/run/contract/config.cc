#include "run/contract/config.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/text.h"
#include "run/contract/config_json.h"

namespace smtrain::run::contract {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxChannelName = 64, kMaxHostName = 255;
constexpr const char* kModes[] = {"File", "FastFile", "Pipe"};
constexpr const char* kDistributions[] = {"FullyReplicated", "ShardedByS3Key"};
constexpr const char* kWrappers[] = {"None", "RecordIO"};

bool is_plain(std::string_view text) {
  return text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == std::string_view::npos;
}

// ---- channels ------------------------------------------------------------------------------------------------------------

/// The enumerator whose text stands at `key`; its first one when the key is absent.
template <class E, std::size_t N>
E choice(const Json& channel, const char* key, const char* const (&texts)[N], const Place& place) {
  const Json* value = find(channel, key);
  if (value == nullptr) return E{};
  const std::string text = text_at(*value, place / key);
  for (std::size_t i = 0; i < N; ++i)
    if (text == texts[i]) return static_cast<E>(i);
  const std::vector<std::string> known(texts, texts + N);
  throw user_error("{}: {} is not one of: {}{}", (place / key).text, smtrain::quoted(text), join(known, ", "), did_you_mean(text, known));
}

Channel read_channel(const std::string& name, const Json& value, const Place& file) {
  if (!is_channel_name(name)) {
    throw user_error("{}: {} is no channel name; expected 1 to {} of A-Z a-z 0-9 . _ -", file.text, smtrain::quoted(name), kMaxChannelName);
  }
  const Place place = file / name;
  expect_object(value, place);
  Channel channel;
  channel.name = name;
  if (const Json* type = find(value, "ContentType")) channel.content_type = text_at(*type, place / "ContentType");
  if (channel.content_type && channel.content_type->empty()) channel.content_type.reset();
  channel.mode = choice<InputMode>(value, "TrainingInputMode", kModes, place);
  channel.distribution = choice<Distribution>(value, "S3DistributionType", kDistributions, place);
  channel.wrapper = choice<RecordWrapper>(value, "RecordWrapperType", kWrappers, place);
  if (channel.wrapper != RecordWrapper::none && channel.mode != InputMode::pipe) {
    throw user_error("{}: {} with TrainingInputMode {}; records are wrapped in Pipe mode only", (place / "RecordWrapperType").text,
                     text_of(channel.wrapper), text_of(channel.mode));
  }
  return channel;
}

// ---- resources -----------------------------------------------------------------------------------------------------------

std::string host_at(const std::string& name, const Place& place) {
  if (name.empty() || name.size() > kMaxHostName || !is_plain(name))
    throw user_error("{}: {} is no host name", place.text, smtrain::quoted(name));
  return name;
}

std::vector<std::string> hosts_at(const Json& value, const Place& place) {
  std::vector<std::string> hosts = texts_at(value, place);
  if (hosts.empty()) throw user_error("{}: expected at least one host, found none", place.text);
  for (const std::string& host : hosts) host_at(host, place);
  std::sort(hosts.begin(), hosts.end());
  const auto twice = std::adjacent_find(hosts.begin(), hosts.end());
  if (twice != hosts.end()) throw user_error("{}: {} is given twice", place.text, smtrain::quoted(*twice));
  return hosts;
}

InstanceGroup group_at(const Json& value, const Place& place) {
  expect_object(value, place);
  InstanceGroup group;
  if (const Json* name = find(value, "instance_group_name")) group.name = text_at(*name, place / "instance_group_name");
  if (const Json* type = find(value, "instance_type")) group.instance_type = text_at(*type, place / "instance_type");
  if (const Json* hosts = find(value, "hosts")) group.hosts = hosts_at(*hosts, place / "hosts");
  return group;
}

void read_hosts(const Json& object, const Place& file, Resources& resources) {
  const Json *current = find(object, "current_host"), *hosts = find(object, "hosts");
  if (hosts != nullptr) resources.hosts = hosts_at(*hosts, file / "hosts");
  if (current != nullptr) {
    resources.current_host = host_at(text_at(*current, file / "current_host"), file / "current_host");
    if (hosts == nullptr) resources.hosts = {resources.current_host};
  } else if (resources.hosts.size() == 1) {
    resources.current_host = resources.hosts.front();
  } else {
    throw user_error("{}: missing; expected one of hosts, which are {}", (file / "current_host").text, join(resources.hosts, ", "));
  }
  if (!std::binary_search(resources.hosts.begin(), resources.hosts.end(), resources.current_host)) {
    throw user_error("{}: {} is not among hosts, which are {}", (file / "current_host").text, smtrain::quoted(resources.current_host),
                     join(resources.hosts, ", "));
  }
}

}  // namespace

std::vector<job::Given> read_hyperparameters(const Layout& layout, Log& log) {
  const std::string file = layout.hyperparameters().string();
  const std::optional<Json> object = read_object(file);
  std::vector<job::Given> given;
  if (!object) return given;
  for (const auto& [name, value] : object->items()) {
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (!value.is_string()) {
      log.warning("{}: {} is {}; values are strings, it is taken as {}", file, smtrain::quoted(name), kind_of(value), smtrain::quoted(text));
    }
    given.push_back({name, text, file});
  }
  return given;
}

void write_hyperparameters(const Layout& layout, const std::map<std::string, std::string>& values) {
  Json object = Json::object();
  for (const auto& [name, text] : values) object[name] = text;
  write_object(layout.hyperparameters(), object);
}

bool is_channel_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxChannelName && is_plain(name) && name != "." && name != "..";
}

std::optional<std::vector<Channel>> read_channels(const Layout& layout) {
  const fs::path path = first_present({layout.channels(), layout.config() / "inputDataConfig.json"});
  const std::optional<Json> object = read_object(path);
  if (!object) return std::nullopt;
  std::vector<Channel> channels;
  for (const auto& [name, value] : object->items()) channels.push_back(read_channel(name, value, {path.string()}));
  std::sort(channels.begin(), channels.end(), [](const Channel& a, const Channel& b) { return a.name < b.name; });
  return channels;
}

void write_channels(const Layout& layout, const std::vector<Channel>& channels) {
  Json object = Json::object();
  for (const Channel& channel : channels) {
    Json& member = object[channel.name] = Json::object();
    if (channel.content_type) member["ContentType"] = *channel.content_type;
    member["TrainingInputMode"] = text_of(channel.mode);
    member["S3DistributionType"] = text_of(channel.distribution);
    member["RecordWrapperType"] = text_of(channel.wrapper);
  }
  write_object(layout.channels(), object);
}

const char* text_of(InputMode mode) { return kModes[static_cast<int>(mode)]; }
const char* text_of(Distribution distribution) { return kDistributions[static_cast<int>(distribution)]; }
const char* text_of(RecordWrapper wrapper) { return kWrappers[static_cast<int>(wrapper)]; }

std::size_t Resources::rank() const {
  return static_cast<std::size_t>(std::find(hosts.begin(), hosts.end(), current_host) - hosts.begin());
}

Resources read_resources(const Layout& layout) {
  const fs::path path = first_present({layout.resources(), layout.config() / "resourceConfig.json"});
  const std::optional<Json> object = read_object(path);
  Resources resources;
  if (!object) return resources;
  const Place file{path.string()};
  read_hosts(*object, file, resources);
  for (const char* key : {"current_instance_group", "current_group_name"})
    if (const Json* value = find(*object, key)) resources.current_group = text_at(*value, file / key);
  if (const Json* type = find(*object, "current_instance_type")) resources.instance_type = text_at(*type, file / "current_instance_type");
  if (const Json* name = find(*object, "network_interface_name")) resources.network_interface = text_at(*name, file / "network_interface_name");
  if (const Json* groups = find(*object, "instance_groups")) {
    const Place place = file / "instance_groups";
    if (!groups->is_array()) throw user_error("{}: expected a list of objects, found {}", place.text, kind_of(*groups));
    for (const Json& group : *groups) resources.groups.push_back(group_at(group, place));
  }
  return resources;
}

void write_resources(const Layout& layout, const Resources& resources) {
  std::vector<std::string> hosts = resources.hosts;
  std::sort(hosts.begin(), hosts.end());
  Json object = Json::object();
  object["current_host"] = resources.current_host;
  if (!resources.instance_type.empty()) object["current_instance_type"] = resources.instance_type;
  object["current_group_name"] = resources.current_group;
  object["hosts"] = hosts;
  object["instance_groups"] = Json::array();
  for (const InstanceGroup& group : resources.groups) {
    object["instance_groups"].push_back(
        Json{{"instance_group_name", group.name}, {"instance_type", group.instance_type}, {"hosts", group.hosts}});
  }
  object["network_interface_name"] = resources.network_interface;
  write_object(layout.resources(), object);
}

std::optional<fs::path> read_checkpoint_folder(const Layout& layout) {
  const std::string file = layout.checkpoint_config().string();
  const std::optional<Json> object = read_object(file);
  if (!object) return std::nullopt;
  const Json* value = find(*object, "LocalPath");
  if (value == nullptr) return layout.checkpoints();
  const Place place = Place{file} / "LocalPath";
  const fs::path path = text_at(*value, place);
  if (!path.is_absolute()) throw user_error("{}: {} is no absolute path", place.text, smtrain::quoted(path.string()));
  return layout.local(path);
}

void write_checkpoint_config(const Layout& layout, const fs::path& local_path) {
  write_object(layout.checkpoint_config(), Json{{"LocalPath", local_path.string()}});
}

}  // namespace smtrain::run::contract
