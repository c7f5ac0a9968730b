// What tests of records share: files read in blocks of any size, messages, random text.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "formats/block_team.h"
#include "formats/scratch_folder.h"
#include "formats/table_help.h"

namespace smtrain::formats {

inline BlockTeamOptions small_blocks(std::size_t block_bytes, int threads = 2) {
  BlockTeamOptions options;
  options.threads = threads;
  options.block_bytes = block_bytes;
  return options;
}

/// All records that a reader has.
template <class Record, class Reader>
std::vector<Record> all_of(Reader& reader) {
  std::vector<Record> all, some;
  while (reader.next(some)) all.insert(all.end(), some.begin(), some.end());
  return all;
}

}  // namespace smtrain::formats
