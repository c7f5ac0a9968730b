#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "formats/archive/member_name.h"
#include "formats/archive/signature.h"
#include "formats/archive/tar.h"
#include "formats/io/byte_stream.h"

namespace smtrain::formats {
namespace {

using Members = std::map<std::string, std::string>;

constexpr std::size_t kBuffer = std::size_t{256} << 10;
constexpr std::size_t kBlock = 512;  // tar's block: a header, the unit of padding
constexpr std::size_t kMembers = 1000;
constexpr std::uint64_t kHeaders = std::uint64_t{16} << 20;  // headers, padding and folders beside the members' own bytes
constexpr std::uint64_t kTrustedSize = std::uint64_t{16} << 20;  // a declared size that is allocated before it is seen

/// What libarchive reads from: decompressed bytes, counted against the limit.
struct Stream {
  std::unique_ptr<ByteStream> bytes;
  std::string name;
  std::uint64_t limit;  // of the members' bytes
  std::vector<char> buffer = std::vector<char>(kBuffer);
  std::string head;  // the first block, to say what the file is
  std::uint64_t size = 0;
  std::exception_ptr failure;  // carried around libarchive's frames

  std::size_t next() {
    const std::size_t n = bytes->read(buffer);
    if (size == 0) head.assign(buffer.data(), std::min(n, kBlock));
    size += n;
    if (size > limit && size - limit > kHeaders) throw over_limit();
    return n;
  }
  [[nodiscard]] Error over_limit() const {
    return user_error("{}: holds more than the limit of {}", name, format_bytes(limit));
  }
};

la_ssize_t read_block(archive*, void* data, const void** bytes) {
  Stream& stream = *static_cast<Stream*>(data);
  *bytes = stream.buffer.data();
  try {
    return static_cast<la_ssize_t>(stream.next());
  } catch (...) {
    stream.failure = std::current_exception();
    return -1;
  }
}

std::string_view kind_of(archive_entry* entry) {
  if (archive_entry_hardlink(entry) != nullptr) return "a hard link";
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG: return archive_entry_sparse_count(entry) > 0 ? "a sparse file" : "";
    case AE_IFDIR: return "";
    case AE_IFLNK: return "a symbolic link";
    case AE_IFCHR:
    case AE_IFBLK: return "a device";
    case AE_IFIFO: return "a FIFO";
    default: return "of an unknown kind";
  }
}

class TarReader {
 public:
  /// `trusted_size`: how much of a declared size may be allocated before the bytes are seen.
  TarReader(Stream stream, std::uint64_t trusted_size)
      : stream_(std::move(stream)), trusted_size_(trusted_size), archive_(archive_read_new()) {
    if (!archive_) throw machine_error("out of memory in libarchive");
    check(archive_read_support_format_tar(archive_.get()));
    open();
  }

  Members read() {
    archive_entry* entry = nullptr;
    for (std::size_t entries = 0; next(&entry); ++entries) {
      if (entries == kMembers) throw user_error("{}: holds more than {} members", stream_.name, kMembers);
      add(entry);
    }
    finish();
    return std::move(members_);
  }

 private:
  /// Looks at the first block.
  void open() {
    const int result = archive_read_open(archive_.get(), &stream_, nullptr, read_block, nullptr);
    if (result != ARCHIVE_OK && !stream_.failure) throw no_tar();
    check(result);
  }

  bool next(archive_entry** entry) {
    const int result = archive_read_next_header(archive_.get(), entry);
    if (result == ARCHIVE_EOF) return false;
    // A warning is a name that the locale cannot show; it is shown as bytes.
    if (result != ARCHIVE_WARN) check(result);
    return true;
  }

  void add(archive_entry* entry) {
    const char* raw = archive_entry_pathname(entry);
    if (raw == nullptr) raw = archive_entry_pathname_utf8(entry);
    if (raw == nullptr) throw user_error("{}: a member's name is not valid text", stream_.name);
    member_ = raw;
    const std::optional<std::string> name = formats::member_name(member_);
    if (!name) throw refused("leads out of the archive");
    if (const std::string_view kind = kind_of(entry); !kind.empty()) throw refused(fmt::format("is {}", kind));
    if (archive_entry_filetype(entry) == AE_IFDIR) return;
    if (name->empty()) throw refused("has no name");
    const auto [place, is_new] = members_.try_emplace(*name);
    if (!is_new) throw refused("is there twice");
    read_data(static_cast<std::uint64_t>(std::max<la_int64_t>(archive_entry_size(entry), 0)), place->second);
    member_.clear();
  }

  void read_data(std::uint64_t size, std::string& into) {
    if (size > stream_.limit - bytes_) throw stream_.over_limit();
    bytes_ += size;
    into.reserve(std::min(size, trusted_size_));
    while (into.size() < size) {
      const void* data = nullptr;
      std::size_t n = 0;
      la_int64_t offset = 0;
      const int result = archive_read_data_block(archive_.get(), &data, &n, &offset);
      if (result == ARCHIVE_EOF) throw refused("is cut off");
      check(result);
      if (static_cast<std::uint64_t>(offset) != into.size() || n > size - into.size()) throw refused("is damaged");
      into.append(static_cast<const char*>(data), n);
    }
  }

  /// libarchive takes the end of the bytes for the end of the archive; a file that was cut between two members looks so.
  void finish() {
    const auto end = static_cast<std::uint64_t>(archive_read_header_position(archive_.get()));
    while (stream_.next() > 0) {
    }
    if (end + kBlock > stream_.size) throw user_error("{}: the tar archive is cut off, its end mark is missing", stream_.name);
  }

  [[nodiscard]] Error no_tar() const {
    if (stream_.size == 0) return user_error("{}: is empty; expected a tar archive", stream_.name);
    const std::string kind = stream_.bytes->compression();
    const std::string what = describe_signature(stream_.head);
    return user_error("{}: {}{}, not a tar archive; expected .tar, .tar.gz or .tar.zst{}", stream_.name,
                      kind.empty() ? "" : kind + " data, and in it ", what.empty() ? "unknown bytes" : what,
                      hint_of_signature(stream_.head));
  }

  [[nodiscard]] Error refused(std::string_view why) const {
    return user_error("{}: member {} {}", stream_.name, smtrain::quoted(member_), why);
  }

  void check(int result) {
    if (stream_.failure) rethrow_with_member();
    if (result == ARCHIVE_OK) return;
    const char* text = archive_error_string(archive_.get());
    const std::string why = to_lower(text != nullptr ? text : "unknown fault");
    if (member_.empty()) throw user_error("{}: the tar archive is damaged: {}", stream_.name, why);
    throw refused(fmt::format("cannot be read: {}", why));
  }

  void rethrow_with_member() const {
    try {
      std::rethrow_exception(stream_.failure);
    } catch (const Error& error) {
      if (member_.empty() || error.fault() != Fault::user) throw;
      throw user_error("{}; in member {}", error.what(), smtrain::quoted(member_));
    }
  }

  struct Free {
    void operator()(archive* a) const { archive_read_free(a); }
  };
  Stream stream_;
  std::uint64_t trusted_size_;
  std::string member_;  // being read
  std::uint64_t bytes_ = 0;
  Members members_;
  std::unique_ptr<archive, Free> archive_;
};

Members read_stream(std::unique_ptr<ByteStream> bytes, const std::string& name, std::uint64_t size, std::uint64_t limit) {
  Stream stream{.bytes = std::move(bytes), .name = name, .limit = limit, .head = {}, .failure = {}};
  // Random floats shrink to 0.92, sparse ones to a fifth; what shrinks more grows as it comes.
  return TarReader(std::move(stream), std::max(kTrustedSize, 4 * size)).read();
}

}  // namespace

Members read_tar(const std::string& path, std::uint64_t limit) {
  std::error_code none;
  const std::uintmax_t size = std::filesystem::file_size(path, none);
  return read_stream(open_bytes({.path = path, .name = path, .size = {}}), path, none ? 0 : size, limit);
}

Members read_tar_bytes(std::string_view bytes, const std::string& name, std::uint64_t limit) {
  return read_stream(open_bytes_in_memory(bytes, name), name, bytes.size(), limit);
}

}  // namespace smtrain::formats
