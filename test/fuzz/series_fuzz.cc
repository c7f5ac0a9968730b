// DeepAR's records: any bytes are series or a user Error; what was read comes back from what is written.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/log.h"
#include "formats/series/series.h"
#include "fuzz_help.h"
#include "record_file.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

std::vector<Series> read(const std::string& bytes) {
  const fuzz::RecordFile file(bytes);
  NullLog log;
  BlockTeamOptions options;
  options.block_bytes = 256;
  const auto reader = open_series({file.input()}, options, log);
  std::vector<Series> all, some;
  while (reader->next(some)) all.insert(all.end(), some.begin(), some.end());
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<Series> all;
  if (!fuzz::accepts([&] { all = read(std::string(fuzz::text_of(data, size))); })) return 0;
  std::string text;
  for (const Series& s : all) append_series(text, s);
  const std::vector<Series> again = read(text);
  if (again.size() != all.size()) std::abort();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (again[i].start != all[i].start || again[i].target.size() != all[i].target.size() || again[i].cat != all[i].cat) std::abort();
  }
  return 0;
}
