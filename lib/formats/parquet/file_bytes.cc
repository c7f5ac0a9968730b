#include "formats/parquet/file_bytes.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "formats/content_type.h"

namespace smtrain::formats::parquet {
namespace {

constexpr std::string_view kMagic = "PAR1", kEncrypted = "PARE";
constexpr std::size_t kStep = std::size_t{1} << 20;

class StreamBytes final : public FileBytes {
 public:
  StreamBytes(ByteStream& stream, std::uint64_t size) : stream_(stream), size_(size) {}
  std::uint64_t size() const override { return size_; }
  void read(std::uint64_t offset, std::span<char> into) override {
    if (offset != at_) stream_.seek(offset);
    at_ = offset + into.size();
    if (stream_.read(into) != into.size()) throw user_error("the file has become shorter while it was read");
  }

 private:
  ByteStream& stream_;
  const std::uint64_t size_;
  std::uint64_t at_ = ~std::uint64_t{0};
};

class MemoryBytes final : public FileBytes {
 public:
  explicit MemoryBytes(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  void read(std::uint64_t offset, std::span<char> into) override {
    if (offset > bytes_.size() || into.size() > bytes_.size() - offset)
      throw internal_error("Parquet: {} bytes at {} of {}", into.size(), offset, bytes_.size());
    std::copy_n(bytes_.data() + offset, into.size(), into.data());
  }

 private:
  const std::string bytes_;
};

std::uint32_t load32(const char* p) {
  std::uint32_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

void refuse_encrypted(std::string_view magic) {
  if (magic == kEncrypted) throw user_error("the file is encrypted; write it without encryption");
}

}  // namespace

std::string FileBytes::read(std::uint64_t offset, std::size_t bytes) {
  std::string text(bytes, '\0');
  read(offset, std::span<char>(text));
  return text;
}

std::unique_ptr<FileBytes> file_bytes(ByteStream& stream, std::uint64_t size) {
  return std::make_unique<StreamBytes>(stream, size);
}

std::unique_ptr<FileBytes> file_bytes(std::string bytes) { return std::make_unique<MemoryBytes>(std::move(bytes)); }

FileMetadata read_footer(FileBytes& file) {
  constexpr std::size_t kTail = 8;
  const std::uint64_t size = file.size();
  const std::string head = file.read(0, static_cast<std::size_t>(std::min<std::uint64_t>(size, 4)));
  refuse_encrypted(head);
  if (head != kMagic) throw user_error("is no Parquet file: it looks like {}", describe_content(head));
  if (size < 4 + kTail) throw user_error("the Parquet file ends after {} bytes; it is truncated, copy it again", size);
  const std::string tail = file.read(size - kTail, kTail);
  refuse_encrypted(std::string_view(tail).substr(4));
  if (std::string_view(tail).substr(4) != kMagic) {
    throw user_error(
        "the Parquet file does not end with PAR1, so its footer is missing; it is truncated or not written to its end");
  }
  const std::uint64_t footer = load32(tail.data());
  if (footer > size - 4 - kTail)
    throw user_error("the Parquet file is damaged: a footer of {} bytes in a file of {}", footer, size);
  return read_file_metadata(file.read(size - kTail - footer, static_cast<std::size_t>(footer)));
}

// Where the first file in bytes_ ends; 0: not within them. What looks like an end is one when a footer stands before it.
std::size_t FileCutter::end_of_file() {
  const std::string_view bytes = bytes_;
  for (std::size_t at = std::max<std::size_t>(searched_, 8); (at = bytes.find(kMagic, at)) != std::string_view::npos; ++at) {
    const std::size_t footer = load32(bytes.data() + at - 4);
    if (footer == 0 || footer + 8 > at) continue;
    try {
      std::size_t used = 0;
      const FileMetadata file = read_file_metadata(std::span(bytes_).subspan(at - 4 - footer, footer), &used);
      if (used == footer && !file.schema.empty()) return at + 4;
    } catch (const Error&) {
      // Data that happen to hold the magic word.
    }
  }
  searched_ = bytes.size() - std::min<std::size_t>(bytes.size(), 3);
  return 0;
}

std::unique_ptr<FileBytes> FileCutter::next() {
  for (std::size_t end = 0;;) {
    if (bytes_.size() >= 4 && !bytes_.starts_with(kMagic)) {
      refuse_encrypted(std::string_view(bytes_).substr(0, 4));
      if (any_) throw user_error("something else follows the Parquet file; expected the end of the data or another one");
      throw user_error("is no Parquet: it looks like {}", describe_content(bytes_));
    }
    if ((end = end_of_file()) != 0) {
      std::string file = bytes_.substr(0, end);
      bytes_.erase(0, end);
      searched_ = 0;
      any_ = true;
      return file_bytes(std::move(file));
    }
    if (at_end_) break;
    if (bytes_.size() >= kLargest) {
      throw user_error(
          "a Parquet file of more than {} GiB in a pipe or compressed; its footer is needed first, so it must be a file that "
          "can be read at any place",
          kLargest >> 30);
    }
    const std::size_t have = bytes_.size();
    bytes_.resize(have + kStep);
    const std::size_t got = stream_.read(std::span(bytes_).subspan(have));
    bytes_.resize(have + got);
    at_end_ = got < kStep;
  }
  if (bytes_.empty()) return nullptr;
  throw user_error("the Parquet file does not end with a footer and PAR1; it is truncated or not written to its end");
}

}  // namespace smtrain::formats::parquet
