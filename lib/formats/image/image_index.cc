#include "formats/image/image_index.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/system_error.h"
#include "base/text.h"
#include "formats/image/image_record_writer.h"
#include "formats/recordio/frame_cutter.h"
#include "formats/text/lines.h"

namespace smtrain::formats::image {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHead = 8;

/// A file of records of which any part can be read.
class RecordFile {
 public:
  explicit RecordFile(const std::string& path) : path_(path), fd_(open_for_reading(path)) {
    struct stat status = {};
    if (::fstat(fd_.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
      throw user_error("{}: is no regular file; its records can only be read in their order", path_);
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
  const std::string& path() const { return path_; }
  std::uint64_t size() const { return size_; }

  /// The bytes of [offset, offset + count), fewer at the end of the file.
  std::string read(std::uint64_t offset, std::size_t count) const {
    std::string bytes(std::min<std::uint64_t>(count, size_ - std::min(offset, size_)), '\0');
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t got = ::pread(fd_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw system_error(errno, "cannot read {}", path_);
      if (got == 0) throw user_error("{}: the file has become shorter while it was read", path_);
      done += static_cast<std::size_t>(got);
    }
    return bytes;
  }

  /// How far it is from the record at `offset` to the next one; the bytes between are appended where they are wanted.
  std::uint64_t frame(std::uint64_t offset, std::uint64_t record, std::string* bytes) const {
    std::uint64_t at = offset;
    for (bool last = false; !last;) {
      const std::string head = read(at, kHead);
      const std::string place = recordio::record_place(path_, record, offset);
      if (head.size() < kHead) throw user_error("{}: truncated: the file ends in the middle of it", place);
      const std::uint32_t word = word_at(head);
      recordio::Frame part;  // what a first head may be is known there; the part itself is not there
      if (at == offset) recordio::read_frame(head, false, recordio::kMaxPayload, place, part);
      else if (word >> 29 != 2 && word >> 29 != 3) throw user_error("{}: continuation flag {} inside it, expected 2 or 3", place, word >> 29);
      const std::uint64_t length = word & recordio::kMaxPayload, end = at + kHead + length;
      if (end > size_) throw user_error("{}: truncated: the file ends in the middle of it", place);
      if (bytes != nullptr) *bytes += head + read(at + kHead, (length + 3) & ~std::uint64_t{3});
      last = word >> 29 == 0 || word >> 29 == 3;
      at = std::min(size_, kHead + at + ((length + 3) & ~std::uint64_t{3}));
    }
    return at - offset;
  }

 private:
  static std::uint32_t word_at(const std::string& head) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 4; ++i) word |= std::uint32_t{static_cast<unsigned char>(head[4 + i])} << 8 * i;
    return word;
  }

  std::string path_;
  UniqueFd fd_;
  std::uint64_t size_ = 0;
};

std::uint64_t offset_in(std::string_view line, const std::string& path, std::uint64_t number) {
  const std::string_view field = line.substr(std::min(line.size(), line.find('\t') + 1));
  std::uint64_t offset = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), offset);
  if (line.find('\t') == std::string_view::npos || error != std::errc() || end != field.data() + field.size()) {
    throw user_error("{}: {} is no entry of an index, expected a key, a tab and a byte offset", line_place(path, number), smtrain::quoted(line));
  }
  return offset;
}

void compare_index(const std::string& path, const std::string& rec_path, const std::vector<std::uint64_t>& offsets) {
  const std::string text = read_file(path);
  std::vector<std::uint64_t> indexed;
  for (Lines lines(text, 1); lines.next();) indexed.push_back(offset_in(lines.line(), path, lines.number()));
  if (indexed.size() != offsets.size()) {
    throw user_error("{}: {} entries, but {} has {} records; it is another file's: remove it", path, indexed.size(), rec_path, offsets.size());
  }
  std::sort(indexed.begin(), indexed.end());
  const auto wrong = std::mismatch(indexed.begin(), indexed.end(), offsets.begin());
  if (wrong.first == indexed.end()) return;
  throw user_error("{}: offset {}, where no record of {} begins; it is another file's: remove it", path, *wrong.first, rec_path);
}

class ShuffledRecords final : public ImageSource {
 public:
  ShuffledRecords(const std::vector<InputFile>& inputs, std::uint64_t seed, std::uint64_t epoch) {
    for (const InputFile& input : inputs) {
      std::uint64_t record = 0;
      for (const std::uint64_t offset : record_offsets(input.path)) places_.push_back({files_.size(), record++, offset});
      files_.emplace_back(input.path);
    }
    order_ = image_order(places_.size(), true, seed, fmt::format("image records of pass {}", epoch));
  }

  bool next(EncodedImage& image) override {
    const std::size_t at = at_.load();
    if (at == order_.size()) return false;
    const Place& place = places_[order_[at]];
    const RecordFile& file = files_[place.file];
    std::string bytes;
    file.frame(place.offset, place.record, &bytes);
    const RawBlock block{bytes, std::make_shared<const std::string>(file.path()), place.offset, place.record, 0, 1};
    recordio::Payloads payloads(block);
    payloads.next();
    try {
      image = {payloads.place(), "", parse_image_record(payloads.payload())};
    } catch (const Error& e) {
      throw Error(e.fault(), fmt::format("{}: {}", payloads.place(), e.what()));
    }
    at_ = at + 1;
    return true;
  }
  double fraction() const override { return order_.empty() ? -1 : static_cast<double>(at_) / static_cast<double>(order_.size()); }
  std::vector<std::string> files() const override {
    std::vector<std::string> paths;
    for (const RecordFile& file : files_) paths.push_back(file.path());
    return paths;
  }

 private:
  struct Place {
    std::size_t file;
    std::uint64_t record, offset;
  };
  std::vector<RecordFile> files_;
  std::vector<Place> places_;
  std::vector<std::uint64_t> order_;
  std::atomic<std::size_t> at_ = 0;
};

}  // namespace

std::vector<std::uint64_t> record_offsets(const std::string& path) {
  const RecordFile file(path);
  std::vector<std::uint64_t> offsets;
  for (std::uint64_t at = 0; at < file.size(); at += file.frame(at, offsets.size() - 1, nullptr)) offsets.push_back(at);
  if (const std::string index = index_path(path); index != path && fs::exists(index)) compare_index(index, path, offsets);
  return offsets;
}

std::unique_ptr<ImageSource> open_shuffled_records(std::vector<InputFile> files, std::uint64_t seed, std::uint64_t epoch) {
  return std::make_unique<ShuffledRecords>(files, seed, epoch);
}

}  // namespace smtrain::formats::image
