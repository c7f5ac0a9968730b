#include "formats/recordio/unwrap.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "formats/content_type.h"
#include "formats/recordio/framing.h"

namespace smtrain::formats::recordio {
namespace {

constexpr std::size_t kHead = 8;
constexpr std::size_t kLook = 4096;  // bytes that tell what the payloads are
constexpr std::string_view kMagicBytes("\x0A\x23\xD7\xCE", 4);

std::uint32_t word_at(const char* p) {
  const auto* b = reinterpret_cast<const unsigned char*>(p);
  return std::uint32_t{b[0]} | std::uint32_t{b[1]} << 8 | std::uint32_t{b[2]} << 16 | std::uint32_t{b[3]} << 24;
}

enum class Payload { text, records, other };

/// What the first payload with any byte in it is.
Payload payload_of(std::span<const char> head) {
  for (std::size_t at = 0; at + kHead < head.size(); at += kHead) {
    const std::size_t length = word_at(head.data() + at + 4) & kMaxPayload;
    if (length == 0) continue;
    const auto payload = head.subspan(at + kHead, std::min(length, head.size() - at - kHead));
    if (std::string_view(payload.data(), payload.size()).starts_with(kMagicBytes)) return Payload::records;
    const auto format = format_by_content(payload);
    return format && has_lines(*format) ? Payload::text : Payload::other;
  }
  return Payload::text;
}

/// Bytes of a stream behind those that have been looked at.
class Looked final : public ByteStream {
 public:
  explicit Looked(std::unique_ptr<ByteStream> stream) : stream_(std::move(stream)), head_(kLook, '\0') {
    head_.resize(stream_->read(head_));
  }
  std::span<const char> head() const { return head_; }

  std::size_t read(std::span<char> into) override {
    const std::size_t kept = head_.copy(into.data(), into.size(), at_);
    at_ += kept;
    return kept == into.size() ? kept : kept + stream_->read(into.subspan(kept));
  }
  std::uint64_t consumed() const override { return stream_->consumed(); }
  std::string compression() const override { return stream_->compression(); }
  bool slow() const override { return stream_->slow(); }
  bool can_seek() const override { return false; }
  void seek(std::uint64_t) override { throw internal_error("seek in wrapped records"); }
  void cancel() override { stream_->cancel(); }

 private:
  std::unique_ptr<ByteStream> stream_;
  std::string head_;
  std::size_t at_ = 0;
};

class Unwrapped final : public ByteStream {
 public:
  Unwrapped(std::unique_ptr<Looked> stream, std::string name, bool text)
      : stream_(std::move(stream)), name_(std::move(name)), text_(text) {}

  std::size_t read(std::span<char> into) override {
    std::size_t done = 0;
    while (done < into.size()) {
      if (!inserted_.empty()) {
        done += give(into.subspan(done));
      } else if (left_ > 0) {
        done += read_payload(into.subspan(done, std::min(left_, into.size() - done)));
      } else if (!next_part()) {
        break;
      }
    }
    return done;
  }
  std::uint64_t consumed() const override { return stream_->consumed(); }
  std::string compression() const override { return stream_->compression(); }
  bool slow() const override { return true; }
  bool can_seek() const override { return false; }
  void seek(std::uint64_t) override { throw internal_error("{}: seek in wrapped records", name_); }
  void cancel() override { stream_->cancel(); }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw user_error("{}, byte {} (object {}): {}; records are wrapped (RecordWrapperType RecordIO)", name_, offset_, object_, what);
  }

  std::size_t give(std::span<char> into) {
    const std::size_t n = inserted_.copy(into.data(), into.size());
    inserted_.remove_prefix(n);
    return n;
  }

  std::size_t read_payload(std::span<char> into) {
    const std::size_t got = stream_->read(into);
    offset_ += got;
    if (got < into.size()) fail("the input ends in the middle of a record");
    left_ -= got;
    last_ = into[got - 1];
    return got;
  }

  /// Goes to the next part of a record; false at the end of the input.
  bool next_part() {
    if (open_) return end_part();
    char head[kHead];
    const std::size_t got = stream_->read(head);
    if (got == 0 && !split_) return false;
    if (got < kHead) fail("the input ends in the middle of a record");
    if (std::memcmp(head, kMagicBytes.data(), kMagicBytes.size()) != 0) fail("expected the recordIO magic word 0a 23 d7 ce");
    const std::uint32_t word = word_at(head + 4), flag = word >> 29;
    if (split_ ? flag < 2 || flag > 3 : flag > 1) fail("a continuation flag that does not fit");
    if (split_) inserted_ = kMagicBytes;
    offset_ += kHead;
    split_ = flag == 1 || flag == 2;
    left_ = word & kMaxPayload;
    padding_ = (4 - left_ % 4) % 4;
    open_ = true;
    if (flag < 2) last_ = '\n';  // an empty object needs no newline
    return true;
  }

  bool end_part() {
    char padding[4];
    offset_ += stream_->read(std::span(padding, padding_));  // the last one may lack it
    open_ = false;
    if (split_) return true;
    ++object_;
    if (text_ && last_ != '\n') inserted_ = "\n";
    return true;
  }

  std::unique_ptr<Looked> stream_;
  const std::string name_;
  const bool text_;
  std::string_view inserted_;  // to be given before anything else
  std::size_t left_ = 0, padding_ = 0;
  bool open_ = false;   // in a part, of which left_ bytes are to come
  bool split_ = false;  // the record goes on after this part
  char last_ = '\n';
  std::uint64_t offset_ = 0, object_ = 0;
};

}  // namespace

std::unique_ptr<ByteStream> unwrap(std::unique_ptr<ByteStream> stream, std::string name) {
  auto looked = std::make_unique<Looked>(std::move(stream));
  const Payload payload = payload_of(looked->head());
  if (payload == Payload::other) return looked;
  return std::make_unique<Unwrapped>(std::move(looked), std::move(name), payload == Payload::text);
}

}  // namespace smtrain::formats::recordio
