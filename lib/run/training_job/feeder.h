// Feeder: plays the platform's part of Pipe mode, one FIFO per epoch of a channel.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <thread>

#include "run/contract/layout.h"
#include "run/training_job/sources.h"

namespace smtrain::run::training_job {

struct FeedPlan {
  contract::Layout layout;
  Channel channel;
  const Source* source = nullptr;  ///< outlives the feeder
  std::size_t host = 0, hosts = 1;
};

/// From construction there is the FIFO of epoch 0; a thread of its own opens each FIFO once it has a reader, makes the next one,
/// and streams the epoch's objects: decompressed, wrapped into RecordIO, or, where the content is lines of text, each ended by a
/// newline. A reader that closes early has seen enough of that epoch. Destruction ends the thread and removes the FIFOs.
class Feeder {
 public:
  explicit Feeder(FeedPlan plan);
  ~Feeder();
  Feeder(const Feeder&) = delete;
  Feeder& operator=(const Feeder&) = delete;

  /// Throws what made the thread give up (an object that cannot be read, is no gzip data, …), if anything did. A reader then
  /// sees the end of its epoch, and the FIFOs after it do not come.
  void check() const;

 private:
  void run();
  void make_fifo(std::int64_t epoch);
  void feed(std::int64_t epoch, int fifo);
  using Read = std::function<std::size_t(std::span<char>)>;
  Read open_piece(const std::string& path) const;
  std::string whole(const Piece& piece) const;
  bool stream(const Piece& piece, int fifo);
  bool stream_file(const std::string& path, int fifo, std::string& last);
  bool send(std::string_view bytes, int fifo);

  FeedPlan plan_;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::exception_ptr failure_;
  std::int64_t made_ = 0;  // FIFOs
  std::thread thread_;
};

}  // namespace smtrain::run::training_job
