// Transport: what carries bytes between the ranks of a run; MPI in a module, or threads in a test. What is promised about sums,
// sizes and failures stands above it, in group.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/module.h"

namespace smtrain::dist {

/// Asked while a transport waits for other ranks, from the waiting thread, at least ten times a second.
class Patience {
 public:
  virtual ~Patience() = default;
  /// Throws to give up a wait that has lasted so many seconds; the transport can then only abort().
  virtual void waits(double seconds) = 0;
};

/// Bytes begin … begin + size of a buffer.
struct Part {
  std::size_t begin = 0, size = 0;
};

/// Collective: every rank makes the same calls in the same order, from one thread, with fewer than 2^31 bytes in each. A call
/// returns when this rank's buffers are its own again. Failures of the library throw a machine Error.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Element-wise maxima over all ranks, on every rank. Others may come late: the wait gives the CPU away.
  virtual void maximum(std::span<std::int64_t> values) = 0;
  /// Part to[r] of `send` goes to rank r, which puts it where its from[this rank] says. Both spans hold size() parts.
  virtual void exchange(std::span<const std::byte> send, std::span<const Part> to, std::span<std::byte> receive,
                        std::span<const Part> from) = 0;
  virtual void broadcast(std::span<std::byte> bytes, int root) = 0;
  /// The last call of every rank.
  virtual void finish() = 0;
  /// Ends all ranks without asking them.
  [[noreturn]] virtual void abort(int exit_code) = 0;
};

/// What libsmtrain_mpi.so offers. ModuleEntry::open is a `const MpiModule*`.
struct MpiModule {
  /// "Open MPI v4.1.4, ..."; needs no initialised MPI.
  void (*version)(std::string& text) = nullptr;
  /// Initialises MPI, at most once in a process. services and patience outlive the transport, which the caller deletes.
  Transport* (*open)(const HostServices& services, Patience& patience) = nullptr;
};

}  // namespace smtrain::dist
