#include "base/error.h"

#include <cerrno>
#include <mutex>
#include <system_error>

namespace smtrain {
namespace {

std::string joined(const std::vector<std::string>& problems) {
  std::string text;
  for (const std::string& p : problems) {
    if (!text.empty()) text += '\n';
    text += p;
  }
  return text;
}

// One mutex for all traps: they are touched only when something has gone wrong.
std::mutex& trap_mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

Error::Error(Fault fault, std::vector<std::string> problems, int signal)
    : std::runtime_error(joined(problems)), fault_(fault), signal_(signal), problems_(std::move(problems)) {}

int Error::exit_code() const {
  switch (fault_) {
    case Fault::user: return 2;
    case Fault::stopped: return 75;
    case Fault::interrupted: return 128 + signal_;
    case Fault::machine:
    case Fault::internal: break;
  }
  return 1;
}

std::string errno_text(int error_number) { return std::generic_category().message(error_number); }

Fault fault_of_errno(int error_number) {
  switch (error_number) {
    case ENOENT:
    case EACCES:
    case EPERM:
    case EISDIR:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case EROFS:
    case ENXIO:
    case EINVAL: return Fault::user;
    default: return Fault::machine;
  }
}

void ExceptionTrap::keep(std::size_t order, std::exception_ptr e) noexcept {
  std::lock_guard lock(trap_mutex());
  if (error_ && order >= order_) return;
  order_ = order;
  error_ = std::move(e);
}

bool ExceptionTrap::caught() const {
  std::lock_guard lock(trap_mutex());
  return static_cast<bool>(error_);
}

void ExceptionTrap::rethrow() const {
  std::exception_ptr e;
  {
    std::lock_guard lock(trap_mutex());
    e = error_;
  }
  if (e) std::rethrow_exception(e);
}

}  // namespace smtrain
