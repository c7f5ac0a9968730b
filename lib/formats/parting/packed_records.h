// PackedRecords: some records of any kind as bytes, with what they are parted by. Shuffles and splits move these.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace smtrain::formats {

/// What a record is parted by: hashes of its values, 0 where nothing is asked for.
struct RecordKeys {
  std::uint64_t stratum = 0, group = 0;
};

/// A value as a key: equal bytes, equal keys. The same on every machine.
std::uint64_t key_of(std::string_view value);
/// A number as a key; -0 is 0.
std::uint64_t key_of(float value);

/// Records that follow each other in memory, in order.
class PackedRecords {
 public:
  void append(std::string_view record, const RecordKeys& keys) {
    bytes_ += record;
    end_record(keys);
  }
  /// For writers that append a record piece by piece: bytes() grows, then end_record() closes it.
  std::string& bytes() { return bytes_; }
  void end_record(const RecordKeys& keys) {
    ends_.push_back(bytes_.size());
    keys_.push_back(keys);
  }
  void append(const PackedRecords& others);
  void clear();

  std::size_t size() const { return ends_.size(); }
  std::size_t size_in_bytes() const { return bytes_.size(); }
  std::string_view operator[](std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return {bytes_.data() + begin, ends_[i] - begin};
  }
  const RecordKeys& keys(std::size_t i) const { return keys_[i]; }
  std::string_view all() const { return bytes_; }

 private:
  std::string bytes_;
  std::vector<std::size_t> ends_;
  std::vector<RecordKeys> keys_;
};

/// A supply of records; one caller.
class RecordSource {
 public:
  virtual ~RecordSource() = default;
  /// Replaces `records` by the next ones; false at the end.
  virtual bool next(PackedRecords& records) = 0;
};

}  // namespace smtrain::formats
