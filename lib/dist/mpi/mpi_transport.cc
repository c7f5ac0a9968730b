// libsmtrain_mpi.so: Transport over MPI's nonblocking collectives. Every wait polls, so that it can be given up, and gives the CPU
// away: ranks may share cores with each other's threads.
#include <mpi.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "dist/transport.h"

namespace smtrain::dist {
namespace {

using Clock = std::chrono::steady_clock;

// Short enough that a rank which comes in time costs no sleep; afterwards nobody is in a hurry.
constexpr double kSpinSeconds = 20e-6;
// While data moves both sides are there and every poll carries it on: only a rank that has been stopped keeps others longer.
constexpr double kYieldSeconds = 500e-6, kYieldSecondsOfData = 0.1;
// Sleeps are a twentieth of what has been waited: that much later, at most, the end of the wait is seen.
constexpr double kShortestSleep = 50e-6, kLongestSleep = 2e-3;
constexpr double kPatienceEvery = 0.02;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

class MpiTransport final : public Transport {
 public:
  MpiTransport(const HostServices& services, Patience& patience) : services_(services), patience_(patience) {
    int level = 0;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level), "MPI_Init_thread");
    check(MPI_Comm_dup(MPI_COMM_WORLD, &all_), "MPI_Comm_dup");
    check(MPI_Comm_set_errhandler(all_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    MPI_Comm_rank(all_, &rank_);
    MPI_Comm_size(all_, &size_);
    for (std::vector<int>* list : {&to_, &to_begin_, &from_, &from_begin_}) list->resize(static_cast<std::size_t>(size_));
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void maximum(std::span<std::int64_t> values) override {
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Iallreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_INT64_T, MPI_MAX, all_, &request), "MPI_Iallreduce");
    wait(request, kYieldSeconds);
  }

  void exchange(std::span<const std::byte> send, std::span<const Part> to, std::span<std::byte> receive,
                std::span<const Part> from) override {
    for (std::size_t r = 0; r < to.size(); ++r) {
      to_[r] = static_cast<int>(to[r].size);
      to_begin_[r] = static_cast<int>(to[r].begin);
      from_[r] = static_cast<int>(from[r].size);
      from_begin_[r] = static_cast<int>(from[r].begin);
    }
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Ialltoallv(send.data(), to_.data(), to_begin_.data(), MPI_BYTE, receive.data(), from_.data(), from_begin_.data(), MPI_BYTE,
                         all_, &request), "MPI_Ialltoallv");
    wait(request, kYieldSecondsOfData);
  }

  void broadcast(std::span<std::byte> bytes, int root) override {
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Ibcast(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, root, all_, &request), "MPI_Ibcast");
    wait(request, kYieldSecondsOfData);
  }

  void finish() override {
    MPI_Comm_free(&all_);
    check(MPI_Finalize(), "MPI_Finalize");
  }

  void abort(int exit_code) override {
    MPI_Abort(MPI_COMM_WORLD, exit_code);
    std::abort();
  }

 private:
  void check(int code, const char* call) const {
    if (code == MPI_SUCCESS) return;
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    MPI_Error_string(code, text, &length);
    services_.fail(Fault::machine, std::string(call) + " failed: " + text);
  }

  void wait(MPI_Request& request, double yield_seconds) {
    const Clock::time_point start = Clock::now();
    double asked = 0;
    for (;;) {
      int done = 0;
      check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
      if (done != 0) return;
      const double waited = seconds_since(start);
      if (waited < kSpinSeconds) continue;
      if (waited < yield_seconds) {
        sched_yield();
      } else {
        const timespec pause = {0, static_cast<long>(1e9 * std::clamp(waited / 20, kShortestSleep, kLongestSleep))};
        nanosleep(&pause, nullptr);
      }
      if (waited - asked < kPatienceEvery) continue;
      asked = waited;
      patience_.waits(waited);
    }
  }

  const HostServices& services_;
  Patience& patience_;
  MPI_Comm all_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
  std::vector<int> to_, to_begin_, from_, from_begin_;
};

void version(std::string& text) {
  char full[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  MPI_Get_library_version(full, &length);
  const std::string_view all(full, static_cast<std::size_t>(length));
  // Open MPI goes on with who packaged it and when; other libraries with lines of build options.
  text = all.substr(0, all.find_first_of(",\n"));
}

Transport* open(const HostServices& services, Patience& patience) { return new MpiTransport(services, patience); }

constexpr MpiModule kMpi = {version, open};
constexpr ModuleEntry kEntry = {sizeof(ModuleEntry), SMTRAIN_MODULE_STAMP, SMTRAIN_VERSION, const_cast<MpiModule*>(&kMpi)};

}  // namespace
}  // namespace smtrain::dist

extern "C" __attribute__((visibility("default"))) const smtrain::ModuleEntry* smtrain_module() { return &smtrain::dist::kEntry; }
