#include "run/training_job/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::run::training_job {
namespace {

constexpr std::size_t kMaxLine = std::size_t{64} << 10;
constexpr int kDrainMs = 200;  // of silence, once the program has ended

std::pair<UniqueFd, UniqueFd> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) throw machine_error("cannot make a pipe: {}", errno_text(errno));
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

// As a shell would find it, by the PATH that the program gets.
std::string find_program(const Program& program) {
  const std::string& name = program.arguments.front();
  if (name.find('/') != std::string::npos) return name;
  const auto given = program.environment.find("PATH");
  const std::string path = given == program.environment.end() ? "/usr/local/bin:/usr/bin:/bin" : given->second;
  for (const std::string_view folder : split(path, ':')) {
    const std::string file = (folder.empty() ? "." : std::string(folder)) + "/" + name;
    if (::access(file.c_str(), X_OK) == 0 && !std::filesystem::is_directory(file)) return file;
  }
  return name;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& t : texts) out.push_back(t.data());
  out.push_back(nullptr);
  return out;
}

// In the child: nothing here may allocate or lock, since other threads were running at the fork.
[[noreturn]] void become(const char* file, char* const* arguments, char* const* environment, const char* folder, int output, int failure, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int input = ::open("/dev/null", O_RDONLY);
  if (::getppid() == parent && ::dup2(input, 0) == 0 && ::dup2(output, 1) == 1 && ::dup2(output, 2) == 2 && ::chdir(folder) == 0) {
    ::execve(file, arguments, environment);
  }
  const int reason = errno;
  (void)!::write(failure, &reason, sizeof reason);
  ::_exit(127);
}

int code_of(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

}  // namespace

Process::Process(const Program& program, TakeLine take) : take_(std::move(take)) {
  const std::string file = find_program(program);
  std::vector<std::string> arguments = program.arguments, environment;
  for (const auto& [name, value] : program.environment) environment.push_back(name + "=" + value);
  const std::vector<char*> argv = pointers(arguments), envp = pointers(environment);
  auto [read_end, write_end] = make_pipe();
  auto [failure_read, failure_write] = make_pipe();
  std::tie(wake_read_, wake_write_) = make_pipe();
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw machine_error("cannot start {}: {}", smtrain::quoted(arguments[0], 4096), errno_text(errno));
  if (pid_ == 0) become(file.c_str(), argv.data(), envp.data(), program.folder.c_str(), write_end.get(), failure_write.get(), parent);
  ::setpgid(pid_, pid_);  // both sides do it, so that it holds before either goes on
  write_end.reset();
  failure_write.reset();
  int reason = 0;
  ssize_t n;
  while ((n = ::read(failure_read.get(), &reason, sizeof reason)) < 0 && errno == EINTR) {
  }
  if (n == static_cast<ssize_t>(sizeof reason)) {
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
    throw Error(fault_of_errno(reason), fmt::format("cannot start {}: {}", smtrain::quoted(arguments[0], 4096), errno_text(reason)));
  }
  output_ = std::move(read_end);
  reader_ = std::thread([this] { read_output(); });
}

Process::~Process() {
  if (pid_ < 0) return;
  if (!code_) {
    ::kill(-pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  if (reader_.joinable()) {
    wake_write_.reset();
    reader_.join();
  }
}

std::optional<int> Process::poll() {
  if (code_) return code_;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  code_ = code_of(status);
  ::kill(-pid_, SIGKILL);
  wake_write_.reset();
  reader_.join();
  return code_;
}

void Process::signal(int number) {
  if (!code_) ::kill(-pid_, number);
}

void Process::read_output() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  std::string line;
  char buffer[65536];
  bool ended = false;
  for (;;) {
    pollfd ready[2] = {{output_.get(), POLLIN, 0}, {ended ? -1 : wake_read_.get(), POLLIN, 0}};
    const int n = ::poll(ready, 2, ended ? kDrainMs : -1);
    if (n < 0 && errno != EINTR) break;
    if (n == 0) break;  // somebody outside of the group holds the stream open
    if (ready[1].revents != 0) ended = true;
    if (ready[0].revents == 0) continue;
    const ssize_t got = ::read(output_.get(), buffer, sizeof buffer);
    if (got <= 0) break;
    for (const char c : std::string_view(buffer, static_cast<std::size_t>(got))) {
      if (c != '\n') line += c;
      if (c != '\n' && line.size() < kMaxLine) continue;
      if (line.ends_with('\r')) line.pop_back();
      take_(line);
      line.clear();
    }
  }
  if (!line.empty()) take_(line);
}

}  // namespace smtrain::run::training_job
