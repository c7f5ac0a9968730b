#include "formats/image/image_record_writer.h"

#include <fmt/format.h>

namespace smtrain::formats::image {
namespace {

constexpr std::size_t kFlushBytes = std::size_t{1} << 20;

}  // namespace

std::string index_path(const std::string& rec_path) {
  return (rec_path.ends_with(".rec") ? rec_path.substr(0, rec_path.size() - 4) : rec_path) + ".idx";
}

ImageRecordWriter::ImageRecordWriter(const std::string& path) : compression_(compression_by_suffix(path)), file_(path) {
  if (compression_ == Compression::none && file_.seekable()) index_.emplace(index_path(path));
}

void ImageRecordWriter::write(const ImageRecord& record) {
  std::string framed;
  append_image_record(framed, record);
  write(record.id, framed);
}

void ImageRecordWriter::write(std::uint64_t id, std::string_view framed) {
  if (index_) index_lines_ += fmt::format("{}\t{}\n", id, offset_);
  pending_ += framed;
  offset_ += framed.size();
  ++records_;
  if (pending_.size() >= kFlushBytes) flush();
}

void ImageRecordWriter::flush() {
  if (compression_ == Compression::none) {
    file_.write(pending_);
  } else if (!pending_.empty()) {
    std::string packed;
    append_compressed(compression_, pending_, packed);
    file_.write(packed);
  }
  pending_.clear();
  if (index_) index_->write(index_lines_);
  index_lines_.clear();
}

std::vector<AtomicFile*> ImageRecordWriter::finish() {
  flush();
  if (index_) return {&file_, &*index_};
  return {&file_};
}

void ImageRecordWriter::commit() { commit_together(finish()); }

}  // namespace smtrain::formats::image
