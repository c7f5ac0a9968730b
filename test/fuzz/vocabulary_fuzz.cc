// Vocabularies: any bytes are one, which comes back from what is written, or a user Error.
#include <cstdint>
#include <cstdlib>

#include "formats/words/vocabulary.h"
#include "fuzz_help.h"
#include "record_file.h"

using namespace smtrain;
using namespace smtrain::formats;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::RecordFile file{std::string(fuzz::text_of(data, size))};
  fuzz::accepts([&] {
    const Vocabulary vocabulary = read_vocabulary(file.input().path);
    if (vocabulary.size() > vocabulary.id_limit()) std::abort();
    const fuzz::RecordFile written(vocabulary_json(vocabulary));
    if (read_vocabulary(written.input().path).size() != vocabulary.size()) std::abort();
  });
  return 0;
}
