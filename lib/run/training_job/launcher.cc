#include "run/training_job/launcher.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/system_error.h"
#include "base/text.h"
#include "formats/archive/tar.h"
#include "formats/io/uri.h"

namespace smtrain::run::training_job {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxCode = std::uint64_t{2} << 30;
constexpr std::uint64_t kMinMemory = std::uint64_t{64} << 20;  // of a rank

bool is_on_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  for (const std::string_view folder : split(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
    if (::access((std::string(folder) + "/" + name).c_str(), X_OK) == 0) return true;
  }
  return false;
}

bool is_archive(const std::string& path) {
  return path.ends_with(".tar.gz") || path.ends_with(".tgz") || path.ends_with(".tar") || path.ends_with(".tar.zst");
}

std::string own_path() {
  std::error_code error;
  const fs::path path = fs::read_symlink("/proc/self/exe", error);
  return error ? "smtrain" : path.string();
}

void write_file(const fs::path& path, std::string_view bytes) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void copy_one(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to.parent_path(), error);
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (error) throw system_error(error.value(), "cannot copy {} to {}", from.string(), to.string());
}

// Whether a link leads back to a folder that it lies in.
bool is_circle(const fs::path& folder, const fs::path& link) {
  for (fs::path above = link.parent_path();; above = above.parent_path()) {
    if (same_file(above, link)) return true;
    if (above == folder || !above.has_relative_path()) return false;
  }
}

// Links are followed, circles aside; what is neither file nor folder is no code, nor are the results that jobs leave below it. All
// is listed before anything is copied, since the copy may lie below the folder, too.
void copy_code(const fs::path& folder, const fs::path& to, const std::vector<fs::path>& left_out) {
  std::vector<fs::path> files;
  std::error_code error, ignored;
  const auto options = fs::directory_options::follow_directory_symlink;
  for (fs::recursive_directory_iterator at(folder, options, error), end; !error && at != end; at.increment(error)) {
    const bool results =
        std::any_of(left_out.begin(), left_out.end(), [&](const fs::path& path) { return same_file(path, at->path()); });
    if (results || (at->is_symlink(ignored) && is_circle(folder, at->path()))) at.disable_recursion_pending();
    else if (at->is_regular_file(ignored)) files.push_back(at->path());
  }
  if (error) throw system_error(error.value(), "cannot read the code in {}", folder.string());
  for (const fs::path& file : files) copy_one(file, to / file.lexically_relative(folder));
}

bool has_shebang(const fs::path& path) {
  char head[2] = {};
  const UniqueFd file = open_for_reading(path);
  return ::read(file.get(), head, 2) == 2 && head[0] == '#' && head[1] == '!';
}

std::string seconds_text(double seconds) { return fmt::format("{:.3f}s", seconds); }

bool is_true(const std::string& text) { return text == "true" || text == "True" || text == "1"; }

// What lies below /opt/ml lies below the tree for a program that runs on this machine.
std::string local(const std::string& argument, const contract::Layout& layout) {
  const bool below = argument == contract::kRoot || argument.starts_with(std::string(contract::kRoot) + "/");
  return below ? layout.local(argument).string() : argument;
}

}  // namespace

std::vector<std::string> shell_words(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  bool open = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == '\'' ? c == '\'' : (quote == '"' && c == '"')) {
      quote = 0;
    } else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      word += text[++i];
      open = true;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
      open = true;
    } else if (quote == 0 && (c == ' ' || c == '\t' || c == '\n')) {
      if (open) words.push_back(word);
      word.clear();
      open = false;
    } else {
      word += c;
      open = true;
    }
  }
  if (quote != 0) throw user_error("--exec {}: a quote is not closed", smtrain::quoted(text));
  if (open) words.push_back(word);
  return words;
}

Launcher::Launcher(const TrainingJobRequest& request, const std::string& exec_prefix) : request_(request),
    prefix_(shell_words(exec_prefix)) {
  if (request.built_in()) {
    if (!prefix_.empty()) throw user_error("--exec runs images of your own; {} is a built-in algorithm", request.algorithm);
    if (request.instance_count > 1 && !is_on_path("mpirun")) {
      throw user_error("{} hosts of a built-in algorithm are joined by mpirun, which is not on PATH; install it, or give InstanceCount 1",
                       request.instance_count);
    }
    return;
  }
  mpi_ = is_true(toolkit_setting(request, "sagemaker_mpi_enabled", "SAGEMAKER_MPI_ENABLED"));
  if (mpi_ && !is_on_path("mpirun"))
    throw user_error("sagemaker_mpi_enabled: there is no mpirun on PATH; install Open MPI, or leave this out");
  if (request.entrypoint.empty()) find_script();
}

void Launcher::find_script() {
  entry_ = toolkit_setting(request_, "sagemaker_program", "SAGEMAKER_PROGRAM");
  if (entry_.empty()) return;
  const std::string given = toolkit_setting(request_, "sagemaker_submit_directory", "SAGEMAKER_SUBMIT_DIRECTORY");
  if (given.empty()) {
    code_file_ = formats::resolve_uri(entry_, request_.folder, request_.maps);
    entry_ = fs::path(code_file_).filename().string();
    if (!fs::is_regular_file(code_file_)) {
      throw user_error("sagemaker_program: there is no file {}; give its folder or archive as sagemaker_submit_directory",
                       smtrain::quoted(code_file_, 4096));
    }
    return;
  }
  const fs::path plain = fs::path(entry_).lexically_normal();
  if (plain.is_absolute() || *plain.begin() == "..")
    throw user_error("sagemaker_program: {} is not below the code folder", smtrain::quoted(entry_));
  const std::string code = formats::resolve_uri(given, request_.folder, request_.maps);
  if (fs::is_directory(code)) {
    code_folder_ = code;
  } else if (is_archive(code) && fs::is_regular_file(code)) {
    code_archive_ = code;
  } else {
    throw user_error("sagemaker_submit_directory: {} is neither a folder nor a tar archive", smtrain::quoted(code, 4096));
  }
  check_code(code);
}

// A package is not installed: it is run as a module from the code folder, where Python finds it.
void Launcher::check_code(const std::string& code) {
  std::map<std::string, std::string> members;
  if (!code_archive_.empty()) members = formats::read_tar(code, kMaxCode);
  const auto has = [&](const std::string& name) {
    return code_archive_.empty() ? fs::is_regular_file(fs::path(code) / name)
        : members.contains(fs::path(name).lexically_normal().string());
  };
  if (!has(entry_)) {
    std::string path = entry_;
    std::replace(path.begin(), path.end(), '.', '/');
    module_ = has("setup.py") && (has(path + ".py") || has(path + "/__main__.py"));
    if (!module_)
      throw user_error("sagemaker_program: there is no {} in {}", smtrain::quoted(entry_), smtrain::quoted(code, 4096));
  }
  if (has("requirements.txt") && (module_ || entry_.ends_with(".py"))) {
    throw user_error("{}: requirements.txt asks for packages, and nothing is fetched from a network; install them yourself and leave the file out of the code",
                     smtrain::quoted(code, 4096));
  }
}

void Launcher::place_code(const contract::Layout& layout) const {
  if (!is_script()) return;
  if (!code_folder_.empty()) {
    copy_code(code_folder_, layout.code(),
              {request_.output_path, fs::path(request_.output_path) / request_.name, layout.root().parent_path()});
  }
  if (!code_file_.empty()) copy_one(code_file_, layout.code() / entry_);
  if (!code_archive_.empty()) {
    for (const auto& [name, bytes] : formats::read_tar(code_archive_, kMaxCode)) write_file(layout.code() / name, bytes);
  }
  const fs::path entry = layout.code() / entry_;
  if (fs::is_regular_file(entry)) ::chmod(entry.c_str(), 0755);
}

std::vector<std::size_t> Launcher::starting_hosts(const Hosts& hosts) const {
  if (mpi_ || request_.built_in()) return {0};
  std::vector<std::size_t> all(hosts.names.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  return all;
}

std::vector<std::string> Launcher::script_command(const contract::Layout& layout) const {
  std::vector<std::string> command;
  const fs::path file = layout.code() / entry_;
  if (module_) command = {"python3", "-m", entry_};
  else if (entry_.ends_with(".py")) command = {"python3", entry_};
  else if (entry_.ends_with(".sh") && !has_shebang(file)) command = {"/bin/sh", entry_};
  else command = {"./" + entry_};
  const std::vector<std::string> arguments = script_arguments(request_);
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

std::vector<std::string> Launcher::entrypoint(const contract::Layout& layout) const {
  std::vector<std::string> command;
  for (const std::string& word : request_.entrypoint) command.push_back(in_container() ? word : local(word, layout));
  for (const std::string& word : request_.arguments) command.push_back(in_container() ? word : local(word, layout));
  if (in_container() && command.empty()) return {"train"};
  // A program beside the job file is named as it lies there.
  const fs::path beside = fs::path(request_.folder) / command.front();
  const bool relative = command.front().find('/') != std::string::npos && !fs::path(command.front()).is_absolute();
  if (!in_container() && relative && fs::exists(beside)) command.front() = fs::absolute(beside).lexically_normal().string();
  return command;
}

std::vector<std::string> Launcher::mpi_options(std::size_t hosts) const {
  std::string slots = toolkit_setting(request_, "sagemaker_mpi_num_of_processes_per_host", "");
  std::size_t per_host = std::strtoul(slots.c_str(), nullptr, 10);
  per_host = std::max<std::size_t>(per_host, 1);
  const std::size_t processes = hosts * per_host;
  std::vector<std::string> command =
      {"mpirun", "--allow-run-as-root", "--oversubscribe", "--tag-output", "--host", fmt::format("localhost:{}", processes),
                                      "-np", std::to_string(processes)};
  for (const std::string& word : shell_words(toolkit_setting(request_, "sagemaker_mpi_custom_mpi_options", "")))
    command.push_back(word);
  return command;
}

Program Launcher::program(const Hosts& hosts, std::size_t host, const std::vector<contract::Layout>& layouts,
                          const HostSettings& settings) const {
  if (request_.built_in()) return built_in(hosts, layouts, settings);
  const contract::Layout& layout = layouts[host];
  ProgramPlace place;
  place.layout = in_container() ? contract::Layout() : layout;
  place.hosts = &hosts;
  place.host = host;
  place.cpus = std::max<std::uint64_t>(static_cast<std::uint64_t>(settings.common.threads.value) / hosts.names.size(), 1);
  place.entry = entry_;
  if (is_script()) {
    place.arguments = script_arguments(request_);
    place.module_folder = code_folder_.empty() ? code_archive_.empty() ? code_file_ : code_archive_ : code_folder_;
  }
  Program program;
  program.environment = program_environment(request_, place);
  program.folder = is_script() ? layout.code().string() : layout.root().string();
  for (std::string word : prefix_) {
    for (std::size_t at; (at = word.find("{root}")) != std::string::npos;) word.replace(at, 6, layout.root().string());
    program.arguments.push_back(word);
  }
  if (in_container())
    program.environment["APPTAINER_BIND"] = program.environment["SINGULARITY_BIND"] = layout.root().string() + ":/opt/ml";
  if (in_container() && is_script()) {
    program.environment["APPTAINER_PWD"] = place.layout.code().string();
  }
  program.launcher = mpi_;
  if (mpi_) {
    const std::vector<std::string> options = mpi_options(hosts.names.size());
    program.arguments.insert(program.arguments.begin(), options.begin(), options.end());
  }
  const std::vector<std::string> command = is_script() ? script_command(layout) : entrypoint(layout);
  program.arguments.insert(program.arguments.end(), command.begin(), command.end());
  return program;
}

std::vector<std::string> Launcher::rank_command(const contract::Layout& layout, std::size_t hosts,
                                                const HostSettings& settings) const {
  const CommonSettings& common = settings.common;
  const std::size_t threads = std::max<std::size_t>(static_cast<std::size_t>(common.threads.value) / hosts, 1);
  const std::uint64_t memory = std::max<std::uint64_t>(common.memory_limit.value / hosts, kMinMemory);
  std::vector<std::string> command = {own_path(), "train", "--root", layout.root().string()};
  const auto add = [&](const char* flag, std::string value) {
    command.push_back(flag);
    command.push_back(std::move(value));
  };
  add("--threads", std::to_string(threads));
  add("--seed", std::to_string(common.seed.value));
  add("--device", common.device.value);
  add("--memory-limit", std::to_string(memory));
  add("--log-format", "sagemaker");
  add("--grace", seconds_text(settings.grace));
  if (settings.checkpoint_every) add("--checkpoint-every", seconds_text(*settings.checkpoint_every));
  return command;
}

// One rank per host, each with its own tree; the program finds its rank among the hosts of that tree. Lines come without a rank's
// name: mpirun would put it into the middle of those that two of its reads share.
Program Launcher::built_in(const Hosts& hosts, const std::vector<contract::Layout>& layouts, const HostSettings& settings) const {
  ProgramPlace place{layouts.front(), &hosts, 0, "", "", {}, 1};
  Program program;
  program.environment = program_environment(request_, place);
  program.environment.erase("SAGEMAKER_BASE_DIR");
  program.environment.erase("CURRENT_HOST");
  program.environment["SMTRAIN_ALGORITHM"] = request_.algorithm;
  program.environment["OMPI_ALLOW_RUN_AS_ROOT"] = program.environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1";
  program.folder = layouts.front().root().string();
  program.launcher = true;
  program.arguments = {"mpirun", "--oversubscribe"};
  for (std::size_t i = 0; i < layouts.size(); ++i) {
    if (i > 0) program.arguments.push_back(":");
    program.arguments.insert(program.arguments.end(), {"-n", "1"});
    const std::vector<std::string> command = rank_command(layouts[i], layouts.size(), settings);
    program.arguments.insert(program.arguments.end(), command.begin(), command.end());
  }
  return program;
}

}  // namespace smtrain::run::training_job
