#include "run/depfile.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

namespace smtrain::run {
namespace {

void refuse_unwritable(const std::string& name, std::string_view characters) {
  const std::size_t at = name.find_first_of(characters);
  if (at == std::string::npos) return;
  throw user_error("depfile: the file name {} holds {}; a make rule cannot name it, rename the file", quoted(name, 4096),
                   quoted(std::string_view(name).substr(at, 1)));
}

// Backslashes mean themselves except before an escaped character, where each is doubled.
std::string escaped(std::string_view name, bool target) {
  const std::string_view special = target ? " \t#:|*?[%" : " \t#:|*?[";
  std::string out;
  std::size_t backslashes = 0;
  for (const char c : name) {
    if (special.find(c) != std::string_view::npos) out.append(backslashes + 1, '\\');
    if (c == '$') out += '$';
    out += c;
    backslashes = c == '\\' ? backslashes + 1 : 0;
  }
  return out;
}

bool has_equals(const std::string& name) { return name.find('=') != std::string::npos; }

// `a=b:` sets a variable, `a&:` groups targets.
bool can_be_target(const std::string& name) { return !has_equals(name) && !name.ends_with('&'); }

std::vector<std::string> prepared(std::vector<std::string> inputs) {
  std::sort(inputs.begin(), inputs.end());
  inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
  // `target: a=b` would set a variable of the target, `target: x a=b` does not.
  std::stable_partition(inputs.begin(), inputs.end(), [](const std::string& name) { return !has_equals(name); });
  return inputs;
}

bool is_regular(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

}  // namespace

std::string make_rule(const std::string& target, const std::vector<std::string>& inputs) {
  refuse_unwritable(target, "\n\r;=");
  if (!can_be_target(target)) refuse_unwritable(target, "&");
  const std::vector<std::string> names = prepared(inputs);
  std::string rule = escaped(target, true) + ":";
  if (!names.empty() && has_equals(names.front())) rule += " $()";
  for (const std::string& name : names) {
    refuse_unwritable(name, "\n\r;");
    rule += " \\\n  " + escaped(name, false);
  }
  rule += "\n";
  for (const std::string& name : names) {
    if (can_be_target(name) && name != target) rule += "\n" + escaped(name, true) + ":\n";
  }
  return rule;
}

void write_depfile(const std::string& path, const std::string& target, const std::vector<std::string>& inputs) {
  write_depfile(path, std::vector<std::string>{target}, inputs);
}

void write_depfile(const std::string& path, const std::vector<std::string>& targets, const std::vector<std::string>& inputs) {
  std::vector<std::string> files;
  std::copy_if(inputs.begin(), inputs.end(), std::back_inserter(files), is_regular);
  AtomicFile out(path);
  for (const std::string& target : targets) out.write(make_rule(target, files));
  out.commit();
}

}  // namespace smtrain::run
