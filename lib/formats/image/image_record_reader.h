// .rec files of images, read from their start to their end.
#pragma once

#include <atomic>
#include <vector>

#include "base/log.h"
#include "formats/image/image_record.h"
#include "formats/record_stream.h"
#include "formats/recordio/frame_cutter.h"

namespace smtrain::formats::image {

/// A record as it stands in its file.
struct PlacedRecord {
  RecordPlace place;
  ImageRecord record;
};

/// The records of some .rec files in order; pipes and compressed files too. Images are not decoded. Throws user Errors with the
/// place. Not thread-safe.
class ImageRecordReader {
 public:
  /// `log` must outlive it.
  ImageRecordReader(std::vector<InputFile> files, int threads, Log& log);
  ImageRecordReader(const ImageRecordReader&) = delete;
  ImageRecordReader& operator=(const ImageRecordReader&) = delete;

  bool next(PlacedRecord& record);

  const BlockTeam& team() const { return stream_.team(); }
  /// Ends a next() that waits for a pipe, from any thread.
  void cancel() { stream_.cancel(); }

 private:
  void parse(const RawBlock& block, std::vector<PlacedRecord>& records);

  Log& log_;
  std::atomic<bool> warned_padding_ = false;
  recordio::FrameCutter cutter_;
  RecordStream<PlacedRecord> stream_;
  std::vector<PlacedRecord> records_;
  std::size_t at_ = 0;
};

}  // namespace smtrain::formats::image
