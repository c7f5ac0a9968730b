// Table inputs of a run: from a path as typed to an open stream.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "formats/table_stream.h"

namespace smtrain::run {

struct TableInput {
  std::string path;
  std::optional<std::string> content_type;  ///< as given; else by suffix, then by content
  bool pipe_mode = false;
  bool record_wrapper = false;              ///< in pipe mode: each object is the payload of a RecordIO record
  bool supervised = false;
  std::size_t feature_dim = 0;
  bool missing_values = false;              ///< features may be missing: formats::Missing::features
  bool guess_delimiter = false;
  bool csv_weights = false;
  std::size_t mini_batch_size = 5000;
  std::int64_t epochs = 1;
  formats::TableCursor start;
  formats::RankShare share;                 ///< of several processes
  int threads = 1;
  std::uint64_t memory_limit = 0;           ///< of the whole run, in bytes
};

/// Opens the stream; blocks, pieces and cache are sized so that the run stays within the memory limit.
std::unique_ptr<formats::TableStream> open_table_input(const TableInput& input, Log& log);

/// Says what is waited for when standard input is a terminal (HPC users pipe; a forgotten redirect should not look hung).
void announce_terminal_input(const std::string& path, Log& log);

}  // namespace smtrain::run
