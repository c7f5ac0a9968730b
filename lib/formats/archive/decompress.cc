#include "formats/archive/decompress.h"

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace smtrain::formats {
namespace {

constexpr std::size_t kBuffer = std::size_t{256} << 10;

/// The source through a buffer, whose first bytes can be looked at.
class Input {
 public:
  Input(Decompressor::Source source, std::string name)
      : source_(std::move(source)), name_(std::move(name)), buffer_(kBuffer) {
    refill();
  }

  /// Bytes at hand; empty only at the end of the source.
  std::string_view peek() {
    if (begin_ == end_) refill();
    return {buffer_.data() + begin_, end_ - begin_};
  }
  void take(std::size_t n) {
    begin_ += n;
    taken_ += n;
  }
  std::size_t read(std::span<char> into) {
    const std::string_view have = peek().substr(0, into.size());
    std::memcpy(into.data(), have.data(), have.size());
    take(have.size());
    if (have.size() == into.size() || ended_) return have.size();
    const std::size_t rest = source_(into.subspan(have.size()));
    taken_ += rest;
    return have.size() + rest;
  }
  bool starts_with(std::string_view magic) { return peek().starts_with(magic); }

  [[nodiscard]] Error damaged(std::string_view kind, std::string_view what) const {
    return user_error("{}: {} data is damaged near byte {}: {}", name_, kind, taken_, what);
  }
  [[nodiscard]] Error truncated(std::string_view kind) const {
    return user_error("{}: {} data ends early, after {} bytes; the file is not whole", name_, kind, taken_);
  }

 private:
  void refill() {
    begin_ = 0;
    end_ = ended_ ? 0 : source_(buffer_);
    ended_ = end_ < buffer_.size();
  }

  Decompressor::Source source_;
  std::string name_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool ended_ = false;
  std::uint64_t taken_ = 0;
};

class PlainReader final : public Decompressor {
 public:
  explicit PlainReader(Input input) : input_(std::move(input)) {}
  std::size_t read(std::span<char> into) override { return input_.read(into); }
  std::string kind() const override { return ""; }

 private:
  Input input_;
};

std::string_view inflate_problem(int result) {
  switch (result) {
    case ISAL_INVALID_BLOCK: return "invalid block";
    case ISAL_INVALID_SYMBOL: return "invalid symbol";
    case ISAL_INVALID_LOOKBACK: return "invalid distance";
    case ISAL_INVALID_WRAPPER: return "invalid header";
    case ISAL_UNSUPPORTED_METHOD: return "unknown compression method";
    case ISAL_INCORRECT_CHECKSUM: return "checksum differs";
    default: return "it cannot be decompressed";
  }
}

class GzipReader final : public Decompressor {
 public:
  explicit GzipReader(Input input) : input_(std::move(input)), state_(std::make_unique<inflate_state>()) { start(); }

  std::size_t read(std::span<char> into) override {
    std::size_t done = 0;
    while (done < into.size()) {
      if (state_->block_state == ISAL_BLOCK_FINISH && !next_member()) break;
      done += inflate(into.subspan(done));
    }
    return done;
  }
  std::string kind() const override { return "gzip"; }

 private:
  void start() {
    isal_inflate_init(state_.get());
    state_->crc_flag = ISAL_GZIP;
  }

  std::size_t inflate(std::span<char> into) {
    const std::string_view in = input_.peek();
    const auto room = static_cast<std::uint32_t>(std::min<std::size_t>(into.size(), 1U << 30));
    state_->next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(in.data()));
    state_->avail_in = static_cast<std::uint32_t>(in.size());
    state_->next_out = reinterpret_cast<std::uint8_t*>(into.data());
    state_->avail_out = room;
    const int result = isal_inflate(state_.get());
    if (result < 0) throw input_.damaged("gzip", inflate_problem(result));
    const std::size_t used = in.size() - state_->avail_in;
    const std::size_t made = room - state_->avail_out;
    input_.take(used);
    if (used == 0 && made == 0 && state_->block_state != ISAL_BLOCK_FINISH) {
      if (in.empty()) throw input_.truncated("gzip");
      throw input_.damaged("gzip", "it cannot be decompressed");
    }
    return made;
  }

  /// After a member another one may follow, or zeros (tapes and block devices pad with them), or nothing.
  bool next_member() {
    for (std::string_view left = input_.peek(); !left.empty(); left = input_.peek()) {
      const std::size_t zeros = std::min(left.find_first_not_of('\0'), left.size());
      input_.take(zeros);
      if (zeros == left.size()) continue;
      if (left[zeros] != '\x1f') throw input_.damaged("gzip", "other bytes follow its end");
      start();
      return true;
    }
    return false;
  }

  Input input_;
  std::unique_ptr<inflate_state> state_;
};

class ZstdReader final : public Decompressor {
 public:
  explicit ZstdReader(Input input) : input_(std::move(input)), context_(ZSTD_createDCtx()) {
    if (!context_) throw machine_error("out of memory in zstd");
  }

  std::size_t read(std::span<char> into) override {
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    while (out.pos < out.size) {
      const std::string_view left = input_.peek();
      ZSTD_inBuffer in{left.data(), left.size(), 0};
      if (left.empty() && between_frames_) break;
      const std::size_t before = out.pos;
      const std::size_t result = ZSTD_decompressStream(context_.get(), &out, &in);
      if (ZSTD_isError(result)) throw input_.damaged("zstd", ZSTD_getErrorName(result));
      between_frames_ = result == 0;
      input_.take(in.pos);
      if (left.empty() && out.pos == before && !between_frames_) throw input_.truncated("zstd");
    }
    return out.pos;
  }
  std::string kind() const override { return "zstd"; }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  Input input_;
  std::unique_ptr<ZSTD_DCtx, Free> context_;
  bool between_frames_ = true;
};

}  // namespace

std::unique_ptr<Decompressor> make_decompressor(Decompressor::Source source, std::string name) {
  Input input(std::move(source), std::move(name));
  if (input.starts_with("\x1f\x8b")) return std::make_unique<GzipReader>(std::move(input));
  if (input.starts_with("\x28\xb5\x2f\xfd")) return std::make_unique<ZstdReader>(std::move(input));
  return std::make_unique<PlainReader>(std::move(input));
}

}  // namespace smtrain::formats
