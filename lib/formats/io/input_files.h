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

/// Whether the files of a folder or glob that hold no byte count. Where a file is a part of the records it is a part without any;
/// where each file is a record, it is a damaged one.
enum class EmptyFiles { left_out, kept };

/// Expands a PATH. Folders: regular files, recursive, byte-wise path order, names that begin with "." or "_" left out, and so are
/// empty files unless they are to be kept. Globs (*, ?, [..]) likewise sorted; a path that exists is taken as it is, whatever
/// characters it has. Throws a user Error when nothing is there (nearest existing name suggested), a folder holds no file, or a
/// file cannot be read.
std::vector<InputFile> expand_path(const std::string& path, EmptyFiles empty = EmptyFiles::left_out);

/// The same, but a folder or glob may hold no file.
std::vector<InputFile> expand_path_if_any(const std::string& path, EmptyFiles empty = EmptyFiles::left_out);

}  // namespace smtrain::formats
