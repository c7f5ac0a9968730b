#include "run/training_job/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/system_error.h"
#include "base/text.h"

namespace smtrain::run::training_job {
namespace {

constexpr std::size_t kMaxLine = std::size_t{64} << 10;
constexpr unsigned kCloseOnExec = 1U << 2;  // CLOSE_RANGE_CLOEXEC, younger than some C libraries

// Where the kernel has no such call, descriptors that this process was itself given stay open: all of its own are closed at exec.
void close_range(unsigned first, unsigned flags) {
#ifdef SYS_close_range
  (void)::syscall(SYS_close_range, first, ~0U, flags);
#else
  (void)first, (void)flags;
#endif
}

void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

// A process that outlives this one, however that is ended, long enough to end the group, which may have more members than the one
// that the kernel kills by itself. Like any child it may neither allocate nor lock.
[[noreturn]] void guard(int pipe, pid_t group) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_NAME, "smtrain-guard");
  block_signals();
  ::dup2(pipe, 0);
  close_range(1, 0);
  char byte;
  ssize_t n;
  while ((n = ::read(0, &byte, 1)) < 0 && errno == EINTR) {
  }
  ::kill(-group, SIGKILL);
  ::_exit(0);
}

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
[[noreturn]] void become(const char* file, char* const* arguments, char* const* environment, const char* folder, int output,
                         int failure, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  close_range(3, kCloseOnExec);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int input = ::open("/dev/null", O_RDONLY);
  if (::getppid() == parent && ::dup2(input, 0) == 0 && ::dup2(output, 1) == 1 && ::dup2(output, 2) == 2 && ::chdir(folder) ==
      0) {
    ::execve(file, arguments, environment);
  }
  const int reason = errno;
  (void)!::write(failure, &reason, sizeof reason);
  ::_exit(127);
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  std::error_code error;
  for (std::filesystem::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::string text;
    std::getline(std::ifstream(at->path() / "stat"), text);
    const std::size_t after_name = text.rfind(") ");  // a name may hold anything
    if (after_name == std::string::npos) continue;
    const std::vector<std::string_view> fields = split(std::string_view(text).substr(after_name + 2), ' ');
    if (fields.size() > 1 && fields[1] == std::to_string(parent)) children.push_back(std::stoi(name));
  }
  return children;
}

int code_of(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

}  // namespace

Process::Process(const Program& program, TakeLine take) : launcher_(program.launcher), take_(std::move(take)) {
  const std::string file = find_program(program);
  std::vector<std::string> arguments = program.arguments, environment;
  for (const auto& [name, value] : program.environment) environment.push_back(name + "=" + value);
  const std::vector<char*> argv = pointers(arguments), envp = pointers(environment);
  auto [read_end, write_end] = make_pipe();
  auto [failure_read, failure_write] = make_pipe();
  std::tie(wake_read_, wake_write_) = make_pipe();
  auto [guard_read, guard_write] = make_pipe();
  ::signal(SIGCHLD, SIG_DFL);  // where it was ignored, from a caller on, ends could not be waited for
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw machine_error("cannot start {}: {}", smtrain::quoted(arguments[0], 4096), errno_text(errno));
  if (pid_ == 0)
    become(file.c_str(), argv.data(), envp.data(), program.folder.c_str(), write_end.get(), failure_write.get(), parent);
  ::setpgid(pid_, pid_);  // both sides do it, so that it holds before either goes on
  write_end.reset();
  failure_write.reset();
  int reason = 0;
  ssize_t n;
  while ((n = ::read(failure_read.get(), &reason, sizeof reason)) < 0 && errno == EINTR) {
  }
  if (n == static_cast<ssize_t>(sizeof reason)) {
    wait_for(pid_);
    throw system_error(reason, "cannot start {}", smtrain::quoted(arguments[0], 4096));
  }
  guard_ = ::fork();
  if (guard_ == 0) {
    guard_write.reset();
    guard(guard_read.get(), pid_);
  }
  guard_write_ = std::move(guard_write);
  output_ = std::move(read_end);
  reader_ = std::thread([this] { read_output(); });
}

Process::~Process() {
  if (!code_) end();
}

std::optional<int> Process::poll() {
  siginfo_t ended = {};
  const bool gone = !code_ && ::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0
      && ended.si_pid == pid_;
  if (gone) end();
  return code_;
}

// The group goes before its leader is reaped, whose number could be another's afterwards.
void Process::end() {
  ::kill(-pid_, SIGKILL);
  if (guard_ > 0) {
    ::kill(guard_, SIGKILL);
    wait_for(guard_);
  }
  code_ = code_of(wait_for(pid_));
  wake_write_.reset();
  reader_.join();
}

void Process::terminate() {
  if (code_) return;
  const std::vector<pid_t> children = launcher_ ? children_of(pid_) : std::vector<pid_t>();
  for (const pid_t child : children) {
    if (::kill(-child, SIGTERM) != 0) ::kill(child, SIGTERM);
  }
  if (children.empty()) ::kill(-pid_, SIGTERM);
}

void Process::kill() {
  if (!code_) ::kill(-pid_, SIGKILL);
}

void Process::read_output() {
  block_signals();
  std::string line;
  char buffer[65536];
  std::optional<std::size_t> left;  // what was in the stream at the program's end; somebody outside of the group may go on writing
  while (!left || *left > 0) {
    pollfd ready[2] = {{output_.get(), POLLIN, 0}, {left ? -1 : wake_read_.get(), POLLIN, 0}};
    if (::poll(ready, 2, -1) < 0 && errno != EINTR) break;
    if (ready[1].revents != 0) {
      int bytes = 0;
      left = ::ioctl(output_.get(), FIONREAD, &bytes) == 0 ? static_cast<std::size_t>(std::max(bytes, 0)) : 0;
      continue;
    }
    if (ready[0].revents == 0) continue;
    const ssize_t got = ::read(output_.get(), buffer, std::min(sizeof buffer, left.value_or(sizeof buffer)));
    if (got <= 0) break;
    if (left) *left -= static_cast<std::size_t>(got);
    take({buffer, static_cast<std::size_t>(got)}, line);
  }
  if (!line.empty()) take_(line);
}

void Process::take(std::string_view bytes, std::string& line) {
  for (const char c : bytes) {
    if (c != '\n') line += c;
    if (c != '\n' && line.size() < kMaxLine) continue;
    if (line.ends_with('\r')) line.pop_back();
    take_(line);
    line.clear();
  }
}

void end_orphans() {
  // Each round brings the children of those that the one before has ended.
  for (std::vector<pid_t> children = children_of(::getpid()); !children.empty(); children = children_of(::getpid())) {
    for (const pid_t pid : children) {
      ::kill(pid, SIGKILL);
      wait_for(pid);
    }
  }
}

}  // namespace smtrain::run::training_job
