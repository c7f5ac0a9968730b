// .rec files of images, written, with their index beside them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "formats/image/image_record.h"
#include "formats/io/compress.h"

namespace smtrain::formats::image {

/// Where the index of a .rec lies: a.idx for a.rec, a.dat.idx for a.dat.
std::string index_path(const std::string& rec_path);

/// Writes a .rec file whole or not at all, and its .idx (key, tab, byte offset) with it. A compressed one (.gz, .zst) and one
/// that goes to a stream have no index: offsets would lead nowhere. Not thread-safe.
class ImageRecordWriter {
 public:
  explicit ImageRecordWriter(const std::string& path);

  void write(const ImageRecord& record);
  /// The same of a record that append_image_record() has framed, so that threads can do that.
  void write(std::uint64_t id, std::string_view framed);
  /// Writes what is still to be written, and gives the files to be committed; nothing may be written after it.
  std::vector<AtomicFile*> finish();
  /// Finishes, syncs and renames both files.
  void commit();

  std::uint64_t records() const { return records_; }
  /// Bytes so far, before compression.
  std::uint64_t bytes() const { return offset_; }
  bool has_index() const { return index_.has_value(); }

 private:
  void flush();

  Compression compression_;
  AtomicFile file_;
  std::optional<AtomicFile> index_;
  std::uint64_t offset_ = 0, records_ = 0;
  std::string pending_, index_lines_;
};

}  // namespace smtrain::formats::image
