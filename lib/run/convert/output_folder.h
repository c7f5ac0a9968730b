// A folder of files as an output that appears whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace smtrain::run {

/// Filled beside its place under a name of its own, synced, and renamed by commit(); without that it leaves nothing behind. What
/// a folder holds already is somebody's: one that is not empty is refused.
class OutputFolder {
 public:
  explicit OutputFolder(const std::string& path);
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;
  ~OutputFolder();

  /// Writes a file below it, and the folders above that. Throws a user Error for a name that leads out, or that is there already;
  /// a machine Error when the disk is full and the like. Thread-safe.
  void write(const std::string& name, std::string_view bytes);
  void commit();

  friend void commit_together(const std::vector<OutputFolder*>& folders);
  std::uint64_t files() const { return files_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  void make_folder(const std::filesystem::path& folder);
  void sync() const;
  void rename();

  std::string name_;               // as the user knows it
  std::filesystem::path target_, temporary_;
  std::mutex mutex_;
  std::set<std::string> folders_;  // made so far
  std::uint64_t files_ = 0, bytes_ = 0;
  bool committed_ = false;
};

/// Commits all or none: what has its name loses it again when another cannot have its own.
void commit_together(const std::vector<OutputFolder*>& folders);

/// One document as a file, whole or not at all, compressed where the name ends in .gz or .zst; "-" is standard output.
void write_document(const std::string& path, std::string_view text);

}  // namespace smtrain::run
