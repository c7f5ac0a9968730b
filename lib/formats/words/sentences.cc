#include "formats/words/sentences.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "formats/json/json_records.h"
#include "formats/json/json_row.h"
#include "formats/text/lines.h"
#include "formats/words/text_cutter.h"

namespace smtrain::formats {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

using namespace std::string_view_literals;
constexpr std::string_view kSeparators = " \t\r\v\f\n\0"sv;
constexpr const char* kExample = R"({"source":"linux ready for prime time","label":1})";

bool is_integer(std::string_view text) { return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos; }

std::string label_of(element value, const std::string& path) {
  std::uint64_t number = 0;
  if (value.get(number) == simdjson::SUCCESS) return std::to_string(number);
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS && is_integer(text)) return std::string(text);
  throw user_error("{}: found {}, expected an integer from 0", path, describe_json(value));
}

Sentence sentence_in(object record) {
  const auto source = json_member(record, "source");
  std::string_view text;
  if (!source || source->get(text) != simdjson::SUCCESS) {
    throw user_error("source: found {}, expected a string as in {}", source ? describe_json(*source) : "nothing", kExample);
  }
  Sentence sentence;
  while (true) {
    const std::string_view token = next_token(text);
    if (token.empty()) break;
    if (!sentence.words.empty()) sentence.words += ' ';
    sentence.words += token;
  }
  const auto label = json_member(record, "label");
  array list;
  if (label && label->get(list) == simdjson::SUCCESS) {
    for (const element value : list) sentence.labels.push_back(label_of(value, fmt::format("label[{}]", sentence.labels.size())));
  } else if (label) {
    sentence.labels.push_back(label_of(*label, "label"));
  }
  return sentence;
}

}  // namespace

std::string_view next_token(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kSeparators), line.size()));
  const std::string_view token = line.substr(0, line.find_first_of(kSeparators));
  line.remove_prefix(token.size());
  return token;
}

Sentence sentence_of(std::string_view line) {
  Sentence sentence;
  for (std::string_view token; !(token = next_token(line)).empty();) {
    if (token.starts_with(kLabelPrefix)) {
      sentence.labels.emplace_back(token.substr(kLabelPrefix.size()));
      continue;
    }
    if (!sentence.words.empty()) sentence.words += ' ';
    sentence.words += token;
  }
  return sentence;
}

void append_sentence(std::string& out, const Sentence& sentence) {
  for (const std::string& label : sentence.labels) {
    out += kLabelPrefix;
    out += label;
    out += ' ';
  }
  out += sentence.words;
  // A line of labels alone has no word to set them apart from.
  if (sentence.words.empty() && !sentence.labels.empty()) out.pop_back();
  out += '\n';
}

void append_sentence_json(std::string& out, const Sentence& sentence) {
  out += R"({"source":)" + json_quoted(sentence.words);
  for (std::size_t i = 0; i < sentence.labels.size(); ++i) {
    const std::string& label = sentence.labels[i];
    if (!is_integer(label)) {
      throw user_error("label {}: a manifest holds labels as integers; number them, or write lines (--to blazingtext)",
                       smtrain::quoted(label));
    }
    out += i > 0 ? "," : sentence.labels.size() > 1 ? R"(,"label":[)" : R"(,"label":)";
    const std::size_t zeros = std::min(label.find_first_not_of('0'), label.size() - 1);  // JSON has no leading ones
    out += label.substr(zeros);
  }
  out += sentence.labels.size() > 1 ? "]}\n" : "}\n";
}

class SentenceReader::Source {
 public:
  Source(std::vector<InputFile> files, Form form, const BlockTeamOptions& options, Log& log)
      : cutter_(options.max_record_bytes),
        lines_(kExample),
        stream_(
            std::move(files), cutter_,
            [this, form, &log](const RawBlock& block, std::vector<Sentence>& out) { parse(block, form, log, out); }, options) {}
  RecordStream<Sentence>& stream() { return stream_; }

 private:
  void parse(const RawBlock& block, Form form, Log& log, std::vector<Sentence>& out) const {
    if (form == Form::json) {
      lines_.each(block, log, [&](object record, std::uint64_t) { out.push_back(sentence_in(record)); });
      return;
    }
    Lines lines({block.bytes.data(), block.bytes.size()}, block.first_line);
    while (lines.next()) out.push_back(sentence_of(lines.line()));
  }

  TextCutter cutter_;
  JsonLines lines_;
  RecordStream<Sentence> stream_;
};

SentenceReader::SentenceReader(std::vector<InputFile> files, Form form, const BlockTeamOptions& options, Log& log)
    : source_(std::make_unique<Source>(std::move(files), form, options, log)) {}
SentenceReader::~SentenceReader() = default;
bool SentenceReader::next(std::vector<Sentence>& sentences) { return source_->stream().next(sentences); }
std::uint64_t SentenceReader::bytes_consumed() const { return source_->stream().team().bytes_consumed(); }

}  // namespace smtrain::formats
