// The one list of formats that can be read and written as tables.
#include "base/error.h"
#include "formats/json/json_parser.h"
#include "formats/json/json_writer.h"
#include "formats/matrix/matrix_market_parser.h"
#include "formats/matrix/matrix_market_writer.h"
#include "formats/matrix/npy_parser.h"
#include "formats/matrix/npy_writer.h"
#include "formats/parquet/parquet_parser.h"
#include "formats/parquet/parquet_writer.h"
#include "formats/recordio/recordio_parser.h"
#include "formats/recordio/recordio_writer.h"
#include "formats/table_parser.h"
#include "formats/table_writer.h"
#include "formats/text/csv_parser.h"
#include "formats/text/csv_writer.h"
#include "formats/text/libsvm_parser.h"
#include "formats/text/libsvm_writer.h"

namespace smtrain::formats {

std::unique_ptr<TableParser> make_table_parser(const TableOptions& options) {
  switch (options.type.format) {
    case Format::csv: return std::make_unique<CsvParser>(options);
    case Format::libsvm: return std::make_unique<LibsvmParser>(options);
    case Format::recordio_protobuf: return std::make_unique<RecordIoParser>(options);
    case Format::json: return std::make_unique<JsonParser>(options);
    case Format::jsonlines: return std::make_unique<JsonLinesParser>(options);
    case Format::parquet: return std::make_unique<ParquetParser>(options);
    case Format::npy: return std::make_unique<NpyParser>(options);
    case Format::matrix_market: return std::make_unique<MatrixMarketParser>(options);
    default: throw user_error("content type {} is no table of numbers", options.type.to_string());
  }
}

std::unique_ptr<TableWriter> make_table_writer(const TableWriterOptions& options) {
  switch (options.type.format) {
    case Format::csv: return std::make_unique<CsvWriter>(options);
    case Format::libsvm: return std::make_unique<LibsvmWriter>(options);
    case Format::recordio_protobuf: return std::make_unique<RecordIoWriter>(options);
    case Format::jsonlines: return std::make_unique<JsonLinesWriter>(options);
    case Format::parquet: return std::make_unique<ParquetWriter>(options);
    case Format::npy: return std::make_unique<NpyWriter>();
    case Format::matrix_market: return std::make_unique<MatrixMarketWriter>();
    case Format::json:
      throw user_error("content type {} is read only, since a JSON document ends where its list does; write JSON Lines: a name that ends in .jsonl, or "
                       "application/jsonlines", options.type.to_string());
    default: break;
  }
  throw user_error("content type {} cannot be written; known: text/csv, text/libsvm, application/x-recordio-protobuf, application/jsonlines, "
                   "application/x-parquet, application/x-npy, application/x-matrix-market",
                   options.type.to_string());
}

}  // namespace smtrain::formats
