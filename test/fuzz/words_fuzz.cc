// Pairs, sentences in both forms, translations, CSV records: any bytes are records or a user Error. Tokens of any text are whole.
#include <cstdint>
#include <cstdlib>

#include "base/log.h"
#include "formats/text/csv_texts.h"
#include "formats/words/pairs.h"
#include "formats/words/sentences.h"
#include "formats/words/tokenizer.h"
#include "formats/words/translations.h"
#include "fuzz_help.h"
#include "record_file.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

BlockTeamOptions small_blocks() {
  BlockTeamOptions options;
  options.block_bytes = 128;
  return options;
}

template <class Record, class Reader>
void read_all(Reader& reader) {
  fuzz::accepts([&] { for (std::vector<Record> some; reader.next(some);) {} });
}

void tokenize(const std::string& text) {
  for (const Tokens kind : {Tokens::words, Tokens::marks, Tokens::blanks}) {
    Tokenizer tokenizer(text, kind, true);
    for (std::string_view token; tokenizer.next(token);) {
      if (token.empty()) std::abort();
    }
  }
}

void read_csv(const InputFile& file) {
  CsvTextCutter cutter({{}, true}, 1 << 16);
  RecordStream<std::size_t> stream({file}, cutter,
                                   [](const RawBlock& block, std::vector<std::size_t>& sizes) {
                                     std::size_t records = 0;
                                     for (CsvTexts rows(block, {}); rows.next(); ++records) sizes.push_back(rows.fields().size());
                                     if (records != block.records) std::abort();
                                   },
                                   small_blocks());
  read_all<std::size_t>(stream);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(fuzz::text_of(data, size));
  const fuzz::RecordFile file(bytes);
  NullLog log;
  PairReader pairs({file.input()}, small_blocks(), log);
  read_all<TokenPair>(pairs);
  for (const auto form : {SentenceReader::Form::lines, SentenceReader::Form::json}) {
    SentenceReader sentences({file.input()}, form, small_blocks(), log);
    read_all<Sentence>(sentences);
  }
  TranslationReader translations({file.input()}, small_blocks(), log);
  read_all<Translation>(translations);
  read_csv(file.input());
  tokenize(bytes);
  return 0;
}
