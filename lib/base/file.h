// Files: owned descriptors, whole-or-absent outputs, identity of paths.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace smtrain {

/// An owned file descriptor.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release();
  void reset();

 private:
  int fd_ = -1;
};

/// Opens for reading; the error names the path and the cause, and asks "did you mean" nothing. A FIFO opens at once, before
/// its writer does: read it with read_fully(), which waits for the writer (a plain read() would see an end of file).
UniqueFd open_for_reading(const std::filesystem::path& path);

/// Reads up to `into.size()` bytes, fewer only at the end of the file; retries EINTR and short reads.
/// `name` is for the message. A stop request (base/signals.h) ends a blocked read with the matching Error.
/// `cancelled`, set from another thread, ends it within 0.1 s as the end of the file would.
std::size_t read_fully(int fd, std::span<char> into, std::string_view name, const std::atomic<bool>* cancelled = nullptr);

/// The whole file as text; refuses files over `limit` bytes (the user's fault).
std::string read_file(const std::filesystem::path& path, std::size_t limit = std::size_t{1} << 30);

/// True when both name one existing file: same path, hard link or symbolic link.
bool same_file(const std::filesystem::path& a, const std::filesystem::path& b);

/// An output that appears whole or not at all: written beside its target under a name no other process uses, synced,
/// renamed. Destroyed without commit(), it leaves nothing behind and the old file as it was. "-" writes to standard output.
/// A target that exists and is no regular file (a FIFO, /dev/null, /dev/stdout) is written to directly.
/// umask is obeyed. Errors name the target and the cause. Not thread-safe. The temporary's name is
/// ".<target>.tmp-<pid>-<random><temporary_suffix>", cut where a folder's entry may not be as long.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path target, std::string_view temporary_suffix = {});
  AtomicFile(AtomicFile&&) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  void write(std::span<const char> bytes);
  void write(std::string_view text) { write(std::span<const char>(text.data(), text.size())); }
  void write(const char* text) { write(std::string_view(text)); }
  void write(const std::string& text) { write(std::string_view(text)); }
  /// Writes at an offset, for writers that fill blocks in parallel; thread-safe. Regular targets only.
  void write_at(std::uint64_t offset, std::span<const char> bytes);
  bool seekable() const { return !temporary_.empty(); }
  /// Bytes written by write().
  std::uint64_t size() const { return size_; }
  /// Syncs and closes, under the temporary name still; nothing may be written after it.
  void finish();
  /// Finishes, where that is not done, and renames.
  void commit();

 private:
  friend class Renames;
  void settle();  // has its name
  void fail(int error_number) const;
  std::filesystem::path target_;
  std::filesystem::path file_;       // absolute, symbolic links followed
  std::filesystem::path temporary_;  // empty: written directly
  UniqueFd fd_;
  std::uint64_t size_ = 0;
  bool finished_ = false, committed_ = false;
};

/// Commits all or none: every file is finished before the first gets its name. Where one cannot get it, the others lose theirs,
/// and what stood there before is there again. Files that are written directly cannot be taken back.
void commit_together(std::span<AtomicFile* const> files);

/// What a second interrupt finds and removes.
enum class Leftover {
  file,
  empty_folder,  ///< a folder that was made, when nothing is in it
  folder,        ///< a temporary folder with all that is in it
};

/// Makes a path known to remove_temporaries(). AtomicFiles do so by themselves.
void remember_leftover(const std::filesystem::path& path, Leftover kind);
void forget_leftover(const std::filesystem::path& path);

/// Removes what is remembered; called by the handler of a second interrupt. Async-signal-safe.
void remove_temporaries();
/// Whether commit_together() is giving names, which takes no time and is not to be left half done. Async-signal-safe.
bool files_get_names();

/// An unlinked scratch file in TMPDIR (or /tmp), gone when closed.
UniqueFd open_scratch_file();

}  // namespace smtrain
