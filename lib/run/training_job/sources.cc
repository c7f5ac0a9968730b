#include "run/training_job/sources.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "base/system_error.h"
#include "base/text.h"
#include "formats/io/uri.h"
#include "formats/manifest/augmented_manifest.h"

namespace smtrain::run::training_job {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kMaxManifest = std::size_t{4} << 30;

[[noreturn]] void fail(const std::string& path, const std::error_code& error) {
  throw system_error(error.value(), "cannot read {}", smtrain::quoted(path, 4096));
}

Entry object(const std::string& path, std::string name) {
  std::error_code error;
  Entry entry;
  entry.name = std::move(name);
  entry.bytes = fs::file_size(path, error);
  if (error) fail(path, error);
  entry.pieces.push_back({path, ""});
  return entry;
}

void add_subtree(const fs::path& folder, const std::string& base, std::vector<Entry>& entries) {
  std::error_code error;
  const auto options = fs::directory_options::follow_directory_symlink;
  for (fs::recursive_directory_iterator at(folder, options, error), end; !error && at != end; at.increment(error)) {
    if (!at->is_regular_file(error)) continue;
    const std::string path = at->path().string();
    entries.push_back(object(path, path.substr(base.size())));
  }
  if (error) fail(folder.string(), error);
}

// Every path that begins with the string, as keys that begin with a prefix.
void add_beginning(const std::string& beginning, std::vector<Entry>& entries) {
  const std::string base = beginning.substr(0, beginning.rfind('/') + 1), start = beginning.substr(base.size());
  std::error_code error;
  for (fs::directory_iterator at(base, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (!name.starts_with(start)) continue;
    if (at->is_directory(error)) add_subtree(at->path(), base, entries);
    else if (at->is_regular_file(error)) entries.push_back(object(at->path().string(), name));
  }
}

Source list_prefix(const Channel& channel, Log& log) {
  Source source;
  const std::string& path = channel.path;
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    const std::string base = path.ends_with('/') ? path : path + "/";
    source.folder = base;
    source.prefix = formats::file_uri(base);
    add_subtree(base, base, source.entries);
  } else if (channel.kind == SourceKind::folder || path.ends_with('/')) {
    return source;
  } else if (fs::is_regular_file(path, ignored)) {
    source.prefix = formats::file_uri(fs::path(path).parent_path().string() + "/");
    source.entries.push_back(object(path, fs::path(path).filename().string()));
  } else {
    source.prefix = formats::file_uri(path.substr(0, path.rfind('/') + 1));
    add_beginning(path, source.entries);
    if (!source.entries.empty())
      log.info("channel {}: {} objects whose paths begin with {}", channel.name, source.entries.size(), path);
  }
  std::sort(source.entries.begin(), source.entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return source;
}

// Where an object of a manifest lies in the channel's folder: as the manifest writes it, unless that would lead out of there.
std::string safe_name(const std::string& name) {
  const fs::path plain = fs::path(name).lexically_normal();
  const bool leads_out = plain.is_absolute() || plain.empty() || *plain.begin() == ".." || name.find(':') != std::string::npos;
  return leads_out ? plain.filename().string() : plain.string();
}

Source list_manifest(const Channel& channel, const TrainingJobRequest& request) {
  const std::string where = "channel " + channel.name + ": manifest " + smtrain::quoted(channel.path, 4096);
  const json list = json::parse(read_file(channel.path, kMaxManifest), nullptr, false);
  const std::string expected = "expected a JSON array: an object with \"prefix\", then strings";
  if (!list.is_array() || list.empty()) throw user_error("{}: {}", where, expected);
  if (!list[0].is_object() || !list[0].contains("prefix") || !list[0]["prefix"].is_string())
    throw user_error("{}, element 0: {}", where, expected);
  Source source;
  source.prefix = list[0]["prefix"].get<std::string>();
  std::set<std::string> names;
  for (std::size_t i = 1; i < list.size(); ++i) {
    if (!list[i].is_string()) throw user_error("{}, element {}: {}", where, i, expected);
    const std::string name = list[i].get<std::string>();
    Entry entry = object(formats::resolve_uri(source.prefix + name, request.folder, request.maps), safe_name(name));
    if (!names.insert(entry.name).second)
      throw user_error("{}, element {}: {} is listed twice", where, i, smtrain::quoted(entry.name));
    source.entries.push_back(std::move(entry));
  }
  return source;
}

Piece piece_of(const formats::Attribute& attribute, const std::string& name, const std::string& where, const TrainingJobRequest& request) {
  if (!attribute.reference) return {"", attribute.text};
  const std::string path = formats::reference_path(attribute, where, request.folder, request.maps);
  std::error_code error;
  if (!fs::is_regular_file(path, error))
    throw user_error("{}: attribute {}: there is no file {}", where, smtrain::quoted(name), smtrain::quoted(path, 4096));
  return {path, ""};
}

Source list_augmented(const Channel& channel, const TrainingJobRequest& request) {
  Source source;
  source.prefix = formats::file_uri(channel.path);
  const std::string text = read_file(channel.path, kMaxManifest);
  std::size_t number = 0;
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    if (trim(line).empty()) continue;
    const std::string where = fmt::format("channel {}: {}:{}", channel.name, channel.path, number);
    const formats::ManifestLine parsed = formats::parse_manifest_line(line, channel.attributes, where);
    Entry entry;
    entry.name = fmt::format("line {}", number);
    for (std::size_t i = 0; i < parsed.attributes.size(); ++i)
      entry.pieces.push_back(piece_of(parsed.attributes[i], channel.attributes[i], where, request));
    source.entries.push_back(std::move(entry));
  }
  return source;
}

}  // namespace

std::uint64_t Source::bytes() const {
  std::uint64_t sum = 0;
  for (const Entry& e : entries) sum += e.bytes;
  return sum;
}

Source list_source(const Channel& channel, const TrainingJobRequest& request, Log& log) {
  Source source = channel.kind == SourceKind::manifest             ? list_manifest(channel, request)
                  : channel.kind == SourceKind::augmented_manifest ? list_augmented(channel, request)
                                                                   : list_prefix(channel, log);
  if (source.entries.empty())
    throw user_error("channel {}: no object found under {}", channel.name, smtrain::quoted(channel.path, 4096));
  if (channel.mode == InputMode::fast_file && !source.folder) {
    throw user_error("channel {}: {} is no folder; FastFile needs a prefix that ends where a folder does", channel.name,
                     smtrain::quoted(channel.path, 4096));
  }
  return source;
}

std::vector<std::size_t> shuffled(std::size_t n, std::uint64_t seed, const std::string& channel, std::int64_t epoch) {
  RandomStream stream(seed, fmt::format("shuffle/{}/{}", channel, epoch));
  std::vector<std::size_t> order(n);
  for (std::size_t i = 0; i < n; ++i) order[i] = i;
  for (std::size_t i = 0; i + 1 < n; ++i) std::swap(order[i], order[i + stream.below(n - i)]);
  return order;
}

std::vector<std::size_t> entries_of(const Channel& channel, std::size_t entries, std::size_t host, std::size_t hosts,
                                    std::int64_t epoch) {
  std::vector<std::size_t> order;
  if (channel.shuffle_seed) order = shuffled(entries, *channel.shuffle_seed, channel.name, epoch);
  else for (std::size_t i = 0; i < entries; ++i) order.push_back(i);
  if (!channel.sharded || hosts == 1) return order;
  std::vector<std::size_t> share;
  for (std::size_t i = host; i < entries; i += hosts) share.push_back(order[i]);
  return share;
}

}  // namespace smtrain::run::training_job
