#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "formats/archive/member_name.h"
#include "formats/archive/signature.h"
#include "formats/archive/zip.h"

namespace smtrain::formats {
namespace {

using Members = std::map<std::string, std::string>;

constexpr std::string_view kMagic("PK\x03\x04", 4);
constexpr std::size_t kMembers = 1000;
constexpr std::size_t kHead = 512, kBlock = std::size_t{1} << 20;
constexpr std::uint64_t kTrustedSize = std::uint64_t{16} << 20;  // a declared size that is allocated before it is seen

class ZipReader {
 public:
  ZipReader(std::string_view bytes, const std::string& name, std::uint64_t limit)
      : bytes_(bytes), name_(name), limit_(limit), archive_(archive_read_new()) {
    if (!archive_) throw machine_error("out of memory in libarchive");
    // By the central directory, as zip is meant to be read: what stands between the members then does not matter.
    check(archive_read_support_format_zip_seekable(archive_.get()));
    // In blocks, since it takes the checksum of what it is given at once with a 32-bit count of bytes.
    if (archive_read_open_memory2(archive_.get(), bytes.data(), bytes.size(), kBlock) != ARCHIVE_OK) throw no_zip();
  }

  Members read() {
    archive_entry* entry = nullptr;
    for (std::size_t entries = 0; next(&entry); ++entries) {
      if (entries == kMembers) throw user_error("{}: holds more than {} members", name_, kMembers);
      add(entry);
    }
    return std::move(members_);
  }

 private:
  bool next(archive_entry** entry) {
    member_.clear();
    const int result = archive_read_next_header(archive_.get(), entry);
    if (result == ARCHIVE_EOF) return false;
    // A warning is a name that the locale cannot show; it is shown as bytes.
    if (result != ARCHIVE_WARN) check(result);
    return true;
  }

  void add(archive_entry* entry) {
    const char* raw = archive_entry_pathname(entry);
    if (raw == nullptr) raw = archive_entry_pathname_utf8(entry);
    if (raw == nullptr) throw user_error("{}: a member's name is not valid text", name_);
    member_ = raw;
    const std::optional<std::string> name = formats::member_name(member_);
    if (!name) throw refused("leads out of the archive");
    if (archive_entry_filetype(entry) == AE_IFDIR) return;
    if (archive_entry_filetype(entry) != AE_IFREG) throw refused("is no regular file");
    if (archive_entry_is_encrypted(entry) != 0) throw refused("is encrypted; pack it without a password");
    if (name->empty()) throw refused("has no name");
    const auto [place, is_new] = members_.try_emplace(*name);
    if (!is_new) throw refused("is there twice");
    const std::uint64_t declared = archive_entry_size_is_set(entry) != 0 ? static_cast<std::uint64_t>(archive_entry_size(entry)) : 0;
    if (declared > limit_ - total_) throw over_limit();
    place->second.reserve(std::min(declared, kTrustedSize));
    read_data(place->second);
  }

  void read_data(std::string& into) {
    const void* data = nullptr;
    std::size_t n = 0;
    la_int64_t offset = 0;
    for (;;) {
      const int result = archive_read_data_block(archive_.get(), &data, &n, &offset);
      if (result == ARCHIVE_EOF) return;
      check(result);
      if (static_cast<std::uint64_t>(offset) != into.size()) throw refused("is damaged");
      if (n > limit_ - total_) throw over_limit();
      total_ += n;
      into.append(static_cast<const char*>(data), n);
    }
  }

  [[nodiscard]] Error no_zip() const {
    const std::string what = describe_signature(bytes_.substr(0, kHead));
    return user_error("{}: {}; expected a zip archive", name_,
                      bytes_.empty() ? "is empty" : is_zip(bytes_) ? "the zip archive is cut off" : what.empty() ? "unknown bytes" : what);
  }
  [[nodiscard]] Error over_limit() const { return user_error("{}: holds more than the limit of {}", name_, format_bytes(limit_)); }
  [[nodiscard]] Error refused(std::string_view why) const {
    return user_error("{}: member {} {}", name_, smtrain::quoted(member_), why);
  }

  void check(int result) const {
    if (result == ARCHIVE_OK) return;
    const char* text = archive_error_string(archive_.get());
    const std::string why = to_lower(text != nullptr ? text : "unknown fault");
    if (member_.empty()) throw user_error("{}: the zip archive is damaged: {}", name_, why);
    throw refused(fmt::format("cannot be read: {}", why));
  }

  struct Free {
    void operator()(archive* a) const { archive_read_free(a); }
  };
  std::string_view bytes_;
  const std::string& name_;
  std::uint64_t limit_, total_ = 0;
  std::string member_;  // being read
  Members members_;
  std::unique_ptr<archive, Free> archive_;
};

}  // namespace

bool is_zip(std::string_view bytes) { return bytes.starts_with(kMagic); }

Members read_zip(std::string_view bytes, const std::string& name, std::uint64_t limit) { return ZipReader(bytes, name, limit).read(); }

}  // namespace smtrain::formats
