// Tables out as CSV: labels first, numbers as the shortest text that reads back to the same bits.
#pragma once

#include "formats/table_writer.h"
#include "formats/text/csv_scan.h"

namespace smtrain::formats {

/// Parameters of the content type: header=true writes one (labels as label or label_0 …, features by their names or f0 …);
/// delimiter and quote as for reading. Sparse rows are written out with their zeros; numbers that are not finite as nan,
/// inf and -inf. Row weights stand behind the labels when the type has weights=1 (1 where a row has none), and are refused
/// without it, as query ids are: a reader would take them for features.
class CsvWriter final : public TableWriter {
 public:
  explicit CsvWriter(const TableWriterOptions& options);
  void begin(const Batch& first, std::string& out) override;
  void encode(const Batch& batch, std::size_t first, std::size_t count, std::string& out) const override;
  void end(std::string& out) override;

 private:
  void append_name(const std::string& name, std::string& out) const;

  TableWriterOptions options_;
  CsvDialect dialect_;
  bool header_ = false, weights_ = false;
};

}  // namespace smtrain::formats
