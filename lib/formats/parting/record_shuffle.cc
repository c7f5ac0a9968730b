#include "formats/parting/record_shuffle.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/signals.h"

namespace smtrain::formats {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{4} << 20;
constexpr std::size_t kLotBytes = std::size_t{4} << 20;    // handed out at a time
constexpr std::size_t kWriteBytes = std::size_t{4} << 20;
constexpr std::size_t kLeastBuffer = std::size_t{4} << 10;

}  // namespace

/// Reads a sorted run back, a record at a time.
class RecordShuffle::Run {
 public:
  Run(int fd, std::uint64_t begin, std::uint64_t end, std::size_t buffer) : fd_(fd), at_(begin), end_(end), buffer_(buffer) {
    advance();
  }

  bool ended() const { return ended_; }
  const Head& head() const { return head_; }
  std::string_view record() const { return {buffer_.data() + record_, head_.bytes}; }
  void advance() {
    first_ = record_ + (started_ ? head_.bytes : 0);
    started_ = true;
    if (first_ == have_ && at_ == end_) {
      ended_ = true;
      return;
    }
    need(sizeof(Head));
    std::memcpy(&head_, buffer_.data() + first_, sizeof(Head));
    need(sizeof(Head) + head_.bytes);
    record_ = first_ + sizeof(Head);
  }

 private:
  // At least `bytes` from first_ on in the buffer.
  void need(std::size_t bytes) {
    if (have_ - first_ >= bytes) return;
    std::memmove(buffer_.data(), buffer_.data() + first_, have_ - first_);
    have_ -= first_;
    first_ = 0;
    if (buffer_.size() < bytes) buffer_.resize(bytes);
    while (have_ < bytes || (have_ < buffer_.size() && at_ < end_)) {
      const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size() - have_, end_ - at_));
      const ssize_t n = ::pread(fd_, buffer_.data() + have_, wanted, static_cast<off_t>(at_));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0)
        throw machine_error("cannot read records back from scratch (TMPDIR): {}", n < 0 ? errno_text(errno) : "end of file");
      have_ += static_cast<std::size_t>(n);
      at_ += static_cast<std::uint64_t>(n);
    }
  }

  int fd_;
  std::uint64_t at_, end_;
  std::vector<char> buffer_;
  std::size_t have_ = 0, first_ = 0, record_ = 0;
  Head head_{};
  bool started_ = false, ended_ = false;
};

RecordShuffle::RecordShuffle(std::uint64_t seed, std::uint64_t memory_bytes)
    : random_(seed, "shuffle"), budget_(std::max<std::uint64_t>(memory_bytes, 2 * kChunkBytes)) {}

RecordShuffle::~RecordShuffle() = default;

void RecordShuffle::add(const PackedRecords& records) {
  for (std::size_t i = 0; i < records.size(); ++i) keep(records[i], records.keys(i));
}

void RecordShuffle::keep(std::string_view record, const RecordKeys& keys) {
  // The entries' vector holds both its old and its new memory while it grows.
  if (!entries_.empty() && held_ + 3 * entries_.size() * sizeof(Entry) + sizeof(Head) + record.size() > budget_) spill();
  const Head head{random_.next_u64(), records_++, keys, record.size()};
  char* at = room_for(sizeof(Head) + record.size());
  std::memcpy(at, &head, sizeof(Head));
  if (!record.empty()) std::memcpy(at + sizeof(Head), record.data(), record.size());
  entries_.push_back({head.draw, head.number, at});
}

char* RecordShuffle::room_for(std::size_t bytes) {
  if (chunk_size_ - chunk_used_ < bytes) {
    chunk_size_ = std::max(bytes, kChunkBytes);
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(chunk_size_));
    chunk_used_ = 0;
    held_ += chunk_size_;
  }
  char* at = chunks_.back().get() + chunk_used_;
  chunk_used_ += bytes;
  return at;
}

void RecordShuffle::sort_entries() {
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.draw != b.draw ? a.draw < b.draw : a.number < b.number; });
}

void RecordShuffle::spill() {
  throw_if_stopped();
  if (!fd_) fd_ = open_scratch_file();
  sort_entries();
  std::string out;
  for (const Entry& entry : entries_) {
    Head head;
    std::memcpy(&head, entry.at, sizeof(Head));
    out.append(entry.at, sizeof(Head) + head.bytes);
    if (out.size() < kWriteBytes) continue;
    write(out);
    out.clear();
  }
  write(out);
  run_ends_.push_back(spilled_);
  entries_.clear();
  chunks_.clear();
  chunk_used_ = chunk_size_ = 0;
  held_ = 0;
}

void RecordShuffle::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(spilled_));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      throw machine_error(
          "cannot keep records in scratch (TMPDIR) to shuffle them: {}; give --memory-limit more, or set TMPDIR to a "
          "folder with room",
          errno_text(errno));
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
    spilled_ += static_cast<std::uint64_t>(n);
  }
}

void RecordShuffle::start_merge() {
  reading_ = true;
  if (run_ends_.empty()) return sort_entries();
  if (!entries_.empty()) spill();
  entries_.shrink_to_fit();
  const std::size_t buffer = std::clamp<std::size_t>(budget_ / run_ends_.size(), kLeastBuffer, kChunkBytes);
  for (std::size_t i = 0; i < run_ends_.size(); ++i) {
    runs_.push_back(std::make_unique<Run>(fd_.get(), i == 0 ? 0 : run_ends_[i - 1], run_ends_[i], buffer));
  }
}

bool RecordShuffle::next(PackedRecords& records) {
  records.clear();
  if (!reading_) start_merge();
  return run_ends_.empty() ? next_in_memory(records) : next_merged(records);
}

bool RecordShuffle::next_in_memory(PackedRecords& records) {
  for (; next_entry_ < entries_.size() && records.size_in_bytes() < kLotBytes; ++next_entry_) {
    Head head;
    std::memcpy(&head, entries_[next_entry_].at, sizeof(Head));
    records.append({entries_[next_entry_].at + sizeof(Head), head.bytes}, head.keys);
  }
  return records.size() != 0;
}

bool RecordShuffle::next_merged(PackedRecords& records) {
  const auto later = [](const std::unique_ptr<Run>& a, const std::unique_ptr<Run>& b) {
    return a->head().draw != b->head().draw ? a->head().draw > b->head().draw : a->head().number > b->head().number;
  };
  std::make_heap(runs_.begin(), runs_.end(), later);
  while (!runs_.empty() && records.size_in_bytes() < kLotBytes) {
    std::pop_heap(runs_.begin(), runs_.end(), later);
    Run& first = *runs_.back();
    records.append(first.record(), first.head().keys);
    first.advance();
    if (first.ended()) runs_.pop_back();
    else std::push_heap(runs_.begin(), runs_.end(), later);
  }
  return records.size() != 0;
}

}  // namespace smtrain::formats
