// What a PATH means: a file, a folder (all its files, sorted), a glob, "-" (standard input), a FIFO or a file:// URI.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace smtrain::formats {

/// One file to read. `rewindable` says that it can be opened again and gives the same bytes.
struct InputFile {
  std::string path;   ///< as opened; "-" is standard input
  std::string name;   ///< as the user knows it, for messages
  bool rewindable = true;
  std::optional<std::uint64_t> size;  ///< bytes on disk, for regular files
  bool wrapped = false;     ///< objects come as the payloads of RecordIO records (recordio/unwrap.h)
};

/// Expands a PATH. Folders: regular files, recursive, byte-wise path order, names that begin with "." or "_" and empty files
/// left out. Globs (*, ?, [..]) likewise sorted; a path that exists is taken as it is, whatever characters it has.
/// Throws a user Error when nothing is there (nearest existing name suggested), a folder holds no file, or a file cannot be
/// read.
std::vector<InputFile> expand_path(const std::string& path);

/// The same, but a folder or glob may hold no file.
std::vector<InputFile> expand_path_if_any(const std::string& path);

}  // namespace smtrain::formats
