#include "run/convert/convert_text.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <functional>

#include "base/error.h"
#include "base/parallel.h"
#include "base/signals.h"
#include "base/text.h"
#include "formats/io/file_head.h"
#include "formats/record_groups.h"
#include "formats/table_sink.h"
#include "formats/text/csv_guess.h"
#include "formats/text/csv_texts.h"
#include "formats/text/lines.h"
#include "formats/words/pairs.h"
#include "formats/words/sentences.h"
#include "formats/words/translations.h"
#include "run/convert/text_words.h"
#include "run/depfile.h"
#include "run/input_size.h"
#include "run/input_type.h"
#include "run/table_input.h"

namespace smtrain::run {
namespace {

using formats::Document;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kLook = std::size_t{64} << 10;
constexpr std::size_t kGroupBytes = std::size_t{16} << 20;
constexpr std::size_t kChunk = 1024;  // documents that a thread takes of a group

std::size_t weight_of(const Document& document) { return sizeof(Document) + document.text.size() + document.second.size(); }
std::size_t weight_of_sentence(const formats::Sentence& sentence) { return sizeof(formats::Sentence) + sentence.words.size(); }

formats::ContentType text_type(const ConvertRequest& request, const std::vector<formats::InputFile>& files) {
  if (request.content_type) return formats::parse_content_type(*request.content_type);
  if (const auto type = type_by_suffix(files.front().path)) return *type;
  return {formats::Format::text, {}};
}

// Text whose columns are asked for, in a file whose name tells nothing, is a table where its first line has several fields.
formats::ContentType columns_type(const ConvertRequest& request, const formats::InputFile& file, const formats::ContentType& type) {
  if (type.format != formats::Format::text || request.content_type || !file.rewindable) return type;
  const std::string head = formats::file_head(file, kLook);
  const auto format = formats::format_by_content(head);
  if (format == formats::Format::jsonlines) return {*format, {}};
  if (format != formats::Format::csv) return type;
  formats::ContentType table{*format, {}};
  NullLog quiet;  // it is told when all is guessed
  formats::guess_csv_delimiter(table, formats::without_bom(head), file.name, quiet);
  const formats::CsvDialect dialect = formats::csv_dialect(table);
  const std::string_view first = formats::csv_first_line(formats::without_bom(head), dialect);
  const bool several = formats::count_fields(first.data(), first.data() + first.size(), dialect) > 1;
  return several ? formats::ContentType{*format, {}} : type;
}

// One conversion of texts, from its files to its output.
class TextConversion {
 public:
  TextConversion(const ConvertRequest& request, DataKind to, Console& console)
      : request_(request),
        options_(request.text),
        to_(to),
        console_(console),
        threads_(std::max(request.common.threads.value, 1)),
        files_(formats::expand_path(request.input)),
        words_(request.text, to) {
    if (options_.second) second_ = formats::expand_path(*options_.second);
    check_inputs();
    type_ = text_type(request, files_);
    if (options_.text.empty()) return;
    type_ = formats::with_csv_guesses(columns_type(request, files_.front(), type_), files_, fields().names(), console);
  }

  void run() {
    const Clock::time_point start = Clock::now();
    if (words_.counts_first()) {
      each_group([&](std::vector<Document>& group) { words_.count(group, threads_); });
      words_.settle();
      pass_ = 1;
    }
    switch (to_) {
      case DataKind::counts: write_counts(); break;
      case DataKind::sentences: write_sentences(); break;
      case DataKind::pairs: write_pairs(); break;
      default: write_translations(); break;
    }
    report(std::chrono::duration<double>(Clock::now() - start).count());
  }

 private:
  void check_inputs() const {
    const bool pairs = to_ == DataKind::pairs || to_ == DataKind::translations;
    if (options_.second && options_.second_text)
      throw user_error("--second names a file and --second-text a column; give one of them");
    if (pairs && !options_.second && !options_.second_text) {
      throw user_error("{} take two texts each: name the second one's file (--second PATH) or column (--second-text NAME)",
                       words_for(to_));
    }
    if (!pairs && (options_.second || options_.second_text))
      throw user_error("{} take one text each; leave out --second and --second-text", words_for(to_));
    if (options_.label && to_ != DataKind::sentences && to_ != DataKind::pairs)
      throw user_error("{} have no labels; leave out --label", words_for(to_));
    if (options_.second && (!options_.text.empty() || options_.label)) {
      throw user_error("with --second the lines of two files are paired, which have no columns; leave out --text and --label");
    }
    if (!options_.label_names.empty() && !(options_.label && to_ == DataKind::pairs))
      throw user_error("--label-names names the labels of Object2Vec's pairs; it takes --label too");
    for (const auto* files : {&files_, &second_}) {
      for (const formats::InputFile& file : *files) {
        if (file.rewindable || !words_.counts_first()) continue;
        throw user_error(
            "{}: can be read once only, and a new vocabulary takes two passes; save the text to a file first, or give "
            "--vocabulary",
            file.name);
      }
    }
  }

  std::unique_ptr<formats::DocumentReader> open() {
    formats::BlockTeamOptions blocks;
    blocks.threads = threads_;
    if (options_.file_per_document) return formats::open_document_files(files_, blocks);
    if (options_.second) return formats::open_aligned_documents(files_, second_, blocks);
    return formats::open_documents(files_, type_, fields(), blocks, console_);
  }

  formats::DocumentFields fields() const { return {options_.text, options_.second_text, options_.label}; }

  void each_group(const std::function<void(std::vector<Document>&)>& take) {
    announce_terminal_input(request_.input, console_);
    const auto reader = open();
    formats::RecordGroups<Document> groups([&](std::vector<Document>& some) { return reader->next(some); }, kGroupBytes,
                                           weight_of);
    documents_ = 0;
    for (std::vector<Document> group; groups.next(group); throw_if_stopped()) {
      if (documents_ == 0) check_is_unlabelled(group.front());
      documents_ += group.size();
      take(group);
      progress(reader->bytes_consumed());
    }
    if (documents_ == 0) throw user_error("{}: holds no document", request_.input);
  }

  // Labels in front of lines would become words.
  void check_is_unlabelled(const Document& first) const {
    const bool lines = options_.text.empty() && !options_.file_per_document;
    if (!lines || request_.from || !first.text.starts_with(formats::kLabelPrefix)) return;
    throw user_error("{}: the line begins with {}, as BlazingText's labelled lines do; {}; --from documents takes the labels as words",
                     first.where(), formats::kLabelPrefix,
                     to_ == DataKind::sentences ? "--from blazingtext keeps labels and lines as they are" : "take the labels off first");
  }

  void progress(std::uint64_t consumed) {
    const std::uint64_t total = total_size(files_) + total_size(second_);
    const double passes = words_.counts_first() ? 2 : 1;
    job::Progress progress;
    progress.phase = words_.counts_first() && pass_ == 0 ? "counting words" : "converting";
    progress.fraction =
        total == 0 ? -1 : (pass_ + std::min(1.0, static_cast<double>(consumed) / static_cast<double>(total))) / passes;
    progress.records = documents_;
    console_.progress(progress);
  }

  // Writes records that are made of documents; those for which `make` says false are left out and counted.
  template <class Append>
  void write_lines(Append&& append) {
    formats::ChunkSink sink(request_.output, threads_);
    each_group([&](std::vector<Document>& group) {
      formats::write_group(sink, group, kChunk, [&](std::string& out, const Document& document) {
        try {
          if (!append(out, document)) ++left_out_;
        } catch (const Error& e) {
          throw Error(e.fault(), fmt::format("{}: {}", document.where(), e.what()));
        }
      });
    });
    saved_ = words_.save();
    sink.commit();
    bytes_ = sink.bytes();
  }

  void write_sentences();
  void write_pairs();
  void write_translations();
  void write_counts();
  std::optional<double> label_of(const Document& document) const;
  void report(double seconds) const;

  const ConvertRequest& request_;
  const TextOptions& options_;
  DataKind to_;
  Console& console_;
  int threads_;
  std::vector<formats::InputFile> files_, second_;
  TextWords words_;
  formats::ContentType type_;
  int pass_ = 0;
  std::uint64_t documents_ = 0, bytes_ = 0;
  std::atomic<std::uint64_t> left_out_{0};
  std::vector<std::string> saved_;
};

bool writes_manifest(const ConvertRequest& request) {
  const auto format = formats::format_by_suffix(request.output);
  return format == formats::Format::jsonlines || format == formats::Format::json;
}

// A label is one token.
std::string label_token(std::string_view label) {
  std::string token(trim(label));
  std::replace_if(token.begin(), token.end(), [](char c) { return static_cast<unsigned char>(c) <= ' '; }, '_');
  if (token.empty()) throw user_error("the label is empty");
  return token;
}

void TextConversion::write_sentences() {
  const bool manifest = writes_manifest(request_), labelled = options_.label || options_.file_per_document;
  write_lines([&](std::string& out, const Document& document) {
    formats::Sentence sentence;
    words_.each(document.text, [&](std::string_view word) {
      if (words_.has_vocabulary() && !words_.vocabulary(false).find(word)) return;
      // A word of the text must not become a label.
      if (word.starts_with(formats::kLabelPrefix)) word.remove_prefix(2);
      sentence.words += sentence.words.empty() ? "" : " ";
      sentence.words += word;
    });
    if (sentence.words.empty()) return false;
    if (labelled) sentence.labels.push_back(label_token(document.label));
    if (manifest) formats::append_sentence_json(out, sentence);
    else formats::append_sentence(out, sentence);
    return true;
  });
}

std::optional<double> TextConversion::label_of(const Document& document) const {
  if (!options_.label) return std::nullopt;
  const std::string label(trim(document.label));
  const auto found = std::find(options_.label_names.begin(), options_.label_names.end(), label);
  if (found != options_.label_names.end()) return static_cast<double>(found - options_.label_names.begin());
  if (!options_.label_names.empty())
    throw user_error("label {}: is none of the --label-names {}", smtrain::quoted(label), fmt::join(options_.label_names, ", "));
  double number = 0;
  const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), number);
  if (error == std::errc() && end == label.data() + label.size() && std::isfinite(number)) return number;
  throw user_error("label {}: is no number; name the classes in their order, for example --label-names no,yes",
                   smtrain::quoted(label));
}

void TextConversion::write_pairs() {
  write_lines([&](std::string& out, const Document& document) {
    formats::TokenPair pair;
    words_.append_ids(document.text, false, pair.in0);
    words_.append_ids(document.second, true, pair.in1);
    if (pair.in0.empty() || pair.in1.empty()) return false;
    pair.label = label_of(document);
    formats::append_pair(out, pair);
    return true;
  });
}

void TextConversion::write_translations() {
  write_lines([&](std::string& out, const Document& document) {
    formats::Translation pair;
    words_.append_ids(document.text, false, pair.source);
    words_.append_ids(document.second, true, pair.target);
    if (pair.source.empty() || pair.target.empty()) return false;
    formats::append_translation(out, pair, request_.recordio_split);
    return true;
  });
}

// Rows of a batch, each ascending by word.
using Row = std::vector<std::uint32_t>;

formats::Batch batch_of(std::vector<Row>& rows, std::size_t width) {
  struct Memory {
    std::vector<std::uint64_t> indptr{0};
    std::vector<std::uint32_t> indices;
    std::vector<float> values;
  };
  const auto memory = std::make_shared<Memory>();
  for (Row& row : rows) {
    std::sort(row.begin(), row.end());
    for (std::size_t i = 0, next; i < row.size(); i = next) {
      for (next = i; next < row.size() && row[next] == row[i];) ++next;
      memory->indices.push_back(row[i]);
      memory->values.push_back(static_cast<float>(next - i));
    }
    memory->indptr.push_back(memory->indices.size());
  }
  formats::Batch batch;
  batch.rows = rows.size();
  batch.cols = width;
  batch.indptr = memory->indptr.data();
  batch.indices = memory->indices.data();
  batch.values = memory->values.data();
  batch.owner = memory;
  return batch;
}

void TextConversion::write_counts() {
  formats::TableWriterOptions writing;
  writing.type = output_type(std::nullopt, request_.output);
  writing.recordio_split = request_.recordio_split;
  const formats::Vocabulary& vocabulary = words_.vocabulary(false);
  writing.column_names = vocabulary.words();
  formats::TableSink sink(request_.output, writing, threads_);
  each_group([&](std::vector<Document>& group) {
    std::vector<Row> rows(group.size());
    const auto team = static_cast<std::size_t>(threads_);
    ExceptionTrap trap;
    run_team(threads_, [&](int index) {
      for (std::size_t i = static_cast<std::size_t>(index); i < group.size(); i += team) {
        trap.run(i, [&] { words_.append_ids(group[i].text, false, rows[i]); });
      }
    });
    trap.rethrow();
    left_out_ += static_cast<std::uint64_t>(std::count_if(rows.begin(), rows.end(), [](const Row& row) { return row.empty(); }));
    sink.write(batch_of(rows, vocabulary.id_limit()));
  });
  saved_ = words_.save();
  sink.commit();
  bytes_ = sink.bytes();
}

void TextConversion::report(double seconds) const {
  const std::string out = request_.output == "-" ? "standard output" : request_.output;
  if (request_.depfile) {
    std::vector<std::string> inputs = words_.inputs();
    for (const auto* files : {&files_, &second_}) {
      for (const formats::InputFile& file : *files) inputs.push_back(file.path);
    }
    write_depfile(*request_.depfile, request_.output, inputs);
  }
  if (words_.has_vocabulary()) {
    console_.info(
        "vocabulary of {} words{}{}", grouped(words_.vocabulary(false).size()),
        to_ == DataKind::translations ? fmt::format(" (source) and {} (target)", grouped(words_.vocabulary(true).size())) : "",
        saved_.empty() ? "" : fmt::format(", saved as {}", fmt::join(saved_, " and ")));
  }
  if (words_.strangers() > 0) {
    console_.info("{} of {} words ({:.1f} %) are not in the vocabulary", grouped(words_.strangers()), grouped(words_.words()),
                  100 * static_cast<double>(words_.strangers()) / static_cast<double>(words_.words()));
  }
  if (left_out_ > 0 && to_ == DataKind::counts)
    console_.warning("{} without a word of the vocabulary became rows of zeros", counted(left_out_, "document"));
  else if (left_out_ > 0)
    console_.warning("{} without words left out", counted(left_out_, to_ == DataKind::sentences ? "document" : "pair"));
  console_.info("{}: {} of {}, {} written in {:.2f} s", out, words_for(to_), counted(documents_, "document"),
                format_bytes(bytes_), seconds);
}

}  // namespace

void convert_text(const ConvertRequest& request, DataKind, DataKind to, Console& console) {
  TextConversion(request, to, console).run();
}

void convert_sentences(const ConvertRequest& request, DataKind, DataKind, Console& console) {
  const std::vector<formats::InputFile> files = formats::expand_path(request.input);
  formats::BlockTeamOptions blocks;
  blocks.threads = std::max(request.common.threads.value, 1);
  const formats::Format format = text_type(request, files).format;
  const bool json = format == formats::Format::jsonlines || format == formats::Format::json, manifest = writes_manifest(request);
  using Form = formats::SentenceReader::Form;
  formats::SentenceReader reader(files, json ? Form::json : Form::lines, blocks, console);
  formats::RecordGroups<formats::Sentence> groups([&](std::vector<formats::Sentence>& some) { return reader.next(some); },
                                                  kGroupBytes, weight_of_sentence);
  formats::ChunkSink sink(request.output, blocks.threads);
  std::uint64_t sentences = 0;
  for (std::vector<formats::Sentence> group; groups.next(group); throw_if_stopped()) {
    sentences += group.size();
    formats::write_group(sink, group, kChunk, manifest ? formats::append_sentence_json : formats::append_sentence);
  }
  sink.commit();
  if (request.depfile) {
    std::vector<std::string> inputs;
    for (const formats::InputFile& file : files) inputs.push_back(file.path);
    write_depfile(*request.depfile, request.output, inputs);
  }
  console.info("{}: {}", request.output == "-" ? "standard output" : request.output, counted(sentences, "sentence"));
}

}  // namespace smtrain::run
