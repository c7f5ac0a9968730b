// A CSV as people have it, or Parquet, encoded: numbers, categories, missing values.
#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "formats/encoding/encoding_fit.h"
#include "formats/encoding/row_encoder.h"
#include "formats/text/column_list.h"
#include "run/convert/convert_table.h"
#include "run/convert/record_supply.h"
#include "run/input_size.h"
#include "run/input_type.h"

namespace smtrain::run {
namespace {

using formats::CsvRecords;
using formats::PackedRecords;

/// What came of a block.
struct EncodedBlock {
  PackedRecords rows;
  formats::EncodingNotes notes;
};

class EncodedSupply final : public RecordSupply {
 public:
  EncodedSupply(const ConvertRequest& request, std::vector<formats::InputFile> files, Console& console)
      : options_(request.prepare), output_(request.output), threads_(request.common.threads.value), files_(std::move(files)) {
    type_ = input_type(request.content_type, files_);
    if (type_.format != formats::Format::csv && type_.format != formats::Format::parquet) {
      throw user_error("{}: is {}; --columns, --label, --drop, --one-hot, --ordinal, --missing and encodings are for CSV and Parquet",
                       request.input, formats::words_for(type_.format));
    }
    // Before any record is read: a path that cannot be written, or a format.
    writing_ = output_type(request.to, request.output);
    recordio_split_ = request.recordio_split;
    encoding_ = options_.apply_encoding ? read() : fit(console);
    records_.emplace(files_, type_, team_options(), console);
    encoder_.emplace(encoding_, *records_);
    if (options_.stratify)
      stratum_ = formats::parse_column(*options_.stratify, records_->names(), records_->columns(), "--stratify");
    if (options_.group) group_ = formats::parse_column(*options_.group, records_->names(), records_->columns(), "--group");
    blocks_.resize(records_->blocks_per_round());
  }

  bool next(PackedRecords& records) override {
    records.clear();
    const std::size_t blocks =
        records_->round([&](const formats::RawBlock& block, std::size_t place) { encode(block, blocks_[place]); });
    for (std::size_t i = 0; i < blocks; ++i) {
      records.append(blocks_[i].rows);
      notes_.add(blocks_[i].notes);
      blocks_[i].rows.clear();
      blocks_[i].notes = {};
    }
    return blocks != 0;
  }

  std::unique_ptr<RecordSink> make_sink(const std::string& path, std::size_t waiting_bytes) const override {
    return make_row_sink(path, encoder_->schema(), table_writing(writing_, recordio_split_, encoder_->schema()), threads_,
                         waiting_bytes);
  }
  std::uint64_t bytes_read() const override { return fitted_bytes_ + (records_ ? records_->team().bytes_consumed() : 0); }
  std::uint64_t bytes_to_read() const override { return total_size(files_) * (options_.apply_encoding ? 1 : 2); }
  std::string words() const override { return columns_in_words(encoder_->schema()); }

  AtomicFile* side_file() override {
    if (!file_) return nullptr;
    file_->write(formats::encoding_to_json(encoding_));
    return &*file_;
  }

  void finish(Console& console) override {
    if (notes_.dropped != 0) console.info("{} left out for a missing value", counted(notes_.dropped, "record"));
    for (const auto& [column, unseen] : notes_.unseen) {
      console.warning(
          "column {}: {} that the encoding does not know, such as {} ({}); they are 0 in all features of a one-hot column, -1 "
          "in an ordinal one",
          smtrain::quoted(column), counted(unseen.values, "value"), smtrain::quoted(unseen.first), unseen.place);
    }
    if (encoding_.label && !encoding_.label->categories.empty()) {
      std::string classes;
      const auto& names = encoding_.label->categories;
      for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 10); ++i)
        classes += fmt::format("{}{} = {}", i == 0 ? "" : ", ", smtrain::quoted(names[i]), i);
      console.info("classes of the label: {}{}", classes, names.size() > 10 ? ", ..." : "");
    }
    if (file_) console.info("{}: the encoding; --apply-encoding gives new data the same columns", encoding_path());
  }

 private:
  formats::BlockTeamOptions team_options() const {
    formats::BlockTeamOptions options;
    options.threads = threads_;
    return options;
  }

  // A label that the content type names is as good as one of --label.
  void settle_label() {
    if (options_.encoding.label) return;
    if (const auto label = type_.text("label")) options_.encoding.label = *label;
    const long size = type_.integer("label_size").value_or(0);
    if (size > 1 || (options_.encoding.label && options_.encoding.label->find(',') != std::string::npos)) {
      throw user_error("content type {}: expected one label column at most where columns are encoded", type_.to_string());
    }
    if (size == 1 && !options_.encoding.label) options_.encoding.label = "0";
  }

  formats::Encoding read() const {
    const formats::EncodingPlan& p = options_.encoding;
    if (p.columns || p.drop || p.label || p.one_hot || p.ordinal || !p.missing.empty() || !p.missing_texts.empty() ||
        options_.save_encoding) {
      throw user_error(
          "--apply-encoding {}: it says all about columns; --label, --columns, --drop, --one-hot, --ordinal, --missing, "
          "--missing-text and --save-encoding are for finding an encoding",
          *options_.apply_encoding);
    }
    return formats::encoding_from_json(read_file(*options_.apply_encoding), *options_.apply_encoding);
  }

  formats::Encoding fit(Console& console) {
    settle_label();
    for (const formats::InputFile& file : files_) {
      if (file.rewindable) continue;
      throw user_error(
          "{}: an encoding is found by reading the input twice, which a stream cannot; give a file, or an encoding found before "
          "(--apply-encoding)",
          file.name);
    }
    if (encoding_path().empty() && output_ != "-") {
      throw user_error("{}: each part has a path of its own; say with --save-encoding FILE where the encoding goes", output_);
    }
    if (!encoding_path().empty()) file_.emplace(encoding_path());
    CsvRecords records(files_, type_, team_options(), console);
    type_ = records.type();
    const auto progress = [&] {
      const std::uint64_t total = total_size(files_);
      job::Progress p;
      p.phase = "looking at columns";
      p.fraction = total == 0 ? -1 : 0.5 * static_cast<double>(records.team().bytes_consumed()) / static_cast<double>(total);
      console.progress(p);
    };
    formats::Encoding encoding = formats::fit_encoding(records, options_.encoding, progress, console);
    fitted_bytes_ = records.team().bytes_consumed();
    return encoding;
  }

  // "" for none.
  std::string encoding_path() const { return options_.encoding_file(output_); }

  void encode(const formats::RawBlock& block, EncodedBlock& out) const {
    formats::RowEncoder::Scratch scratch;
    records_->each(block, [&](const formats::CsvRecord& record) {
      formats::RecordKeys keys;
      if (stratum_) keys.stratum = formats::key_of(record.fields[*stratum_]);
      if (group_) keys.group = formats::key_of(record.fields[*group_]);
      if (encoder_->encode(record, *block.source, scratch, out.rows.bytes(), out.notes)) out.rows.end_record(keys);
    });
  }

  PrepareOptions options_;
  std::string output_;
  int threads_;
  std::vector<formats::InputFile> files_;
  formats::ContentType type_, writing_;
  bool recordio_split_ = false;
  formats::Encoding encoding_;
  std::optional<AtomicFile> file_;  // that it is saved in
  std::optional<CsvRecords> records_;
  std::optional<formats::RowEncoder> encoder_;
  std::optional<std::size_t> stratum_, group_;
  std::vector<EncodedBlock> blocks_;
  formats::EncodingNotes notes_;
  std::uint64_t fitted_bytes_ = 0;
};

}  // namespace

std::unique_ptr<RecordSupply> open_encoded_rows(const ConvertRequest& request, std::vector<formats::InputFile> files,
                                                Console& console) {
  return std::make_unique<EncodedSupply>(request, std::move(files), console);
}

}  // namespace smtrain::run
