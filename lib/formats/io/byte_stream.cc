#include "formats/io/byte_stream.h"

#include <fcntl.h>
#include <isa-l.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cerrno>
#include <atomic>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/signals.h"
#include "base/system_error.h"
#include "base/text.h"

namespace smtrain::formats {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;
constexpr std::size_t kMagicBytes = 4;
/// zstd's default limit, 128 MiB of window: what a frame may make us hold.
constexpr int kMaxWindowLog = 27;

/// A file as it lies on disk or comes out of a pipe, with its first bytes looked at in advance.
class Source {
 public:
  explicit Source(const InputFile& file) : name_(file.name) {
    if (file.path == "-")
      fd_ = UniqueFd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
    else
      fd_ = open_for_reading(file.path);
    if (!fd_) fail(errno);
    struct stat status;
    if (::fstat(fd_.get(), &status) != 0) fail(errno);
    if (S_ISDIR(status.st_mode)) fail(EISDIR);
    regular_ = S_ISREG(status.st_mode);
    // Standard input may be a file that someone has read from before.
    const off_t here = regular_ ? ::lseek(fd_.get(), 0, SEEK_CUR) : 0;
    start_ = here < 0 ? 0 : static_cast<std::uint64_t>(here);
    if (regular_) ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    look_at_head();
  }
  Source(std::string_view memory, std::string name) : name_(std::move(name)), memory_(memory) { look_at_head(); }

  std::string_view head() const { return {head_.data(), head_.size()}; }
  const std::string& name() const { return name_; }
  bool regular() const { return regular_; }
  std::uint64_t offset() const { return offset_; }
  void cancel() { *cancelled_ = true; }

  std::size_t read(std::span<char> into) {
    throw_if_stopped();
    std::size_t done = 0;
    if (offset_ < head_.size()) {
      const std::size_t from = static_cast<std::size_t>(offset_);
      done = std::min(into.size(), head_.size() - from);
      std::memcpy(into.data(), head_.data() + from, done);
    }
    if (done < into.size()) done += read_on(into.subspan(done));
    offset_ += done;
    return done;
  }

  void seek(std::uint64_t offset) {
    // The head is read again: from here on the file alone counts.
    head_.clear();
    if (::lseek(fd_.get(), static_cast<off_t>(start_ + offset), SEEK_SET) < 0) fail(errno);
    offset_ = offset;
  }

 private:
  [[noreturn]] void fail(int error_number) const {
    throw system_error(error_number, "{}", name_);
  }

  void look_at_head() {
    head_.resize(kMagicBytes);
    head_.resize(read_on(head_));
  }

  std::size_t read_on(std::span<char> into) {
    if (fd_) return read_fully(fd_.get(), into, name_, cancelled_.get());
    const std::size_t n = memory_.copy(into.data(), into.size());
    memory_.remove_prefix(n);
    return n;
  }

  std::string name_;
  UniqueFd fd_;
  std::string_view memory_;  // what is left, when there is no file
  std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
  bool regular_ = false;
  std::uint64_t start_ = 0;
  std::uint64_t offset_ = 0;
  std::vector<char> head_;
};

class PlainStream final : public ByteStream {
 public:
  explicit PlainStream(Source source) : source_(std::move(source)) {}
  std::size_t read(std::span<char> into) override { return source_.read(into); }
  std::uint64_t consumed() const override { return source_.offset(); }
  std::string compression() const override { return ""; }
  bool slow() const override { return !source_.regular(); }
  bool can_seek() const override { return source_.regular(); }
  void seek(std::uint64_t offset) override {
    if (!can_seek()) throw internal_error("{}: seek on a pipe", source_.name());
    source_.seek(offset);
  }
  void cancel() override { source_.cancel(); }

 private:
  Source source_;
};

/// What gzip and zstd share: compressed bytes in a buffer, and errors that say where in the file they are.
class CompressedStream : public ByteStream {
 public:
  explicit CompressedStream(Source source) : source_(std::move(source)), buffer_(std::make_unique_for_overwrite<char[]>(kReadBytes)) {}
  std::uint64_t consumed() const override { return source_.offset() - left(); }
  bool slow() const override { return true; }
  bool can_seek() const override { return false; }
  void seek(std::uint64_t) override { throw internal_error("{}: seek in compressed data", source_.name()); }
  void cancel() override { source_.cancel(); }

 protected:
  std::size_t left() const { return limit_ - at_; }
  const char* next() const { return buffer_.get() + at_; }
  void advance(std::size_t bytes) { at_ += bytes; }

  /// Reads on behind what is left; false at the end of the file.
  bool refill() {
    std::memmove(buffer_.get(), next(), left());
    limit_ -= at_;
    at_ = 0;
    const std::size_t got = source_.read(std::span(buffer_.get() + limit_, kReadBytes - limit_));
    limit_ += got;
    return got != 0;
  }

  template <class... A>
  [[noreturn]] void fail(fmt::format_string<A...> format, A&&... args) const {
    throw user_error("{}: {} data at compressed offset {}: {}", source_.name(), compression(), consumed(),
                     fmt::format(format, std::forward<A>(args)...));
  }

  [[noreturn]] void fail_truncated() const { fail("the file ends in the middle; it is truncated, copy it again"); }
  [[noreturn]] void fail_garbage() const {
    fail("something else follows the compressed data; expected the end of the file or more {} data", compression());
  }

 private:
  Source source_;
  std::unique_ptr<char[]> buffer_;
  std::size_t at_ = 0, limit_ = 0;
};

const char* gzip_fault(int code) {
  switch (code) {
    case ISAL_INCORRECT_CHECKSUM: return "the checksum or length is wrong; the file is damaged";
    case ISAL_UNSUPPORTED_METHOD: return "an unknown compression method";
    case ISAL_INVALID_WRAPPER: return "the header is damaged";
    default: return "the file is damaged";
  }
}

class GzipStream final : public CompressedStream {
 public:
  explicit GzipStream(Source source) : CompressedStream(std::move(source)), state_(std::make_unique<inflate_state>()) {
    isal_inflate_init(state_.get());
    state_->crc_flag = ISAL_GZIP;
  }
  std::string compression() const override { return "gzip"; }

  std::size_t read(std::span<char> into) override {
    std::size_t done = 0;
    while (done < into.size() && !ended_) {
      if (state_->block_state == ISAL_BLOCK_FINISH)
        next_member();
      else
        done += inflate(into.subspan(done));
    }
    return done;
  }

 private:
  std::size_t inflate(std::span<char> into) {
    const auto room = static_cast<std::uint32_t>(std::min<std::size_t>(into.size(), std::size_t{1} << 30));
    state_->next_out = reinterpret_cast<std::uint8_t*>(into.data());
    state_->avail_out = room;
    // The library takes a pointer to mutable bytes and does not write to them.
    state_->next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(next()));
    state_->avail_in = static_cast<std::uint32_t>(left());
    const std::uint32_t offered = state_->avail_in;
    const int code = isal_inflate(state_.get());
    const std::uint32_t taken = offered - state_->avail_in, made = room - state_->avail_out;
    advance(taken);
    if (code < 0 || code == ISAL_NEED_DICT) fail("{}", gzip_fault(code));
    const bool stuck = made == 0 && taken == 0 && state_->block_state != ISAL_BLOCK_FINISH;
    if ((stuck || left() == 0) && made == 0 && state_->block_state != ISAL_BLOCK_FINISH && !refill()) fail_truncated();
    return made;
  }

  void next_member() {
    while (left() < 3 && refill()) {
    }
    if (left() == 0) {
      ended_ = true;
      return;
    }
    if (std::string_view(next(), std::min<std::size_t>(left(), 3)) != "\x1F\x8B\x08") fail_garbage();
    isal_inflate_reset(state_.get());
    state_->crc_flag = ISAL_GZIP;
  }

  std::unique_ptr<inflate_state> state_;
  bool ended_ = false;
};

class ZstdStream final : public CompressedStream {
 public:
  explicit ZstdStream(Source source) : CompressedStream(std::move(source)), context_(ZSTD_createDCtx(), ZSTD_freeDCtx) {
    if (context_ == nullptr) throw machine_error("out of memory for zstd");
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
  }
  std::string compression() const override { return "zstd"; }

  std::size_t read(std::span<char> into) override {
    std::size_t done = 0;
    while (done < into.size()) {
      if (between_frames_ && !start_frame()) break;
      done += decompress(into.subspan(done));
    }
    return done;
  }

 private:
  /// False at the end of the file.
  bool start_frame() {
    while (left() < kMagicBytes && refill()) {
    }
    if (left() == 0) return false;
    // Skippable frames are 0x184D2A50 to 0x184D2A5F.
    const std::string_view magic(next(), std::min(left(), kMagicBytes));
    const bool skippable = magic.size() == kMagicBytes && (magic[0] & 0xF0) == 0x50 && magic.substr(1) == "\x2A\x4D\x18";
    if (magic != "\x28\xB5\x2F\xFD" && !skippable) fail_garbage();
    between_frames_ = false;
    return true;
  }

  std::size_t decompress(std::span<char> into) {
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    ZSTD_inBuffer in{next(), left(), 0};
    const std::size_t code = ZSTD_decompressStream(context_.get(), &out, &in);
    if (ZSTD_isError(code)) fail_code(code);
    advance(in.pos);
    between_frames_ = code == 0;
    if (!between_frames_ && out.pos == 0 && left() == 0 && !refill()) fail_truncated();
    return out.pos;
  }

  [[noreturn]] void fail_code(std::size_t code) const {
    if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge)
      fail("its window is larger than {} MiB; compress it again without --long, or with --long={}", (1 << kMaxWindowLog) >> 20, kMaxWindowLog);
    fail("the file is damaged ({})", ZSTD_getErrorName(code));
  }

  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context_;
  bool between_frames_ = true;
};

bool is_zstd(std::string_view head) {
  return head == "\x28\xB5\x2F\xFD" || (head.size() == 4 && (head[0] & 0xF0) == 0x50 && head.substr(1) == "\x2A\x4D\x18");
}

std::unique_ptr<ByteStream> open_source(Source source) {
  const std::string_view head = source.head();
  if (head.starts_with("\x1F\x8B")) return std::make_unique<GzipStream>(std::move(source));
  if (is_zstd(head)) return std::make_unique<ZstdStream>(std::move(source));
  return std::make_unique<PlainStream>(std::move(source));
}

}  // namespace

std::unique_ptr<ByteStream> open_bytes(const InputFile& file) { return open_source(Source(file)); }

std::unique_ptr<ByteStream> open_bytes_in_memory(std::string_view bytes, const std::string& name) {
  return open_source(Source(bytes, name));
}

std::string read_bytes(const InputFile& file, std::size_t limit) {
  const std::unique_ptr<ByteStream> stream = open_bytes(file);
  std::string bytes;
  // The size on disk is a first guess: compressed files have more, pipes none.
  std::size_t room = std::min<std::size_t>(file.size.value_or(0), limit) + 1;
  for (;;) {
    const std::size_t before = bytes.size();
    bytes.resize(before + room);
    const std::size_t got = stream->read(std::span<char>(bytes).subspan(before));
    bytes.resize(before + got);
    if (bytes.size() > limit) throw user_error("{}: the file is too large; expected at most {}", file.name, format_bytes(limit));
    if (got < room) return bytes;
    room = std::min(std::max(bytes.size(), std::size_t{64} << 10), limit + 1 - bytes.size());
  }
}

}  // namespace smtrain::formats
