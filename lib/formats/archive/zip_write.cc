// Written here rather than by libarchive, which gives members the time of day of the process's time zone.
// Layout (APPNOTE.TXT 4.3): per member a local header and its bytes; then the central directory, one header per member, and its end.
#include <algorithm>
#include <limits>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "formats/archive/checksum.h"
#include "formats/archive/member_name.h"
#include "formats/archive/zip.h"

namespace smtrain::formats {
namespace {

constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr std::uint16_t kFirstDay = 0x0021;   // 1980-01-01
constexpr std::uint16_t kUnix = 3 << 8;       // made by
constexpr std::uint32_t kRegular = 0100644u << 16;  // external attributes: the mode
constexpr std::uint64_t kMost32 = std::numeric_limits<std::uint32_t>::max(), kMost16 = std::numeric_limits<std::uint16_t>::max();

template <class T>
void put(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<char>(value >> 8 * i & 0xff));
}

std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value < kMost32 ? value : kMost32); }

struct Entry {
  const std::string& name;
  std::string_view bytes;
  std::uint32_t crc;
  std::uint64_t offset;

  bool large() const { return bytes.size() >= kMost32; }
  std::uint16_t version() const { return large() || offset >= kMost32 ? 45 : 20; }

  /// What both headers have in common, from the version needed to the length of the name.
  void put_common(std::string& out) const {
    put(out, version());
    for (int i = 0; i < 3; ++i) put(out, std::uint16_t{0});  // no flags, stored, midnight
    put(out, kFirstDay);
    put(out, crc);
    for (int i = 0; i < 2; ++i) put(out, low(bytes.size()));  // packed and not
    put(out, static_cast<std::uint16_t>(name.size()));
  }

  /// The zip64 field: the sizes that do not fit, and the offset where a central header asks for it.
  std::string extra(bool central) const {
    std::string sizes, out;
    for (int i = 0; i < 2 && large(); ++i) put(sizes, std::uint64_t{bytes.size()});
    if (central && offset >= kMost32) put(sizes, offset);
    if (sizes.empty()) return out;
    put(out, std::uint16_t{1});
    put(out, static_cast<std::uint16_t>(sizes.size()));
    return out + sizes;
  }

  void put_local(std::string& out) const {
    put(out, kLocal);
    put_common(out);
    const std::string field = extra(false);
    put(out, static_cast<std::uint16_t>(field.size()));
    out += name + field;
  }

  void put_central(std::string& out) const {
    put(out, kCentral);
    put(out, static_cast<std::uint16_t>(kUnix | version()));
    put_common(out);
    const std::string field = extra(true);
    put(out, static_cast<std::uint16_t>(field.size()));
    for (int i = 0; i < 3; ++i) put(out, std::uint16_t{0});  // comment, disk, internal attributes
    put(out, kRegular);
    put(out, low(offset));
    out += name + field;
  }
};

void put_end(std::string& out, std::uint64_t count, std::uint64_t start) {
  const std::uint64_t size = out.size() - start;
  if (count >= kMost16 || start >= kMost32 || size >= kMost32) {
    const std::uint64_t end64 = out.size();
    put(out, kEnd64);
    put(out, std::uint64_t{44});  // what follows of this record
    for (int i = 0; i < 2; ++i) put(out, std::uint16_t{45});
    for (int i = 0; i < 2; ++i) put(out, std::uint32_t{0});  // disks
    for (const std::uint64_t value : {count, count, size, start}) put(out, value);
    put(out, kLocator64);
    put(out, std::uint32_t{0});
    put(out, end64);
    put(out, std::uint32_t{1});
  }
  put(out, kEnd);
  for (int i = 0; i < 2; ++i) put(out, std::uint16_t{0});
  for (int i = 0; i < 2; ++i) put(out, static_cast<std::uint16_t>(count < kMost16 ? count : kMost16));
  put(out, low(size));
  put(out, low(start));
  put(out, std::uint16_t{0});  // comment
}

void check_names(const std::vector<std::pair<std::string, std::string_view>>& members) {
  std::set<std::string_view> seen;
  for (const auto& [name, bytes] : members) {
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < '\x7f'; });
    if (member_name(name) != name || name.empty() || !plain || name.size() > kMost16 || !seen.insert(name).second)
      throw internal_error("{} cannot be the name of a zip archive's member", smtrain::quoted(name));
  }
}

}  // namespace

std::string write_zip(const std::vector<std::pair<std::string, std::string_view>>& members) {
  check_names(members);
  std::string out;
  std::uint64_t size = 1024;
  for (const auto& [name, bytes] : members) size += bytes.size() + 2 * name.size() + 160;
  out.reserve(size);
  std::vector<Entry> entries;
  for (const auto& [name, bytes] : members) {
    entries.push_back({name, bytes, crc32(bytes), out.size()});
    entries.back().put_local(out);
    out += bytes;
  }
  const std::uint64_t start = out.size();
  for (const Entry& entry : entries) entry.put_central(out);
  put_end(out, entries.size(), start);
  return out;
}

}  // namespace smtrain::formats
