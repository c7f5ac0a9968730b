// Rows of a table of any format, parted by numbers.
#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "formats/parting/packed_rows.h"
#include "formats/text/column_list.h"
#include "run/convert/convert_table.h"
#include "run/convert/record_supply.h"
#include "run/input_type.h"

namespace smtrain::run {
namespace {

/// A column of batches.
struct BatchColumn {
  bool label = false;
  std::size_t place = 0;  // among the labels or the features

  float of(const formats::Batch& batch, std::size_t row) const {
    if (label) return batch.labels[row * batch.label_width + place];
    if (!batch.sparse()) return batch.dense[row * batch.ld + place];
    const std::uint32_t* begin = batch.indices + (batch.indptr[row] - batch.indptr[0]);
    const std::uint32_t* end = batch.indices + (batch.indptr[row + 1] - batch.indptr[0]);
    const std::uint32_t* found = std::lower_bound(begin, end, place);
    return found == end || *found != place ? 0 : batch.values[found - batch.indices];
  }
};

// The columns of a CSV count as they stand in the file, labels among them.
std::vector<std::size_t> label_columns(const formats::ContentType& type, const formats::TableSchema& schema) {
  std::vector<std::size_t> labels;
  if (type.format != formats::Format::csv) return labels;
  const auto named = type.text("label");
  for (std::size_t i = 0; i < schema.label_width && !named; ++i) labels.push_back(i);
  if (!named) return labels;
  for (const std::string_view part : split(*named, ',')) {
    const auto feature = std::find(schema.column_names.begin(), schema.column_names.end(), trim(part));
    if (feature == schema.column_names.end() && trim(part).find_first_not_of("-0123456789") == std::string_view::npos) {
      labels.push_back(formats::parse_column(trim(part), {}, schema.feature_dim + schema.label_width, "label"));
    }
  }
  return labels;
}

BatchColumn find_column(const std::string& name, const formats::ContentType& type, const formats::TableSchema& schema,
                        const char* flag) {
  if (name == "label" || type.text("label") == name) {
    if (schema.label_width == 0) throw user_error("{} {}: the input has no labels, as {}", flag, name, type.to_string());
    return {true, 0};
  }
  const std::vector<std::size_t> labels = label_columns(type, schema);
  if (const auto named = std::find(schema.column_names.begin(), schema.column_names.end(), name);
      named != schema.column_names.end()) {
    return {false, static_cast<std::size_t>(named - schema.column_names.begin())};
  }
  const std::size_t column = formats::parse_column(name, labels.empty() ? schema.column_names : std::vector<std::string>{},
                                                   schema.feature_dim + labels.size(), flag);
  const auto label = std::find(labels.begin(), labels.end(), column);
  if (label != labels.end()) return {true, static_cast<std::size_t>(label - labels.begin())};
  return {false, column - static_cast<std::size_t>(
                              std::count_if(labels.begin(), labels.end(), [&](std::size_t l) { return l < column; }))};
}

class TableSupply final : public RecordSupply {
 public:
  TableSupply(const ConvertRequest& request, const std::vector<formats::InputFile>& files, Console& console)
      : options_(),
        threads_(request.common.threads.value),
        stream_(formats::open_table_stream(
            request.input, false,
            table_reading(with_labels_settled(input_type(request.content_type, files), console), request.common), console)),
        packing_(stream_->schema()) {
    options_ = table_writing(output_type(request.to, request.output), request.recordio_split, stream_->schema());
    if (request.prepare.stratify)
      stratum_ = find_column(*request.prepare.stratify, stream_->type(), stream_->schema(), "--stratify");
    if (request.prepare.group) group_ = find_column(*request.prepare.group, stream_->type(), stream_->schema(), "--group");
  }

  bool next(formats::PackedRecords& records) override {
    records.clear();
    formats::Batch batch;
    if (!stream_->next(batch)) return false;
    for (std::size_t row = 0; row < batch.rows; ++row) {
      formats::RecordKeys keys;
      if (stratum_) keys.stratum = formats::key_of(stratum_->of(batch, row));
      if (group_) keys.group = formats::key_of(group_->of(batch, row));
      packing_.append(batch, row, records.bytes());
      records.end_record(keys);
    }
    return true;
  }
  std::unique_ptr<RecordSink> make_sink(const std::string& path, std::size_t waiting_bytes) const override {
    return make_row_sink(path, stream_->schema(), options_, threads_, waiting_bytes);
  }
  std::uint64_t bytes_read() const override { return stream_->bytes_consumed(); }
  std::uint64_t bytes_to_read() const override { return stream_->bytes_total().value_or(0); }
  std::string words() const override { return columns_in_words(stream_->schema()); }

 private:
  formats::TableWriterOptions options_;
  int threads_;
  std::unique_ptr<formats::TableStream> stream_;
  formats::RowPacking packing_;
  std::optional<BatchColumn> stratum_, group_;
};

}  // namespace

std::unique_ptr<RecordSupply> open_table_rows(const ConvertRequest& request, const std::vector<formats::InputFile>& files,
                                              Console& console) {
  return std::make_unique<TableSupply>(request, files, console);
}

}  // namespace smtrain::run
