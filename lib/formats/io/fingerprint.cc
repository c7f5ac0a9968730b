#include "formats/io/fingerprint.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "base/error.h"
#include "base/file.h"
#include "base/system_error.h"

namespace smtrain::formats {
namespace {

constexpr std::size_t kSamples = 16, kSampleBytes = 4096, kSampledFiles = 256, kHeadBytes = std::size_t{64} << 10;

// FNV-1a, 64 bits: enough to notice a change; nobody gains by forging one.
class Hash {
 public:
  void add(std::span<const char> bytes) {
    for (const char c : bytes) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  void add(std::uint64_t number) {
    char bytes[8];
    for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(number >> (8 * i));
    add(std::span<const char>(bytes, 8));
  }
  std::string text() const { return fmt::format("{:016x}", state_); }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325;
};

void add_samples(const InputFile& file, std::uint64_t size, Hash& hash) {
  const UniqueFd fd = open_for_reading(file.path);
  char bytes[kSampleBytes];
  const std::uint64_t last = size - std::min<std::uint64_t>(size, kSampleBytes);
  std::uint64_t behind = 0;  // of the sample before; small files are read once, not many times
  for (std::size_t i = 0; i < kSamples; ++i) {
    const std::uint64_t offset = last / (kSamples - 1) * i + last % (kSamples - 1) * i / (kSamples - 1);
    if (i > 0 && offset < behind && offset != last) continue;
    const ssize_t got = ::pread(fd.get(), bytes, kSampleBytes, static_cast<off_t>(offset));
    if (got < 0) throw system_error(errno, "{}", file.name);
    hash.add(std::span<const char>(bytes, static_cast<std::size_t>(got)));
    behind = offset + kSampleBytes;
  }
}

}  // namespace

std::string fingerprint_of(const std::vector<InputFile>& files) {
  Hash hash;
  std::uint64_t bytes = 0;
  const std::size_t stride = std::max<std::size_t>((files.size() + kSampledFiles - 1) / kSampledFiles, 1);
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!files[i].rewindable || !files[i].size) return "";
    bytes += *files[i].size;
    hash.add(*files[i].size);
    if (i % stride == 0) add_samples(files[i], *files[i].size, hash);
  }
  return fmt::format("{} file{}, {} bytes, sample {}", files.size(), files.size() == 1 ? "" : "s", bytes, hash.text());
}

std::string fingerprint_of_head(std::span<const char> head) {
  Hash hash;
  hash.add(head.first(std::min(head.size(), kHeadBytes)));
  return fmt::format("stream, head {}", hash.text());
}

}  // namespace smtrain::formats
