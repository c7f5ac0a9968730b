// Rows that several processes read together: streams kept in step, and rows brought to one place.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dist/communicator.h"
#include "formats/table_stream.h"

namespace smtrain::job {

/// A channel of which each process reads files of its own.
struct OwnFiles {
  std::string channel;                ///< its name, for messages
  std::uint64_t mini_batch_size = 0;  ///< of all processes
  formats::TableCursor start;         ///< as the stream was opened
  formats::RankShare::Split split = formats::RankShare::Split::files;  ///< files or own
};

/// A stream over each process's own files, kept in step: in every epoch all processes get equally many mini-batches, those that
/// have run out of rows get empty ones, and one whose files hold nothing has the schema of the others. cursor() and fingerprint()
/// are those of all. next() is collective, once per mini-batch; so is this call. Widths that processes have measured (libsvm) may
/// differ: the largest is everyone's. Throws a user Error, naming both processes, when their rows differ in width otherwise or in
/// labels, or when nobody has a row. workers outlives the stream.
std::unique_ptr<formats::TableStream> keep_in_step(std::unique_ptr<formats::TableStream> stream, const OwnFiles& what,
                                                   dist::Communicator& workers);

/// The rows of all processes, in rank order, on the first one; nothing on the others. Labels, weights and origins stay behind.
/// Collective. Of one process the batches themselves.
std::vector<formats::Batch> collect_rows(std::span<const formats::Batch> batches, dist::Communicator& workers);

}  // namespace smtrain::job
