// RecordShuffle: any number of records in random order, in bounded memory.
//
// Each record draws a 64-bit number; the order is that of the numbers. Records gather in memory until the budget is full, are
// sorted and written to scratch as a run; at the end the runs are merged. So the order depends on the seed and the number of
// records alone, not on the memory there was.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/random.h"
#include "formats/parting/packed_records.h"

namespace smtrain::formats {

/// add() any number of times, then next() to the end. Not thread-safe. A full scratch disk is a machine Error that names TMPDIR.
class RecordShuffle final : public RecordSource {
 public:
  /// About `memory_bytes` are used, and what the largest few records need beyond it.
  RecordShuffle(std::uint64_t seed, std::uint64_t memory_bytes);
  ~RecordShuffle() override;

  void add(const PackedRecords& records);
  bool next(PackedRecords& records) override;

  std::uint64_t records() const { return records_; }
  /// Bytes written to scratch.
  std::uint64_t spilled() const { return spilled_; }

 private:
  struct Entry {
    std::uint64_t draw;
    std::uint64_t number;  // of the record, so that equal draws keep an order
    const char* at;        // its head in a chunk
  };
  struct Head {
    std::uint64_t draw, number;
    RecordKeys keys;
    std::uint64_t bytes;
  };
  class Run;

  void keep(std::string_view record, const RecordKeys& keys);
  char* room_for(std::size_t bytes);
  void sort_entries();
  void spill();
  void write(std::string_view bytes);
  void start_merge();
  bool next_in_memory(PackedRecords& records);
  bool next_merged(PackedRecords& records);

  RandomStream random_;
  const std::uint64_t budget_;
  std::vector<Entry> entries_;
  std::vector<std::unique_ptr<char[]>> chunks_;
  std::size_t chunk_used_ = 0, chunk_size_ = 0;
  std::uint64_t held_ = 0, records_ = 0, spilled_ = 0;
  std::size_t next_entry_ = 0;
  bool reading_ = false;
  UniqueFd fd_;
  std::vector<std::uint64_t> run_ends_;
  std::vector<std::unique_ptr<Run>> runs_;  // a heap by the draw of the next record
};

}  // namespace smtrain::formats
