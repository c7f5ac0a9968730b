// TableStream: the rows of a channel as mini-batches, epoch after epoch, with bounded memory.
//
// A channel's files are cut into blocks of whole records, parsed in parallel by the team of threads, and handed out in file
// order. The parsing threads read (and decompress) in turn; a pipe, which may block, has a read-ahead thread of its own that
// counts towards `threads`. Rows that fit under cache_bytes are kept for later epochs; the rest is read again (files)
// or spooled to scratch (pipes). In pipe mode each epoch reads its own FIFO, PATH_0, PATH_1, ....
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "formats/batch.h"
#include "formats/io/input_files.h"
#include "formats/row_share.h"
#include "formats/table_parser.h"

namespace smtrain::formats {

/// A place between two mini-batches; the same in all processes that share a channel.
struct TableCursor {
  std::int64_t epoch = 0;
  std::uint64_t records = 0;  ///< of that epoch, before this place, of all processes together
};

struct TableStreamOptions {
  TableOptions table;
  bool record_wrapper = false;         ///< a pipe's objects come as the payloads of RecordIO records
  bool guess_format = false;           ///< table.type is found by the first bytes (streams have no name to go by)
  std::size_t mini_batch_size = 1000;
  std::int64_t epochs = 1;             ///< passes in all, those before `start` counted; where one is to come, nothing is kept
  int threads = 1;
  std::uint64_t cache_bytes = 0;       ///< rows kept in memory between epochs
  std::uint64_t piece_bytes = std::uint64_t{64} << 20;  ///< a mini-batch larger than this comes in pieces
  std::size_t block_bytes = std::size_t{4} << 20;       ///< raw bytes parsed at a time by one thread
  /// Where a resumed run goes on, at the cursor() of an earlier stream: records before it are read over. A pipe is read over
  /// from its beginning; in pipe mode the FIFOs of earlier epochs are opened and closed.
  TableCursor start;
  RankShare share;                     ///< of mini_batch_size, which is that of all processes together
};

/// Not thread-safe; batches it has returned stay valid as long as they are held.
class TableStream {
 public:
  virtual ~TableStream() = default;
  /// Known once opened: the first record has been read. A process whose files hold no record has a schema of width 0.
  virtual const TableSchema& schema() const = 0;
  virtual const ContentType& type() const = 0;
  /// The next piece of the current epoch; false at its end. Throws what parsing finds, the first in file order. With
  /// Split::ranges every process gets as many mini-batches, the last perhaps without rows; with the others one may end before
  /// the rest.
  virtual bool next(Batch& batch) = 0;
  /// Goes to the start of the next epoch (the rest of this one is not read).
  virtual void next_epoch() = 0;
  /// Every epoch has the same rows. In pipe mode each has a FIFO of its own.
  virtual bool replays() const = 0;

  /// The place after the batch that was last returned; where a run goes on when that batch completed its mini-batch.
  virtual TableCursor cursor() const = 0;
  virtual std::uint64_t records() const = 0;        ///< delivered in this epoch
  virtual std::uint64_t records_total() const = 0;  ///< delivered in all epochs
  virtual std::uint64_t bytes_consumed() const = 0; ///< of the source files, in this epoch
  virtual std::optional<std::uint64_t> bytes_total() const = 0;
  /// The files of the current epoch, in reading order.
  virtual const std::vector<InputFile>& files() const = 0;
  /// Tells one data set from another: number, sizes and sampled contents of the files of all processes (Split::own: of this
  /// one), or a pipe's first bytes. The same wherever the files lie.
  virtual std::string fingerprint() const = 0;
};

/// Opens a channel. `pipe_mode` says that PATH names a series of FIFOs. Throws when there is nothing to read, no file
/// holds a record (of this process alone: a stream without rows), the first record is not what options say, or `start`
/// lies beyond the data.
std::unique_ptr<TableStream> open_table_stream(const std::string& path, bool pipe_mode, const TableStreamOptions& options,
                                               Log& log);

}  // namespace smtrain::formats
