#include "formats/block_feed.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/memory.h"
#include "formats/recordio/unwrap.h"

namespace smtrain::formats {
namespace {

std::uint64_t count_lines(std::span<const char> bytes) {
  return static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
}

constexpr std::size_t kNoLimit = static_cast<std::size_t>(-1);

}  // namespace

BlockFeed::BlockFeed(std::vector<InputFile> files, std::size_t block_bytes, std::size_t max_record_bytes)
    : files_(std::move(files)), block_bytes_(block_bytes), max_record_bytes_(max_record_bytes) {}

void BlockFeed::set_cutter(RecordCutter& cutter) {
  cutter_ = &cutter;
  if (stream_) show_to_cutter();
}

// The cutter may put another stream in the place of the file's bytes.
void BlockFeed::show_to_cutter() {
  const InputFile& file = files_[position_.file];
  cutter_->begin_file(file);
  std::unique_lock lock(stream_mutex_);
  const ByteStream* const before = stream_.get();
  stream_ = cutter_->open(file, std::move(stream_), {carry_.bytes().data(), carry_.size});
  if (stream_.get() == before) return;
  carry_.size = 0;
  at_end_ = false;
}

void BlockFeed::Carry::reserve(std::size_t wanted) {
  if (wanted <= capacity) return;
  std::shared_ptr<char> larger = allocate_aligned(wanted);
  if (size > 0) std::memcpy(larger.get(), buffer.get(), size);
  buffer = std::move(larger);
  capacity = wanted;
}

void BlockFeed::Carry::assign(std::span<const char> bytes) {
  size = 0;
  reserve(bytes.size());
  if (!bytes.empty()) std::memcpy(buffer.get(), bytes.data(), bytes.size());
  size = bytes.size();
}

bool BlockFeed::open_next() {
  if (position_.file >= files_.size()) return false;
  const InputFile& file = files_[position_.file];
  std::unique_ptr<ByteStream> stream = open_bytes(file);
  set_stream(file.wrapped ? recordio::unwrap(std::move(stream), file.name) : std::move(stream));
  source_ = std::make_shared<const std::string>(file.name);
  file_start_ = true;
  at_end_ = false;
  carry_.size = 0;
  if (cutter_ != nullptr) show_to_cutter();
  return true;
}

void BlockFeed::set_stream(std::unique_ptr<ByteStream> stream) {
  std::lock_guard lock(stream_mutex_);
  stream_ = std::move(stream);
  if (stream_ && cancelled_) stream_->cancel();
}

void BlockFeed::cancel() {
  std::lock_guard lock(stream_mutex_);
  cancelled_ = true;
  if (stream_) stream_->cancel();
}

void BlockFeed::close() {
  consumed_before_ += stream_->consumed();
  consumed_ = consumed_before_;
  set_stream(nullptr);
  position_ = FeedPosition{position_.file + 1, 0, 0, 1};
}

std::span<const char> BlockFeed::head(std::size_t wanted, std::string& source) {
  while (stream_ || open_next()) {
    const std::size_t have = carry_.size;
    if (!at_end_ && have < wanted) {
      carry_.reserve(wanted);
      carry_.size += stream_->read(std::span<char>(carry_.buffer.get() + have, wanted - have));
      at_end_ = carry_.size < wanted;
    }
    if (carry_.size > 0) {
      source = *source_;
      return carry_.bytes();
    }
    close();
  }
  return {};
}

void BlockFeed::grow(FeedBlock& block, std::size_t keep) const {
  const std::size_t capacity = std::max(block_bytes_, 2 * block.capacity);
  std::shared_ptr<char> larger = allocate_aligned(capacity);
  if (keep > 0) std::memcpy(larger.get(), block.buffer.get(), keep);
  block.buffer = std::move(larger);
  block.capacity = capacity;
}

bool BlockFeed::next(FeedBlock& block) {
  while (stream_ || open_next()) {
    std::size_t have = carry_.size;
    // What was looked at as the head may be long, and is not copied.
    if (block.capacity < have) {
      std::swap(block.buffer, carry_.buffer);
      std::swap(block.capacity, carry_.capacity);
    } else if (have > 0) {
      std::memcpy(block.buffer.get(), carry_.buffer.get(), have);
    }
    carry_.size = 0;
    while (block.capacity < block_bytes_) grow(block, have);
    for (;;) {
      const std::size_t wanted = cutter_->wanted({block.buffer.get(), have});
      while (wanted != kNoLimit && block.capacity < wanted) grow(block, have);
      if (!at_end_ && have < wanted) {
        const std::size_t room = std::min(block.capacity, wanted) - have;
        const std::size_t got = stream_->read(std::span<char>(block.buffer.get() + have, room));
        have += got;
        at_end_ = got < room;
        consumed_ = consumed_before_ + stream_->consumed();
      }
      if (have == 0) break;
      if (cut(block, have)) {
        if (block.raw.records > 0) return true;
        if (carry_.size == 0 && at_end_) break;
        have = carry_.size;
        if (have > 0) std::memcpy(block.buffer.get(), carry_.buffer.get(), have);
        carry_.size = 0;
        continue;
      }
      if (at_end_) throw internal_error("{}: the reader left {} bytes at offset {}", *source_, have, position_.offset);
      if (have > cutter_->block_limit(max_record_bytes_)) {
        throw user_error("{}, byte {} (record {}): the record is longer than {} bytes; is the content type right?", *source_,
                         position_.offset, position_.record, cutter_->block_limit(max_record_bytes_));
      }
      if (have == block.capacity) grow(block, have);
    }
    close();
  }
  return false;
}

// Takes the whole records of block.buffer[0, have); what is left goes to carry_. False when not even one is whole.
bool BlockFeed::cut(FeedBlock& block, std::size_t have) {
  RawBlock raw{{block.buffer.get(), have}, source_, position_.offset, position_.record, position_.line, 0};
  const RecordCutter::Cut cut = cutter_->cut(raw, file_start_, at_end_);
  if (cut.bytes == 0) return false;
  carry_.assign({block.buffer.get() + cut.bytes, have - cut.bytes});
  block.position = position_;
  block.raw = raw;
  block.raw.bytes = raw.bytes.subspan(cut.skip, cut.bytes - cut.skip);
  block.raw.offset += cut.skip;
  const std::uint64_t lines_skipped = count_lines(raw.bytes.first(cut.skip));
  block.raw.first_line = position_.line + lines_skipped;
  block.raw.records = cut.records;
  block.raw.lines = cut.lines - std::min<std::size_t>(cut.lines, lines_skipped);
  position_.offset += cut.bytes;
  position_.record += cut.records;
  position_.line += cut.lines;
  file_start_ = false;
  return true;
}

void BlockFeed::restart(const FeedPosition& from) {
  set_stream(nullptr);
  carry_.size = 0;
  consumed_before_ = 0;
  for (std::size_t f = 0; f < from.file; ++f) consumed_before_ += files_[f].size.value_or(0);
  position_ = FeedPosition{from.file, 0, 0, 1};
  if (from.offset == 0 || !open_next()) return;
  if (stream_->can_seek()) {
    stream_->seek(from.offset);
  } else {
    std::string skipped(std::min<std::uint64_t>(from.offset, block_bytes_), '\0');
    for (std::uint64_t left = from.offset; left > 0;) {
      const std::size_t got = stream_->read(std::span<char>(skipped.data(), std::min<std::uint64_t>(left, skipped.size())));
      if (got == 0) throw user_error("{}: the file has become shorter while it was read", *source_);
      left -= got;
    }
  }
  position_ = from;
  file_start_ = false;
}

}  // namespace smtrain::formats
