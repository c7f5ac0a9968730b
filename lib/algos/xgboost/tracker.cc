#include "algos/xgboost/tracker.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>

#include "algos/xgboost/tracker_protocol.h"
#include "base/error.h"
#include "base/system_error.h"
#include "base/text.h"

namespace smtrain::xgboost {
namespace {

constexpr int kBacklog = 256;
constexpr double kStrangersPatience = 5;

int milliseconds_until(std::chrono::steady_clock::time_point end) {
  const double left = std::chrono::duration<double>(end - std::chrono::steady_clock::now()).count();
  return left <= 0 ? 0 : static_cast<int>(left * 1000) + 1;
}

// Whether the descriptor is ready; false when time is up or the tracker is to stop.
bool ready(int fd, short events, int stop, std::chrono::steady_clock::time_point end) {
  for (;;) {
    pollfd polls[] = {{fd, events, 0}, {stop, POLLIN, 0}};
    const int found = ::poll(polls, 2, milliseconds_until(end));
    if (found < 0 && errno == EINTR) continue;
    if (found <= 0 || polls[1].revents != 0) return false;
    return true;
  }
}

// A socket whose every word has to come in time.
class SocketWire final : public Wire {
 public:
  SocketWire(int fd, int stop, double patience) : fd_(fd), stop_(stop), patience_(patience) {}

  void read(std::span<std::byte> into) override {
    move(into.size(), POLLIN, [&](std::size_t done) { return ::recv(fd_, into.data() + done, into.size() - done, MSG_DONTWAIT); });
  }
  void write(std::span<const std::byte> bytes) override {
    move(bytes.size(), POLLOUT, [&](std::size_t done) { return ::send(fd_, bytes.data() + done, bytes.size() - done, MSG_DONTWAIT | MSG_NOSIGNAL); });
  }

 private:
  template <class Call>
  void move(std::size_t size, short events, Call&& call) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                                            std::chrono::duration<double>(patience_));
    for (std::size_t done = 0; done < size;) {
      const ssize_t moved = call(done);
      if (moved > 0) {
        done += static_cast<std::size_t>(moved);
      } else if (moved == 0) {
        throw machine_error("the connection was closed");
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        if (!ready(fd_, events, stop_, end)) throw machine_error("no word within {} s", patience_);
      } else if (errno != EINTR) {
        throw system_error(errno, "the connection broke");
      }
    }
  }
  const int fd_, stop_;
  double patience_;
};

UniqueFd listen_at(const std::string& address, int& port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) throw system_error(errno, "no socket for XGBoost's workers");
  sockaddr_in at{};
  at.sin_family = AF_INET;
  if (::inet_pton(AF_INET, address.c_str(), &at.sin_addr) != 1) throw internal_error("{} is no IPv4 address", address);
  socklen_t size = sizeof at;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(fd.get(), kBacklog) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&at), &size) != 0) {
    throw system_error(errno, "cannot listen for XGBoost's workers at {}", address);
  }
  port = ntohs(at.sin_port);
  return fd;
}

std::optional<int> rank_in(const std::string& task, const std::string& token, int workers) {
  if (!task.starts_with(token + "-")) return std::nullopt;
  const std::string_view digits = std::string_view(task).substr(token.size() + 1);
  int rank = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), rank);
  if (error != std::errc() || end != digits.data() + digits.size() || rank < 0 || rank >= workers) return std::nullopt;
  return rank;
}

}  // namespace

std::string Tracker::task_name(const std::string& token, int rank) { return fmt::format("{}-{}", token, rank); }

Tracker::Tracker(const TrackerOptions& options)
    : options_(options), listener_(listen_at(options.address, port_)), stop_(::eventfd(0, EFD_CLOEXEC)) {
  if (!stop_) throw system_error(errno, "no event for XGBoost's tracker");
  thread_ = std::thread([this] { run(); });
}

Tracker::~Tracker() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t told = ::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

bool Tracker::wait(double seconds) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return ended_; });
  return done_ == options_.workers;
}

std::string Tracker::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void Tracker::run() {
  std::string failure;
  try {
    serve();
  } catch (const std::exception& e) {
    failure = e.what();
  }
  listener_.reset();
  pending_.clear();
  const std::lock_guard lock(mutex_);
  failure_ = failure;
  ended_ = true;
  changed_.notify_all();
}

void Tracker::serve() {
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options_.patience));
  while (done_ < options_.workers) {
    // Once they are together it is the engine's work that takes its time.
    if (!ready(listener_.get(), POLLIN, stop_.get(), started_ ? Clock::now() + std::chrono::hours(24) : end)) {
      pollfd stopped{stop_.get(), POLLIN, 0};
      if (::poll(&stopped, 1, 0) > 0) return;
      if (started_) continue;
      throw machine_error("{} of {} workers came within {} s", pending_.size(), options_.workers, options_.patience);
    }
    sockaddr_in from{};
    socklen_t size = sizeof from;
    UniqueFd connection(::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC));
    if (!connection) continue;
    char host[INET_ADDRSTRLEN] = "";
    ::inet_ntop(AF_INET, &from.sin_addr, host, sizeof host);
    receive(std::move(connection), host);
  }
}

// What a stranger does must not end the workers' job.
void Tracker::receive(UniqueFd connection, const std::string& host) {
  std::optional<int> rank;
  std::string command;
  try {
    SocketWire wire(connection.get(), stop_.get(), std::min(options_.patience, kStrangersPatience));
    const Hello hello = read_hello(wire);
    rank = rank_in(hello.task, options_.token, options_.workers);
    command = hello.command;
    if (rank && command == "print") read_message(wire);
  } catch (const Error&) {
    return;
  }
  if (!rank) return;
  if (command == "shutdown") {
    const std::lock_guard lock(mutex_);
    ++done_;
    return;
  }
  if (command != "start" || started_) return;
  pending_[*rank] = {std::move(connection), host};
  if (pending_.size() == static_cast<std::size_t>(options_.workers)) start_all();
}

void Tracker::start_all() {
  started_ = true;
  std::map<int, Address> listening;
  for (auto& [rank, worker] : pending_) {
    try {
      SocketWire wire(worker.connection.get(), stop_.get(), options_.patience);
      listening[rank] = {worker.host, introduce(wire, rank, options_.workers, listening)};
    } catch (const Error& e) {
      throw machine_error("XGBoost's worker {}: {}", rank, e.what());
    }
  }
  pending_.clear();
}

}  // namespace smtrain::xgboost
