// RecordReader: steps over the records of a block, with a shortcut for records that repeat the layout of the one before.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "formats/recordio/framing.h"
#include "formats/recordio/record.h"

namespace smtrain::formats::recordio {

/// Says in words that `record`, a magic word and what follows it, ends too early.
std::string truncation(std::span<const char> record);

/// Reads whole records one after the other. A record of the same length whose bytes equal the previous one's everywhere but
/// in its float values decodes to the same message with other numbers, so that only the views of the values are moved on;
/// all others are decoded. `bytes` must outlive the reader. One thread.
class RecordReader {
 public:
  RecordReader(std::span<const char> bytes, std::size_t limit) : bytes_(bytes), limit_(limit) {}

  /// Goes to the next record; there must be one left. Returns true when it repeats the layout of the one before: what was
  /// checked of types, counts, keys and shape then holds for it too. Throws a user Error without a place.
  bool next() { return repeats() || decode(); }

  const Record& record() const { return record_; }
  /// Offset in `bytes` of the current record's magic word.
  std::size_t position() const { return start_; }
  /// Whether the current record ends without its padding.
  bool missing_padding() const { return missing_padding_; }

 private:
  /// Where the values of one tensor stand in the sample.
  struct Hole {
    std::size_t begin = 0, end = 0;
  };
  bool repeats();
  bool decode();
  void learn(const Frame& frame);
  bool hole_of(const Tensor& tensor, bool present, Hole& hole) const;

  std::span<const char> bytes_;
  std::size_t limit_;
  std::size_t pos_ = 0, start_ = 0;
  bool missing_padding_ = false;
  Record record_;
  std::string joined_;

  const char* sample_ = nullptr;  // the record that was decoded last, when others can repeat it
  std::size_t frame_size_ = 0, sample_end_ = 0;
  Hole features_, label_, first_, second_;
};

}  // namespace smtrain::formats::recordio
