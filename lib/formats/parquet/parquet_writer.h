// ParquetWriter: tables as Parquet (share/doc/formats/parquet.md).
#pragma once

#include <string>
#include <vector>

#include "formats/parquet/column_writer.h"
#include "formats/table_writer.h"

namespace smtrain::formats {

/// Dense rows: required float32 columns, labels first (label, or label_0, label_1, ...), then weight, then the features by name,
/// or f0, f1, .... Sparse rows: the labels and weight, and a column features of Spark's vectors. Row groups of some MiB with
/// pages of 1 MiB, statistics and checksums; dictionaries where numbers repeat. compression=zstd (default), snappy, gzip or none
/// of the content type.
class ParquetWriter final : public TableWriter {
 public:
  explicit ParquetWriter(const TableWriterOptions& options);

  void begin(const Batch& first, std::string& out) override;
  void encode(const Batch& batch, std::size_t first, std::size_t count, std::string& out) const override;
  void end(std::string& out) override;
  std::size_t chunk_numbers() const override { return std::size_t{8} << 20; }
  void place(std::string& chunk) override;
  bool compresses() const override { return true; }

 private:
  struct Group {
    std::uint64_t rows = 0, begin = 0;
    std::vector<parquet::WrittenColumn> columns;
  };
  void append_dense(const Batch& batch, std::size_t first, std::size_t count, std::string& out,
                    std::vector<parquet::WrittenColumn>& columns) const;
  void append_vectors(const Batch& batch, std::size_t first, std::size_t count, std::string& out,
                      std::vector<parquet::WrittenColumn>& columns) const;
  void name_columns(const Batch& first);

  parquet::Codec codec_;
  std::vector<std::string> feature_names_;
  std::vector<std::string> names_;    // of the scalar columns
  bool sparse_ = false;
  std::size_t labels_ = 0;
  bool weights_ = false;
  std::vector<Group> groups_;
  std::uint64_t at_ = 0;              // where the next row group begins
};

}  // namespace smtrain::formats
