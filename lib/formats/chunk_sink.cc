#include "formats/chunk_sink.h"

#include <algorithm>
#include <atomic>

#include "base/error.h"
#include "base/parallel.h"

namespace smtrain::formats {

ChunkSink::ChunkSink(const std::string& path, int threads)
    : compression_(compression_by_suffix(path)), file_(path), scratch_(static_cast<std::size_t>(std::max(threads, 1))) {}

void ChunkSink::encode_chunk(std::size_t chunk, const Encode& encode, Scratch& scratch) const {
  scratch.text.clear();
  encode(chunk, scratch.text);
  if (compression_ == Compression::none) return;
  scratch.compressed.clear();
  append_compressed(compression_, scratch.text, scratch.compressed);
}

void ChunkSink::write_chunk(Scratch& scratch, const Place& place) {
  if (compression_ != Compression::none) {
    file_.write(scratch.compressed);
    return;
  }
  if (place) place(scratch.text);
  file_.write(scratch.text);
}

void ChunkSink::write(std::size_t chunks, const Encode& encode, const Place& place) {
  ExceptionTrap trap;
  std::atomic<std::size_t> next = 0, turn = 0;
  // Written in order inside the loop: while one thread hands its chunk to the kernel, the others encode the next ones.
  run_team(static_cast<int>(scratch_.size()), [&](int index) {
    Scratch& scratch = scratch_[static_cast<std::size_t>(index)];
    for (std::size_t chunk; (chunk = next.fetch_add(1)) < chunks;) {
      trap.run(chunk, [&] { encode_chunk(chunk, encode, scratch); });
      for (std::size_t now; (now = turn.load()) != chunk;) turn.wait(now);
      trap.run(chunk, [&] {
        if (!trap.caught()) write_chunk(scratch, place);
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

AtomicFile& ChunkSink::finish() {
  // An empty file is no gzip file; one empty member is.
  if (file_.size() == 0 && compression_ != Compression::none) {
    std::string bytes;
    append_compressed(compression_, {}, bytes);
    file_.write(bytes);
  }
  return file_;
}

}  // namespace smtrain::formats
