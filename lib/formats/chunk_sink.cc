#include "formats/chunk_sink.h"

#include <algorithm>
#include <atomic>

#include "base/error.h"
#include "base/parallel.h"

namespace smtrain::formats {

ChunkSink::ChunkSink(const std::string& path, int threads)
    : compression_(compression_by_suffix(path)), file_(path), scratch_(static_cast<std::size_t>(std::max(threads, 1))) {}

const std::string& ChunkSink::encoded(std::size_t chunk, const Encode& encode, Scratch& scratch) const {
  scratch.text.clear();
  encode(chunk, scratch.text);
  if (compression_ == Compression::none) return scratch.text;
  scratch.compressed.clear();
  append_compressed(compression_, scratch.text, scratch.compressed);
  return scratch.compressed;
}

void ChunkSink::write(std::size_t chunks, const Encode& encode) {
  ExceptionTrap trap;
  std::atomic<std::size_t> next = 0, turn = 0;
  // Written in order inside the loop: while one thread hands its chunk to the kernel, the others encode the next ones.
  run_team(static_cast<int>(scratch_.size()), [&](int index) {
    Scratch& scratch = scratch_[static_cast<std::size_t>(index)];
    for (std::size_t chunk; (chunk = next.fetch_add(1)) < chunks;) {
      const std::string* bytes = nullptr;
      trap.run(chunk, [&] { bytes = &encoded(chunk, encode, scratch); });
      for (std::size_t now; (now = turn.load()) != chunk;) turn.wait(now);
      trap.run(chunk, [&] {
        if (!trap.caught()) file_.write(*bytes);
      });
      turn.store(chunk + 1);
      turn.notify_all();
    }
  });
  trap.rethrow();
}

void ChunkSink::write(const std::string& text) {
  if (text.empty()) return;
  std::string bytes;
  append_compressed(compression_, text, bytes);
  file_.write(bytes);
}

void ChunkSink::commit() {
  // An empty file is no gzip file; one empty member is.
  if (file_.size() == 0 && compression_ != Compression::none) {
    std::string bytes;
    append_compressed(compression_, {}, bytes);
    file_.write(bytes);
  }
  file_.commit();
}

}  // namespace smtrain::formats
