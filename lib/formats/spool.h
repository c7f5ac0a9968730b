// Spool: batches of a source that cannot be read twice, kept in an unlinked scratch file for later epochs.
#pragma once

#include <cstdint>
#include <vector>

#include "base/file.h"
#include "formats/batch.h"

namespace smtrain::formats {

/// Written once, then read from the start any number of times. Not thread-safe. A full disk is a machine Error that names
/// the scratch folder.
class Spool {
 public:
  void append(const Batch& batch);
  void rewind() { next_ = 0; }
  /// The next batch in fresh memory; false at the end.
  bool next(Batch& batch);
  bool empty() const { return entries_.empty(); }

 private:
  struct Entry {
    Batch shape;  // counts and origins; of its pointers only whether they are null
    std::uint64_t offset = 0;
    std::uint64_t nonzeros = 0;
  };
  void write(const void* from, std::size_t bytes);
  void read(void* to, std::size_t bytes, std::uint64_t& offset) const;

  UniqueFd fd_;
  std::uint64_t size_ = 0;
  std::vector<Entry> entries_;
  std::size_t next_ = 0;
};

}  // namespace smtrain::formats
