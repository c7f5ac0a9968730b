#include "channel_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace smtrain::cmd {
namespace {

using run::ChannelRequest;

constexpr std::array<std::string_view, 3> kOptions = {",type=", ",mode=", ",distribution="};

/// Where the last option of `text` begins, its name in `option`; npos when the rest is all path.
std::size_t last_option(std::string_view text, std::string_view& option) {
  std::size_t at = std::string_view::npos;
  for (std::string_view candidate : kOptions) {
    const std::size_t found = text.rfind(candidate);
    if (found == std::string_view::npos || (at != std::string_view::npos && found < at)) continue;
    at = found;
    option = candidate;
  }
  const bool escaped = at != std::string_view::npos && at > 0 && text[at - 1] == ',';
  return escaped ? std::string_view::npos : at;
}

std::string unescaped(std::string path) {
  for (std::string_view option : kOptions)
    for (std::size_t at = 0; (at = path.find("," + std::string(option), at)) != std::string::npos; ++at) path.erase(at, 1);
  return path;
}

bool is_channel_name(std::string_view text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
                              std::string_view::npos;
}

class ChannelReader {
 public:
  ChannelReader(const CommandLine& line, std::vector<std::string>& problems) : line_(line), problems_(problems) {}

  std::vector<ChannelRequest> read() {
    for (const std::string& name : channel_names())
      if (std::optional<std::string> path = line_.text(name)) add({name, *path, {}, {}, {}});
    for (const std::string& text : line_.texts("channel")) read_channel(text);
    for (const std::string& text : line_.texts("content-type")) read_content_type(text);
    for (ChannelRequest& channel : channels_)
      if (!channel.content_type) channel.content_type = type_of_all_;
    return std::move(channels_);
  }

 private:
  template <class... A>
  void problem(fmt::format_string<A...> format, A&&... args) {
    problems_.push_back(fmt::format(format, std::forward<A>(args)...));
  }

  std::vector<std::string> channel_names() const {
    std::vector<std::string> names;
    for (const job::ChannelSpec& spec : line_.command->algorithm->description().channels) names.push_back(spec.name);
    for (const char* name : {"train", "validation", "test"})
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    return names;
  }

  ChannelRequest* find(const std::string& name) {
    auto at = std::find_if(channels_.begin(), channels_.end(), [&](const auto& c) { return c.name == name; });
    return at == channels_.end() ? nullptr : &*at;
  }

  void add(ChannelRequest channel) {
    if (channel.path.empty()) problem("channel {} has no path", smtrain::quoted(channel.name));
    if (find(channel.name)) problem("channel {} is given twice", smtrain::quoted(channel.name));
    channels_.push_back(std::move(channel));
  }

  void read_channel(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || !is_channel_name(text.substr(0, equals)))
      return problem("--channel {}: expected NAME=PATH[,type=TYPE][,mode=file|pipe][,distribution=sharded|replicated]",
                     smtrain::quoted(text));
    ChannelRequest channel;
    channel.name = text.substr(0, equals);
    std::string rest = text.substr(equals + 1);
    std::string_view option;
    for (std::size_t at; (at = last_option(rest, option)) != std::string::npos; rest.resize(at))
      set(channel, option, rest.substr(at + option.size()));
    channel.path = unescaped(rest);
    add(std::move(channel));
  }

  void set(ChannelRequest& channel, std::string_view option, const std::string& value) {
    std::optional<std::string>& field = option == ",type=" ? channel.content_type
                                        : option == ",mode=" ? channel.mode
                                                             : channel.distribution;
    const std::string name(option.substr(1, option.size() - 2));
    if (field) problem("channel {}: {} is given twice", smtrain::quoted(channel.name), name);
    if (name == "mode") check(channel, name, value, {"file", "pipe"});
    if (name == "distribution") check(channel, name, value, {"sharded", "replicated"});
    field = value;
  }

  void check(const ChannelRequest& channel, const std::string& name, const std::string& value,
             const std::vector<std::string>& known) {
    if (std::find(known.begin(), known.end(), value) == known.end())
      problem("channel {}: {} is {}; expected {}{}", smtrain::quoted(channel.name), name, smtrain::quoted(value), join(known, " or "),
              did_you_mean(value, known));
  }

  void read_content_type(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || !is_channel_name(text.substr(0, equals))) {
      if (type_of_all_) problem("--content-type is given twice for all channels ({}, {})", smtrain::quoted(*type_of_all_), smtrain::quoted(text));
      type_of_all_ = text;
      return;
    }
    const std::string name = text.substr(0, equals);
    ChannelRequest* channel = find(name);
    if (!channel) return problem("--content-type {}: there is no channel {}{}", smtrain::quoted(text), smtrain::quoted(name), nearest(name));
    if (channel->content_type) problem("channel {}: the content type is given twice", smtrain::quoted(name));
    channel->content_type = text.substr(equals + 1);
  }

  std::string nearest(const std::string& name) const {
    std::vector<std::string> names;
    for (const ChannelRequest& channel : channels_) names.push_back(channel.name);
    return did_you_mean(name, names);
  }

  const CommandLine& line_;
  std::vector<std::string>& problems_;
  std::vector<ChannelRequest> channels_;
  std::optional<std::string> type_of_all_;
};

}  // namespace

std::vector<ChannelRequest> channels_of(const CommandLine& line, std::vector<std::string>& problems) {
  return ChannelReader(line, problems).read();
}

}  // namespace smtrain::cmd
