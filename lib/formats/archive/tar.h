// Tar archives, plain, gzip or zstd: reproducible writing, bounded reading that never touches the file system.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smtrain::formats {

enum class TarCompression { none, gzip, zstd };

/// Members in the given order; owner and group 0, mode 0644, mtime `time`; deterministic bytes. Appends via `sink`.
void write_tar(const std::vector<std::pair<std::string, std::string_view>>& members, TarCompression compression,
               std::int64_t time, const std::function<void(std::string_view)>& sink);

/// All regular members by normalised name ("./a" is "a"). `name` is for messages. Limits: bytes in all, 1000 members, and a
/// decompression ratio that no honest model has is caught by the byte limit. Links, devices, sparse and repeated members,
/// absolute names and ".." are refused with the member's name. Folders are skipped. Checksums of the compression are
/// verified to the end, and an archive without its end mark is refused as cut off. All refusals are user Errors that name
/// the file and, within one, the member; a file that is no tar archive is named for what it seems to be.
std::map<std::string, std::string> read_tar(const std::string& path, std::uint64_t limit);

/// The same from memory.
std::map<std::string, std::string> read_tar_bytes(std::string_view bytes, const std::string& name, std::uint64_t limit);

}  // namespace smtrain::formats
