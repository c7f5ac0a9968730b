// Communicator: the processes of a run. One process, or MPI (a module loaded on demand).
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace smtrain::dist {

/// Collective operations over host memory; every rank calls the same ones in the same order, from one thread. A rank that fails
/// (group.h) makes the next operation of every other rank throw.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Element-wise sums, combined in rank order so that every rank holds the same bytes.
  virtual void allreduce(std::span<double> values) = 0;
  virtual void broadcast(std::span<std::byte> bytes, int root) = 0;
  virtual void barrier() = 0;
  /// Every rank's text, in rank order, on every rank.
  virtual std::vector<std::string> share(std::string_view text) = 0;
  /// Every rank's bytes, in rank order, on rank 0; nothing on the others.
  virtual std::vector<std::vector<std::byte>> collect(std::span<const std::byte> bytes) = 0;

  bool is_root() const { return rank() == 0; }
};

/// A run of one process: every collective is the identity.
std::unique_ptr<Communicator> make_single_process();

}  // namespace smtrain::dist
