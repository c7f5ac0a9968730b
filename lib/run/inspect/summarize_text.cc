#include "run/inspect/summarize_text.h"

#include <algorithm>

#include "base/text.h"
#include "formats/words/pairs.h"
#include "formats/words/sentences.h"
#include "formats/words/translations.h"
#include "run/console/text_table.h"
#include "run/inspect/reading.h"

namespace smtrain::run {
namespace {

constexpr std::size_t kCharactersShown = 90, kIdsShown = 10;

// Reads all of a reader's records; `add` looks at each and says it in short when asked.
template <class Record, class Reader, class Add, class Short>
void read_all(Reading& reading, Reader& reader, Add&& add, Short&& in_short) {
  RecordSummary& summary = reading.summary();
  std::vector<Record> batch;
  reading.read(
      [&] {
        if (!reader.next(batch)) return false;
        for (const Record& record : batch) {
          add(record);
          ++summary.records;
          if (summary.first.size() < Reading::kFirst) summary.first.push_back(in_short(record));
        }
        return true;
      },
      [&] { return reader.bytes_consumed(); });
}

// At most so many bytes, not cut within a character.
std::string shortened(const std::string& text) {
  if (text.size() <= kCharactersShown) return text;
  std::size_t end = kCharactersShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) --end;
  return text.substr(0, end) + " …";
}

template <class Ids>
std::string ids_in_short(const Ids& ids) {
  std::string text;
  for (std::size_t i = 0; i < std::min(ids.size(), kIdsShown); ++i) text += (i == 0 ? "" : " ") + std::to_string(ids[i]);
  return text + (ids.size() > kIdsShown ? " …" : "");
}

formats::SentenceReader::Form form_of(const std::vector<formats::InputFile>& files) {
  const auto format = files.empty() ? std::nullopt : formats::format_by_suffix(files.front().path);
  const bool json = format == formats::Format::json || format == formats::Format::jsonlines;
  return json ? formats::SentenceReader::Form::json : formats::SentenceReader::Form::lines;
}

template <class Ids>
void raise_limit(std::uint64_t& limit, const Ids& ids) {
  for (const auto id : ids) limit = std::max(limit, static_cast<std::uint64_t>(id) + 1);
}

}  // namespace

RecordSummary summarize_sentences(const InspectRequest& request, DataKind kind, Console&) {
  Reading reading(request, kind, formats::expand_path(request.path));
  formats::SentenceReader reader(reading.files(), form_of(reading.files()), reading.team(), reading.log());
  Range words;
  std::map<std::string, std::uint64_t> labels;
  std::uint64_t labelled = 0;
  read_all<formats::Sentence>(
      reading, reader,
      [&](const formats::Sentence& sentence) {
        const auto blanks = std::count(sentence.words.begin(), sentence.words.end(), ' ');
        words.add(sentence.words.empty() ? 0 : static_cast<double>(blanks + 1));
        for (const std::string& label : sentence.labels) ++labels[label];
        labelled += sentence.labels.empty() ? 0 : 1;
      },
      [](const formats::Sentence& sentence) {
        std::string text;
        for (const std::string& label : sentence.labels) text += "[" + label + "] ";
        return shortened(text + sentence.words);
      });
  RecordSummary& summary = reading.summary();
  summary.facts = {words.fact("words per line"), number_fact("labelled lines", labelled), count_fact("labels", labels)};
  return std::move(summary);
}

RecordSummary summarize_pairs(const InspectRequest& request, DataKind kind, Console&) {
  Reading reading(request, kind, formats::expand_path(request.path));
  formats::PairReader reader(reading.files(), reading.team(), reading.log());
  Range in0, in1, label;
  std::uint64_t limit0 = 0, limit1 = 0;
  read_all<formats::TokenPair>(
      reading, reader,
      [&](const formats::TokenPair& pair) {
        in0.add(static_cast<double>(pair.in0.size()));
        in1.add(static_cast<double>(pair.in1.size()));
        raise_limit(limit0, pair.in0);
        raise_limit(limit1, pair.in1);
        if (pair.label) label.add(*pair.label);
      },
      [](const formats::TokenPair& pair) {
        return fmt::format("{}: {} | {}", pair.label ? brief(*pair.label) : "-", ids_in_short(pair.in0), ids_in_short(pair.in1));
      });
  RecordSummary& summary = reading.summary();
  summary.facts = {label.fact("label"), in0.fact("in0 tokens"), in1.fact("in1 tokens"), number_fact("in0 vocabulary", limit0),
                   number_fact("in1 vocabulary", limit1)};
  return std::move(summary);
}

RecordSummary summarize_translations(const InspectRequest& request, DataKind kind, Console&) {
  Reading reading(request, kind, formats::expand_path(request.path));
  formats::TranslationReader reader(reading.files(), reading.team(), reading.log());
  Range source, target;
  std::uint64_t source_limit = 0, target_limit = 0;
  read_all<formats::Translation>(
      reading, reader,
      [&](const formats::Translation& pair) {
        source.add(static_cast<double>(pair.source.size()));
        target.add(static_cast<double>(pair.target.size()));
        raise_limit(source_limit, pair.source);
        raise_limit(target_limit, pair.target);
      },
      [](const formats::Translation& pair) { return fmt::format("{} | {}", ids_in_short(pair.source), ids_in_short(pair.target)); });
  RecordSummary& summary = reading.summary();
  summary.facts = {source.fact("source tokens"), target.fact("target tokens"), number_fact("source vocabulary", source_limit),
                   number_fact("target vocabulary", target_limit)};
  return std::move(summary);
}

}  // namespace smtrain::run
