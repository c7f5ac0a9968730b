#include "run/training_job/tree.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/system_error.h"
#include "base/text.h"
#include "run/contract/config.h"
#include "run/problems.h"

namespace smtrain::run::training_job {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const char* what, const fs::path& path, int error_number) {
  throw system_error(error_number, "cannot {} {}", what, path.string());
}

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) fail("make the folder", path, error.value());
}

// Blocks shared by the file system where it can, a second name for the file else, a copy across file systems.
void place(const std::string& from, const fs::path& to) {
  make_folder(to.parent_path());
  const UniqueFd source = open_for_reading(from);
  {
    const UniqueFd target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!target) fail("make", to, errno);
    if (::ioctl(target.get(), FICLONE, source.get()) == 0) return;
  }
  ::unlink(to.c_str());
  if (::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), AT_SYMLINK_FOLLOW) == 0) return;
  std::error_code error;
  fs::copy_file(from, to, error);
  if (error) fail("copy the input to", to, error.value());
}

void write_manifest(const contract::Layout& layout, const Channel& channel, const Source& source,
                    const std::vector<std::size_t>& entries) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  list.push_back({{"prefix", source.prefix}});
  for (const std::size_t i : entries) list.push_back(source.entries[i].name);
  AtomicFile file(layout.manifest(channel.name));
  file.write(list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  file.commit();
}

void place_channel(const contract::Layout& layout, const Channel& channel, const Source& source,
                   const std::vector<std::size_t>& entries, const TreeOptions& options) {
  const fs::path folder = layout.channel(channel.name);
  write_manifest(layout, channel, source, entries);
  const bool by_link = channel.mode == InputMode::fast_file && !options.in_container;
  if (by_link && entries.size() == source.entries.size()) return fs::create_directory_symlink(*source.folder, folder);
  make_folder(folder);
  for (const std::size_t i : entries) {
    const fs::path to = folder / source.entries[i].name;
    if (by_link) make_folder(to.parent_path());
    if (by_link) fs::create_symlink(source.entries[i].pieces[0].path, to);
    else place(source.entries[i].pieces[0].path, to);
  }
}

std::vector<contract::Channel> channels_of(const TrainingJobRequest& request, const std::string& group,
                                           const TreeOptions& options) {
  std::vector<contract::Channel> channels;
  for (const Channel& c : request.channels) {
    if (!is_for(c, group)) continue;
    const bool split = options.split_records && c.mode != InputMode::pipe;
    channels.push_back({c.name, c.content_type, c.mode, c.sharded && !split ? contract::Distribution::sharded
                        : contract::Distribution::replicated,
                        c.record_io ? contract::RecordWrapper::recordio : contract::RecordWrapper::none});
  }
  return channels;
}

contract::Resources resources_of(const Hosts& hosts, std::size_t host) {
  contract::Resources resources;
  resources.current_host = hosts.names[host];
  resources.hosts = hosts.names;
  resources.current_group = hosts.groups[host];
  resources.instance_type = hosts.types[host];
  resources.network_interface = "lo";
  for (std::size_t i = 0; i < hosts.names.size(); ++i) {
    auto at =
        std::find_if(resources.groups.begin(), resources.groups.end(), [&](const auto& g) { return g.name == hosts.groups[i]; });
    if (at == resources.groups.end()) at = resources.groups.insert(at, {hosts.groups[i], hosts.types[i], {}});
    at->hosts.push_back(hosts.names[i]);
  }
  return resources;
}

// The host's place among those that get the channel.
struct Share {
  std::size_t host = 0, hosts = 0;
};
Share share_of(const Channel& channel, const Hosts& hosts, std::size_t host) {
  Share share;
  for (std::size_t i = 0; i < hosts.names.size(); ++i) {
    if (!is_for(channel, hosts.groups[i])) continue;
    if (i < host) ++share.host;
    ++share.hosts;
  }
  return share;
}

}  // namespace

Hosts hosts_of(const TrainingJobRequest& request) {
  struct Host {
    std::string name, group, type;
  };
  std::vector<Host> all;
  std::vector<InstanceGroup> groups = request.groups;
  if (groups.empty()) groups.push_back({"homogeneousCluster", request.instance_type, request.instance_count});
  for (const InstanceGroup& g : groups) {
    for (std::int64_t i = 0; i < g.count; ++i) all.push_back({fmt::format("algo-{}", all.size() + 1), g.name, g.type});
  }
  std::sort(all.begin(), all.end(), [](const Host& a, const Host& b) { return a.name < b.name; });
  Hosts hosts;
  for (Host& h : all) {
    hosts.names.push_back(std::move(h.name));
    hosts.groups.push_back(std::move(h.group));
    hosts.types.push_back(std::move(h.type));
  }
  return hosts;
}

Sources list_sources(const TrainingJobRequest& request, Log& log) {
  Sources sources;
  Problems problems;
  for (const Channel& c : request.channels) problems.check([&] { sources.emplace(c.name, list_source(c, request, log)); });
  problems.raise();
  return sources;
}

bool is_for(const Channel& channel, const std::string& group) {
  return channel.groups.empty() || std::find(channel.groups.begin(), channel.groups.end(), group) != channel.groups.end();
}

void make_tree(const contract::Layout& layout, const TrainingJobRequest& request, const Hosts& hosts, std::size_t host,
               const Sources& sources, const TreeOptions& options) {
  layout.make_folders();
  contract::write_hyperparameters(layout, request.hyperparameters);
  contract::write_channels(layout, channels_of(request, hosts.groups[host], options));
  contract::write_resources(layout, resources_of(hosts, host));
  if (request.checkpoint_path) {
    contract::write_checkpoint_config(layout, request.checkpoint_local);
    make_folder(layout.local(request.checkpoint_local));
  }
  for (const Channel& c : request.channels) {
    if (c.mode == InputMode::pipe || !is_for(c, hosts.groups[host])) continue;
    Channel shared = c;
    shared.sharded = c.sharded && !options.split_records;
    const Source& source = sources.at(c.name);
    const Share share = share_of(c, hosts, host);
    place_channel(layout, c, source, entries_of(shared, source.entries.size(), share.host, share.hosts, 0), options);
  }
}

std::vector<std::unique_ptr<Feeder>> start_feeders(const contract::Layout& layout, const TrainingJobRequest& request,
                                                   const Hosts& hosts, std::size_t host, const Sources& sources) {
  std::vector<std::unique_ptr<Feeder>> feeders;
  for (const Channel& c : request.channels) {
    if (c.mode != InputMode::pipe || !is_for(c, hosts.groups[host])) continue;
    const Share share = share_of(c, hosts, host);
    feeders.push_back(std::make_unique<Feeder>(FeedPlan{layout, c, &sources.at(c.name), share.host, share.hosts}));
  }
  return feeders;
}

}  // namespace smtrain::run::training_job
