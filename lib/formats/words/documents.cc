#include "formats/words/documents.h"

#include <algorithm>

#include "base/error.h"
#include "base/signals.h"
#include "base/text.h"
#include "formats/json/json_records.h"
#include "formats/json/json_row.h"
#include "formats/text/column_list.h"
#include "formats/text/csv_guess.h"
#include "formats/text/csv_texts.h"
#include "formats/text/lines.h"
#include "formats/words/text_cutter.h"

namespace smtrain::formats {
namespace {

constexpr const char* kExample = R"({"text":"linux ready for prime time"})";

// A reader whose records come out of blocks.
class StreamedReader : public DocumentReader {
 public:
  bool next(std::vector<Document>& documents) override { return stream_->next(documents); }
  std::uint64_t bytes_consumed() const override { return stream_->team().bytes_consumed(); }

 protected:
  std::unique_ptr<RecordCutter> cutter_;
  std::unique_ptr<RecordStream<Document>> stream_;
};

class LineReader final : public StreamedReader {
 public:
  LineReader(const std::vector<InputFile>& files, BlankLines blank, const BlockTeamOptions& options) {
    cutter_ = std::make_unique<TextCutter>(options.max_record_bytes, blank);
    stream_ = std::make_unique<RecordStream<Document>>(
        files, *cutter_,
        [blank](const RawBlock& block, std::vector<Document>& out) {
          Lines lines({block.bytes.data(), block.bytes.size()}, block.first_line, blank);
          while (lines.next()) out.push_back({std::string(lines.line()), {}, {}, block.source, lines.number()});
        },
        options);
  }
};

class CsvReader final : public StreamedReader {
 public:
  CsvReader(const std::vector<InputFile>& files, const ContentType& type, const DocumentFields& fields,
            const BlockTeamOptions& options, Log& log)
      : form_(CsvTextForm::of(with_csv_guesses(type, files, fields.names(), log))), fields_(fields) {
    const std::vector<std::string> first = csv_header(files, form_);
    if (first.empty()) throw user_error("{}: holds no record", files.front().name);
    find_columns(form_.header ? first : std::vector<std::string>(), first.size());
    cutter_ = std::make_unique<CsvTextCutter>(form_, options.max_record_bytes);
    stream_ = std::make_unique<RecordStream<Document>>(
        files, *cutter_, [this](const RawBlock& block, std::vector<Document>& out) { parse(block, out); }, options);
  }

 private:
  void find_columns(const std::vector<std::string>& header, std::size_t columns) {
    for (const std::string& name : fields_.text) text_.push_back(parse_column(name, header, columns, "--text"));
    if (fields_.second) second_ = parse_column(*fields_.second, header, columns, "--second-text");
    if (fields_.label) label_ = parse_column(*fields_.label, header, columns, "--label");
    widest_ = std::max({*std::max_element(text_.begin(), text_.end()), second_.value_or(0), label_.value_or(0)});
  }

  void parse(const RawBlock& block, std::vector<Document>& out) const {
    for (CsvTexts records(block, form_.dialect); records.next();) {
      const std::vector<std::string_view>& fields = records.fields();
      if (fields.size() <= widest_) {
        throw user_error(
            "{}: {} columns, expected at least {}; is the delimiter right (--content-type \"text/csv;delimiter=tab\")?",
            records.place(), fields.size(), widest_ + 1);
      }
      Document& document = out.emplace_back(Document{{}, {}, {}, block.source, records.line()});
      for (const std::size_t column : text_) {
        if (!document.text.empty()) document.text += ' ';
        document.text += fields[column];
      }
      if (second_) document.second = fields[*second_];
      if (label_) document.label = fields[*label_];
    }
  }

  CsvTextForm form_;
  DocumentFields fields_;
  std::vector<std::size_t> text_;
  std::optional<std::size_t> second_, label_;
  std::size_t widest_ = 0;
};

class JsonReader final : public StreamedReader {
 public:
  JsonReader(const std::vector<InputFile>& files, const DocumentFields& fields, const BlockTeamOptions& options, Log& log)
      : lines_(kExample), fields_(fields) {
    cutter_ = std::make_unique<LineCutter>(options.max_record_bytes);
    stream_ = std::make_unique<RecordStream<Document>>(
        files, *cutter_,
        [this, &log](const RawBlock& block, std::vector<Document>& out) {
          lines_.each(block, log, [&](JsonLines::Object object, std::uint64_t line) {
            Document& document = out.emplace_back(Document{{}, {}, {}, block.source, line});
            for (const std::string& name : fields_.text)
              document.text += (document.text.empty() ? "" : " ") + text_of(object, name);
            if (fields_.second) document.second = text_of(object, *fields_.second);
            if (fields_.label) document.label = text_of(object, *fields_.label);
          });
        },
        options);
  }

 private:
  static std::string text_of(JsonLines::Object object, const std::string& name) {
    const auto value = json_member(object, name);
    if (!value) throw user_error("{}: the field is not there, expected a text", name);
    std::string_view text;
    if (value->get(text) == simdjson::SUCCESS) return std::string(text);
    if (value->is_number() || value->is_bool()) return simdjson::minify(*value);
    throw user_error("{}: found {}, expected a text", name, describe_json(*value));
  }

  JsonLines lines_;
  DocumentFields fields_;
};

class AlignedReader final : public DocumentReader {
 public:
  AlignedReader(const std::vector<InputFile>& files, const std::vector<InputFile>& second, const BlockTeamOptions& options)
      : first_(files, BlankLines::records, options),
        second_(second, BlankLines::records, options),
        names_{files.front().name, second.front().name} {}

  bool next(std::vector<Document>& documents) override {
    documents.clear();
    const bool left = fill(first_, ahead_[0], at_[0]), right = fill(second_, ahead_[1], at_[1]);
    if (left != right) {
      throw user_error("{} has more lines than {}, which has {}; line by line they must belong together", names_[left ? 0 : 1],
                       names_[left ? 1 : 0], lines_);
    }
    if (!left) return false;
    const std::size_t count = std::min(ahead_[0].size() - at_[0], ahead_[1].size() - at_[1]);
    for (std::size_t i = 0; i < count; ++i) {
      documents.push_back(std::move(ahead_[0][at_[0]++]));
      documents.back().second = std::move(ahead_[1][at_[1]++].text);
    }
    lines_ += count;
    return true;
  }
  std::uint64_t bytes_consumed() const override { return first_.bytes_consumed() + second_.bytes_consumed(); }

 private:
  static bool fill(LineReader& reader, std::vector<Document>& ahead, std::size_t& at) {
    if (at < ahead.size()) return true;
    at = 0;
    return reader.next(ahead);
  }

  LineReader first_, second_;
  std::string names_[2];
  std::vector<Document> ahead_[2];
  std::size_t at_[2] = {0, 0};
  std::uint64_t lines_ = 0;
};

class FileReader final : public DocumentReader {
 public:
  FileReader(std::vector<InputFile> files, std::size_t most) : files_(std::move(files)), most_(most) {}

  bool next(std::vector<Document>& documents) override {
    documents.clear();
    for (std::size_t bytes = 0; at_ < files_.size() && bytes < kRoundBytes; ++at_) {
      throw_if_stopped();
      documents.push_back(read(files_[at_]));
      bytes += documents.back().text.size() + 100;
    }
    return !documents.empty();
  }
  std::uint64_t bytes_consumed() const override { return consumed_; }

 private:
  static constexpr std::size_t kRoundBytes = std::size_t{4} << 20, kPiece = std::size_t{1} << 20;

  Document read(const InputFile& file) {
    const auto stream = open_bytes(file);
    Document document{{}, {}, {}, std::make_shared<const std::string>(file.name), 0};
    std::string& text = document.text;
    // A byte more than the file should have, so that one read finds its end.
    std::size_t asked = static_cast<std::size_t>(std::min<std::uint64_t>(file.size.value_or(kPiece), most_)) + 1;
    for (bool ended = false; !ended; asked = kPiece) {
      const std::size_t have = text.size();
      text.resize(have + asked);
      const std::size_t got = stream->read(std::span(text).subspan(have));
      text.resize(have + got);
      if (text.size() > most_) throw user_error("{}: more than {} bytes, which is no document", file.name, most_);
      ended = got < asked;
    }
    check_is_text(file.name, text);
    consumed_ += stream->consumed();
    const std::size_t slash = file.name.rfind('/');
    if (slash != std::string::npos && slash > 0) {
      const std::string folder = file.name.substr(0, slash);
      document.label = folder.substr(folder.rfind('/') + 1);
    }
    return document;
  }

  std::vector<InputFile> files_;
  std::size_t most_, at_ = 0;
  std::uint64_t consumed_ = 0;
};

}  // namespace

std::vector<std::string> DocumentFields::names() const {
  std::vector<std::string> names = text;
  if (second) names.push_back(*second);
  if (label) names.push_back(*label);
  return names;
}

std::string Document::where() const { return line == 0 ? *source : line_place(*source, line); }

std::unique_ptr<DocumentReader> open_documents(const std::vector<InputFile>& files, const ContentType& type,
                                               const DocumentFields& fields, const BlockTeamOptions& options, Log& log) {
  if (type.format == Format::text) {
    if (fields.names().empty()) return std::make_unique<LineReader>(files, BlankLines::skipped, options);
    throw user_error("{}: is read as lines of text, which have no columns {}; is it a table (--content-type text/csv, or text/tab-separated-values)?",
                     files.front().name, fmt::join(fields.names(), ", "));
  }
  if (fields.text.empty())
    throw user_error("{}: has columns; say which hold the text (--text NAME or NUMBER)", files.front().name);
  if (type.format == Format::csv || type.format == Format::parquet) return std::make_unique<CsvReader>(files, type, fields, options, log);
  if (type.format == Format::jsonlines || type.format == Format::json)
    return std::make_unique<JsonReader>(files, fields, options, log);
  throw user_error("{}: is {}, which holds no text; expected lines, CSV, Parquet or JSON Lines", files.front().name,
                   words_for(type.format));
}

std::unique_ptr<DocumentReader> open_aligned_documents(const std::vector<InputFile>& files, const std::vector<InputFile>& second,
                                                       const BlockTeamOptions& options) {
  return std::make_unique<AlignedReader>(files, second, options);
}

std::unique_ptr<DocumentReader> open_document_files(const std::vector<InputFile>& files, const BlockTeamOptions& options) {
  return std::make_unique<FileReader>(files, options.max_record_bytes);
}

}  // namespace smtrain::formats
