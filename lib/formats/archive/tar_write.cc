#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <exception>
#include <memory>

#include "base/error.h"
#include "formats/archive/compress.h"
#include "formats/archive/tar.h"

namespace smtrain::formats {
namespace {

constexpr int kRecord = 10240;              // tar's own unit, to which the end is padded
constexpr int kBlockBytes = 100 * kRecord;  // what is handed on at once

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 128; });
}

struct Output {
  std::unique_ptr<Compressor> compressor;
  std::exception_ptr failure;  // carried around libarchive's frames
};

la_ssize_t write_block(archive*, void* data, const void* bytes, std::size_t size) {
  Output& output = *static_cast<Output*>(data);
  if (output.failure) return -1;
  try {
    output.compressor->write({static_cast<const char*>(bytes), size});
    return static_cast<la_ssize_t>(size);
  } catch (...) {
    output.failure = std::current_exception();
    return -1;
  }
}

// A writer that is given up must not write its end mark.
struct GiveUp {
  void operator()(archive* a) const {
    archive_write_fail(a);
    archive_write_free(a);
  }
};
struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

class TarWriter {
 public:
  /// `raw_names`: names are stored as bytes, in extended headers, so that they do not depend on the locale.
  TarWriter(TarCompression compression, const Compressor::Sink& sink, bool raw_names)
      : output_{make_compressor(compression, sink), nullptr}, archive_(archive_write_new()) {
    if (!archive_) throw machine_error("out of memory in libarchive");
    archive* a = archive_.get();
    check(archive_write_set_format_pax_restricted(a));
    if (raw_names) check(archive_write_set_format_option(a, "pax", "hdrcharset", "BINARY"));
    check(archive_write_set_bytes_per_block(a, kBlockBytes));
    check(archive_write_set_bytes_in_last_block(a, kRecord));
    check(archive_write_open(a, &output_, nullptr, write_block, nullptr));
  }

  void add(const std::string& name, std::string_view bytes, std::int64_t time) {
    const std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
    if (!entry) throw machine_error("out of memory in libarchive");
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
    archive_entry_set_mtime(entry.get(), time, 0);
    check(archive_write_header(archive_.get(), entry.get()));
    while (!bytes.empty()) {
      const la_ssize_t n = archive_write_data(archive_.get(), bytes.data(), bytes.size());
      if (n <= 0) check(ARCHIVE_FATAL);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  void finish() {
    check(archive_write_close(archive_.get()));
    output_.compressor->finish();
  }

 private:
  void check(int result) {
    if (output_.failure) std::rethrow_exception(output_.failure);
    if (result == ARCHIVE_OK) return;
    const char* text = archive_error_string(archive_.get());
    throw internal_error("writing a tar archive: {}", text != nullptr ? text : "unknown fault");
  }

  Output output_;
  std::unique_ptr<archive, GiveUp> archive_;
};

}  // namespace

void write_tar(const std::vector<std::pair<std::string, std::string_view>>& members, TarCompression compression,
               std::int64_t time, const std::function<void(std::string_view)>& sink) {
  const bool raw_names = !std::all_of(members.begin(), members.end(), [](const auto& m) { return is_ascii(m.first); });
  TarWriter writer(compression, sink, raw_names);
  for (const auto& [name, bytes] : members) writer.add(name, bytes, time);
  writer.finish();
}

}  // namespace smtrain::formats
