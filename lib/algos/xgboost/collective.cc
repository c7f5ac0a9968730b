#include "algos/xgboost/collective.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "base/text.h"

namespace smtrain::xgboost {
namespace {

constexpr double kPatience = 60, kProbe = 3, kFarewell = 10;
constexpr int kLong = 86400;  // seconds: how long a round takes is not for the network to say

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

// Containers on one machine share its boot but not its network.
std::string whereabouts() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  char net[64] = "";
  [[maybe_unused]] const ssize_t length = ::readlink("/proc/self/ns/net", net, sizeof net - 1);
  return boot + net;
}

std::string random_token() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

void add_address(std::vector<std::string>& addresses, const sockaddr* address) {
  if (address == nullptr || address->sa_family != AF_INET) return;
  const in_addr ip = reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
  if ((ntohl(ip.s_addr) >> 24) == 127) return;
  char text[INET_ADDRSTRLEN] = "";
  ::inet_ntop(AF_INET, &ip, text, sizeof text);
  if (std::find(addresses.begin(), addresses.end(), text) == addresses.end()) addresses.emplace_back(text);
}

bool answers(const std::string& address, int port, double patience) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  if (!fd || ::inet_pton(AF_INET, address.c_str(), &to.sin_addr) != 1) return false;
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return true;
  if (errno != EINPROGRESS) return false;
  pollfd poll{fd.get(), POLLOUT, 0};
  if (::poll(&poll, 1, static_cast<int>(patience * 1000)) <= 0) return false;
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

bool on_one_host(dist::Communicator& workers) {
  const std::vector<std::string> all = workers.share(whereabouts());
  return std::all_of(all.begin(), all.end(), [&](const std::string& one) { return one == all.front(); });
}

// The first that every rank has reached. Collective.
std::string agreed_address(dist::Communicator& workers, const std::vector<std::string>& addresses, int port) {
  std::string reached;
  for (const std::string& address : addresses) reached += answers(address, port, kProbe) ? '1' : '0';
  const std::vector<std::string> all = workers.share(reached);
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    if (std::all_of(all.begin(), all.end(), [&](const std::string& one) { return one[i] == '1'; })) return addresses[i];
  }
  throw machine_error("XGBoost's processes cannot reach rank 0 at any of its addresses: {} (port {})", smtrain::join(addresses, ", "), port);
}

}  // namespace

std::vector<std::string> own_addresses() {
  std::vector<std::string> addresses;
  addrinfo hints{}, *found = nullptr;
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  if (::getaddrinfo(host_name().c_str(), nullptr, &hints, &found) == 0) {
    for (const addrinfo* at = found; at != nullptr; at = at->ai_next) add_address(addresses, at->ai_addr);
    ::freeaddrinfo(found);
  }
  ifaddrs* interfaces = nullptr;
  if (::getifaddrs(&interfaces) == 0) {
    for (const ifaddrs* at = interfaces; at != nullptr; at = at->ifa_next) {
      if ((at->ifa_flags & IFF_UP) != 0) add_address(addresses, at->ifa_addr);
    }
    ::freeifaddrs(interfaces);
  }
  return addresses;
}

// The engine's own tracker, on one rank.
class Collective::EnginesTracker {
 public:
  EnginesTracker(const Library& library, const std::string& address, int workers) : library_(library) {
    const std::string config = fmt::format(R"({{"dmlc_communicator":"rabit","n_workers":{},"host":"{}","port":0,"sortby":1,"timeout":{}}})",
                                           workers, address, kLong);
    library.check(library.calls().tracker_create(config.c_str(), &handle_), Fault::machine);
    library.check(library.calls().tracker_run(handle_, "{}"), Fault::machine);
  }
  EnginesTracker(const EnginesTracker&) = delete;
  EnginesTracker& operator=(const EnginesTracker&) = delete;
  ~EnginesTracker() { library_.calls().tracker_free(handle_); }

  int port() const {
    const char* json = nullptr;
    library_.check(library_.calls().tracker_worker_args(handle_, &json), Fault::machine);
    const auto arguments = nlohmann::json::parse(json, nullptr, false);
    if (!arguments.is_object() || !arguments.contains("dmlc_tracker_port") || !arguments["dmlc_tracker_port"].is_number_integer()) {
      throw machine_error("XGBoost's tracker names no port: {}", json);
    }
    return arguments["dmlc_tracker_port"].get<int>();
  }
  void wait() const { library_.calls().tracker_wait(handle_, "{}"); }

 private:
  const Library& library_;
  Handle handle_ = nullptr;
};

Collective::Collective(const Library& library, dist::Communicator& workers) : library_(library), workers_(workers) {
  if (workers.size() == 1) return;
  const std::string address = on_one_host(workers) ? "127.0.0.1" : agree_on_address();
  join(library.calls().tracker_create == nullptr ? meet_at_own_tracker(address) : meet_at_engines_tracker(address));
}

// By trying: rank 0 listens everywhere meanwhile.
std::string Collective::agree_on_address() {
  std::unique_ptr<Tracker> listener;
  std::string offer;
  if (workers_.is_root()) {
    listener = std::make_unique<Tracker>(TrackerOptions{"0.0.0.0", workers_.size(), random_token(), kPatience});
    offer = fmt::format("{} {}", listener->port(), smtrain::join(own_addresses(), " "));
  }
  const std::string heard = workers_.share(offer).front();
  std::vector<std::string> addresses;
  for (const std::string_view part : split(heard, ' ')) addresses.emplace_back(part);
  const int port = std::stoi(addresses.front());
  addresses.erase(addresses.begin());
  return agreed_address(workers_, addresses, port);
}

std::string Collective::meet_at_own_tracker(const std::string& address) {
  std::string offer;
  if (workers_.is_root()) {
    const std::string token = random_token();
    tracker_ = std::make_unique<Tracker>(TrackerOptions{address, workers_.size(), token, kPatience});
    offer = fmt::format("{} {}", tracker_->port(), token);
  }
  const std::string heard = workers_.share(offer).front();
  const std::size_t space = heard.find(' ');
  return fmt::format(R"({{"xgboost_communicator":"rabit","DMLC_TRACKER_URI":"{}","DMLC_TRACKER_PORT":"{}","DMLC_TASK_ID":"{}",)"
                     R"("DMLC_WORKER_CONNECT_RETRY":"1"}})",
                     address, heard.substr(0, space), Tracker::task_name(heard.substr(space + 1), workers_.rank()));
}

std::string Collective::meet_at_engines_tracker(const std::string& address) {
  std::string port;
  if (workers_.is_root()) {
    engines_tracker_ = std::make_unique<EnginesTracker>(library_, address, workers_.size());
    port = std::to_string(engines_tracker_->port());
  }
  // Tasks are sorted by their names, as text.
  return fmt::format(R"({{"dmlc_communicator":"rabit","dmlc_tracker_uri":"{}","dmlc_tracker_port":{},"dmlc_task_id":"{:08}","dmlc_retry":1,)"
                     R"("dmlc_timeout":{}}})",
                     address, workers_.share(port).front(), workers_.rank(), kLong);
}

void Collective::join(const std::string& arguments) {
  const Calls& calls = library_.calls();
  library_.listen();
  joined_ = true;
  together([&] {
    library_.check(calls.communicator_init(arguments.c_str()), Fault::machine);
    linked_ = true;
    if (calls.communicator_size() != workers_.size() || calls.communicator_rank() != workers_.rank()) {
      throw machine_error("XGBoost sees itself as rank {} of {}; expected {} of {}{}", calls.communicator_rank(), calls.communicator_size(),
                          workers_.rank(), workers_.size(), tracker_ ? ": " + tracker_->failure() : "");
    }
  });
  take_messages();
}

// By the engine's words: it has no other way to tell.
bool Collective::tells_of_a_broken_link(const Error& error) {
  const std::string_view text = error.what();
  if (!text.starts_with("XGBoost")) return false;
  const char* const words[] = {"llreduce", "roadcast", "llgather", "Rabit", "ollective", "onnection", "socket", "The other end", "XGBoost sees itself"};
  return std::any_of(std::begin(words), std::end(words), [&](const char* word) { return text.find(word) != std::string_view::npos; });
}

void Collective::leave() {
  if (std::exchange(linked_, false)) library_.calls().communicator_finalize();
}

void Collective::finish() {
  if (!joined_) return;
  leave();
  workers_.barrier();
  if (tracker_) tracker_->wait(kFarewell);
  if (engines_tracker_) engines_tracker_->wait();
  tracker_.reset();
  engines_tracker_.reset();
  joined_ = false;
}

Collective::~Collective() { leave(); }

}  // namespace smtrain::xgboost
