#include "run/table_input.h"

#include <unistd.h>

#include <algorithm>

#include "run/input_type.h"

namespace smtrain::run {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

// What the run needs beside cached rows: raw blocks, parsed rows not yet used, centres, the program.
std::uint64_t reserve(std::uint64_t limit) { return std::max(256 * kMiB, limit / 4); }

// The type by name, or by a look at a file that can be opened again; a stream without a telling name is guessed when it is read.
std::optional<formats::ContentType> guessable_type(const TableInput& input) {
  if (input.pipe_mode) return type_by_suffix(input.path);
  const std::vector<formats::InputFile> files = formats::expand_path_if_any(input.path);
  if (files.empty()) return std::nullopt;  // said, where it is wrong, when the stream is opened
  if (const auto type = type_by_suffix(files.front().path)) return type;
  if (!files.front().rewindable) return std::nullopt;
  return input_type(std::nullopt, files);
}

}  // namespace

std::unique_ptr<formats::TableStream> open_table_input(const TableInput& input, Log& log) {
  formats::TableStreamOptions options;
  options.table.feature_dim = input.feature_dim;
  options.table.supervised = input.supervised;
  options.table.missing = input.missing_values ? formats::Missing::features : formats::Missing::refused;
  options.table.guess_delimiter = input.guess_delimiter;
  options.table.csv_weights = input.csv_weights;
  options.record_wrapper = input.record_wrapper;
  options.mini_batch_size = input.mini_batch_size;
  options.epochs = input.epochs;
  options.start = input.start;
  options.share = input.share;
  options.threads = input.threads;
  options.cache_bytes = input.memory_limit > reserve(input.memory_limit) ? input.memory_limit - reserve(input.memory_limit) : 0;
  options.block_bytes = static_cast<std::size_t>(std::clamp<std::uint64_t>(64 * kMiB / static_cast<std::uint64_t>(input.threads), kMiB, 4 * kMiB));
  options.piece_bytes = std::clamp<std::uint64_t>(input.memory_limit / 16, 4 * kMiB, 64 * kMiB);
  announce_terminal_input(input.path, log);
  if (input.content_type) {
    options.table.type = formats::parse_content_type(*input.content_type);
  } else if (const auto type = guessable_type(input)) {
    options.table.type = *type;
  } else {
    options.guess_format = true;
  }
  return formats::open_table_stream(input.path, input.pipe_mode, options, log);
}

void announce_terminal_input(const std::string& path, Log& log) {
  if (path == "-" && ::isatty(STDIN_FILENO) != 0) {
    log.warning("reading records from standard input, which is a terminal: type or paste them, then press Ctrl-D; or redirect a file");
  }
}

}  // namespace smtrain::run
