#include "formats/parquet/parquet_writer.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "formats/parquet/thrift.h"

namespace smtrain::formats {
namespace {

using parquet::Codec;
using parquet::PhysicalType;
using parquet::ThriftType;
using parquet::ThriftWriter;
using parquet::WrittenColumn;

constexpr std::string_view kMagic = "PAR1";
constexpr std::size_t kColumnsTogether = 16;  // gathered at a time: as many as share a line of a row's cache

// Spark's vector: a structure of type (0 sparse, 1 dense), size, indices and values.
constexpr const char* kVector = "features";
constexpr const char* kMembers[][4] = {{"type"}, {"size"}, {"indices", "list", "element"}, {"values", "list", "element"}};

Codec codec_named(const std::optional<std::string>& name) {
  const std::string text = to_lower(name.value_or("zstd"));
  if (text == "zstd") return Codec::zstd;
  if (text == "snappy") return Codec::snappy;
  if (text == "gzip") return Codec::gzip;
  if (text == "none" || text == "uncompressed") return Codec::uncompressed;
  throw user_error("content type parameter compression={}: expected zstd, snappy, gzip or none", smtrain::quoted(*name));
}

// What a chunk ends with until it is placed: its columns and rows.
struct Trailer {
  std::uint64_t rows = 0, columns = 0;
};

void append_trailer(std::string& out, const std::vector<WrittenColumn>& columns, std::size_t rows) {
  const Trailer trailer{rows, columns.size()};
  out.append(reinterpret_cast<const char*>(columns.data()), columns.size() * sizeof(WrittenColumn));
  out.append(reinterpret_cast<const char*>(&trailer), sizeof trailer);
}

enum class Converted : std::int32_t { none = -1, list = 3, int8 = 15 };

void append_element(ThriftWriter& out, std::string_view name, std::optional<PhysicalType> type, parquet::Repetition repetition,
                    int children, Converted converted = Converted::none) {
  out.begin();
  if (type) out.i32(1, static_cast<std::int32_t>(*type));
  out.i32(3, static_cast<std::int32_t>(repetition));
  out.text(4, name);
  if (children > 0) out.i32(5, children);
  if (converted != Converted::none) out.i32(6, static_cast<std::int32_t>(converted));
  out.end();
}

void append_vector_elements(ThriftWriter& out) {
  using parquet::Repetition;
  append_element(out, kVector, {}, Repetition::optional, 4);
  append_element(out, "type", PhysicalType::int32, Repetition::required, 0, Converted::int8);
  append_element(out, "size", PhysicalType::int32, Repetition::optional, 0);
  for (const auto& [name, type] : {std::pair{"indices", PhysicalType::int32}, std::pair{"values", PhysicalType::float64}}) {
    append_element(out, name, {}, Repetition::optional, 1, Converted::list);
    append_element(out, "list", {}, Repetition::repeated, 1);
    append_element(out, "element", type, Repetition::required, 0);
  }
}

// What makes Spark read the structure as a vector.
std::string spark_schema(const std::vector<std::string>& names) {
  std::string fields;
  for (const std::string& name : names)
    fields += fmt::format(R"({{"name":{},"type":"float","nullable":false,"metadata":{{}}}},)", json_quoted(name));
  return fmt::format(
      R"({{"type":"struct","fields":[{}{{"name":"{}","type":{{"type":"udt","class":"org.apache.spark.ml.linalg.VectorUDT",)"
      R"("pyClass":"pyspark.ml.linalg.VectorUDT","sqlType":{{"type":"struct","fields":[)"
      R"({{"name":"type","type":"byte","nullable":false,"metadata":{{}}}},{{"name":"size","type":"integer","nullable":true,"metadata":{{}}}},)"
      R"({{"name":"indices","type":{{"type":"array","elementType":"integer","containsNull":false}},"nullable":true,"metadata":{{}}}},)"
      R"({{"name":"values","type":{{"type":"array","elementType":"double","containsNull":false}},"nullable":true,"metadata":{{}}}}]}}}},)"
      R"("nullable":true,"metadata":{{}}}}]}})",
      fields, kVector);
}

void append_path(ThriftWriter& out, std::size_t column, const std::vector<std::string>& names) {
  if (column < names.size()) {
    out.list(3, ThriftType::binary, 1);
    out.text(names[column]);
    return;
  }
  const auto& member = kMembers[column - names.size()];
  const auto parts = static_cast<std::size_t>(
      std::count_if(std::begin(member), std::end(member), [](const char* part) { return part != nullptr; }));
  out.list(3, ThriftType::binary, parts + 1);
  out.text(kVector);
  for (std::size_t i = 0; i < parts; ++i) out.text(member[i]);
}

void append_range(ThriftWriter& out, const WrittenColumn& column) {
  const auto bytes = [](const float& x) { return std::string_view(reinterpret_cast<const char*>(&x), sizeof x); };
  out.begin(12);
  out.i64(3, 0);
  out.text(5, bytes(column.max));
  out.text(6, bytes(column.min));
  out.end();
}

void append_column(ThriftWriter& out, const WrittenColumn& column, std::uint64_t group_begin, std::size_t index,
                   const std::vector<std::string>& names) {
  using parquet::Encoding;
  out.begin();
  out.i64(2, 0);
  out.begin(3);
  out.i32(1, static_cast<std::int32_t>(column.type));
  out.list(2, ThriftType::i32, column.dictionary ? 3 : 2);
  out.i32(static_cast<std::int32_t>(Encoding::plain));
  out.i32(static_cast<std::int32_t>(Encoding::rle));
  if (column.dictionary) out.i32(static_cast<std::int32_t>(Encoding::rle_dictionary));
  append_path(out, index, names);
  out.i32(4, static_cast<std::int32_t>(column.codec));
  out.i64(5, static_cast<std::int64_t>(column.values));
  out.i64(6, static_cast<std::int64_t>(column.uncompressed));
  out.i64(7, static_cast<std::int64_t>(column.compressed));
  out.i64(9, static_cast<std::int64_t>(group_begin + column.data_begin));
  if (column.dictionary) out.i64(11, static_cast<std::int64_t>(group_begin + column.begin));
  if (column.has_range) append_range(out, column);
  out.end();
  out.end();
}

}  // namespace

ParquetWriter::ParquetWriter(const TableWriterOptions& options)
    : codec_(codec_named(options.type.text("compression"))), feature_names_(options.column_names) {}

void ParquetWriter::name_columns(const Batch& first) {
  std::set<std::string> taken;
  // Names that stand twice, or are those of labels, go on with a number, as readers do it.
  const auto add = [&](const std::string& wanted) {
    std::string name = wanted;
    for (int i = 1; !taken.insert(name).second; ++i) name = fmt::format("{}_{}", wanted, i);
    names_.push_back(name);
  };
  for (std::size_t i = 0; i < labels_; ++i) add(labels_ == 1 ? "label" : fmt::format("label_{}", i));
  if (weights_) add("weight");
  if (sparse_) return;
  const bool named = feature_names_.size() == first.cols;
  for (std::size_t i = 0; i < first.cols; ++i) add(named ? feature_names_[i] : fmt::format("f{}", i));
}

void ParquetWriter::begin(const Batch& first, std::string& out) {
  if (first.qids != nullptr) {
    throw user_error("Parquet has no column for query ids (qid); write libsvm or JSON Lines, or leave them out where they are read: ;qid=0 in the "
                     "content type of the input");
  }
  sparse_ = first.sparse();
  labels_ = first.labels == nullptr ? 0 : first.label_width;
  weights_ = first.weights != nullptr;
  name_columns(first);
  out += kMagic;
  at_ = kMagic.size();
}

void ParquetWriter::encode(const Batch& batch, std::size_t first, std::size_t count, std::string& out) const {
  if (count == 0) return;
  if (!out.empty()) throw internal_error("a row group of Parquet in the middle of a chunk");
  std::vector<WrittenColumn> columns;
  std::vector<float> values(count);
  for (std::size_t k = 0; k < labels_; ++k) {
    for (std::size_t i = 0; i < count; ++i) values[i] = batch.labels[(first + i) * labels_ + k];
    columns.push_back(parquet::append_floats(out, values, codec_));
  }
  if (weights_) columns.push_back(parquet::append_floats(out, {batch.weights + first, count}, codec_));
  if (sparse_) append_vectors(batch, first, count, out, columns);
  else append_dense(batch, first, count, out, columns);
  append_trailer(out, columns, count);
}

void ParquetWriter::append_dense(const Batch& batch, std::size_t first, std::size_t count, std::string& out,
                                 std::vector<WrittenColumn>& columns) const {
  std::vector<float> gathered(kColumnsTogether * count);
  for (std::size_t begin = 0; begin < batch.cols; begin += kColumnsTogether) {
    const std::size_t width = std::min(kColumnsTogether, batch.cols - begin);
    for (std::size_t i = 0; i < count; ++i) {
      const float* const row = batch.dense + (first + i) * batch.ld + begin;
      for (std::size_t k = 0; k < width; ++k) gathered[k * count + i] = row[k];
    }
    for (std::size_t k = 0; k < width; ++k)
      columns.push_back(parquet::append_floats(out, {gathered.data() + k * count, count}, codec_));
  }
}

void ParquetWriter::append_vectors(const Batch& batch, std::size_t first, std::size_t count, std::string& out,
                                   std::vector<WrittenColumn>& columns) const {
  if (batch.cols > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw user_error("{} features; a sparse vector in Parquet has at most {}", batch.cols,
                     std::numeric_limits<std::int32_t>::max());
  }
  const std::vector<std::int32_t> types(count, 0), sizes(count, static_cast<std::int32_t>(batch.cols));
  const auto flat = [&](std::uint32_t level) {
    return parquet::Levels{{}, std::vector<std::uint32_t>(count, level), 0, static_cast<int>(level)};
  };
  columns.push_back(parquet::append_nested<std::int32_t>(out, types, count, flat(1), codec_));
  columns.push_back(parquet::append_nested<std::int32_t>(out, sizes, count, flat(2), codec_));
  parquet::Levels levels{{}, {}, 1, 3};
  const std::uint64_t base = batch.indptr[0], begin = batch.indptr[first] - base, end = batch.indptr[first + count] - base;
  std::vector<std::int32_t> indices(batch.indices + begin, batch.indices + end);
  std::vector<double> values(batch.values + begin, batch.values + end);
  for (std::size_t i = first; i < first + count; ++i) {
    const std::uint64_t entries = batch.indptr[i + 1] - batch.indptr[i];
    levels.repetition.push_back(0);
    levels.definition.push_back(entries == 0 ? 2 : 3);
    for (std::uint64_t k = 1; k < entries; ++k) {
      levels.repetition.push_back(1);
      levels.definition.push_back(3);
    }
  }
  columns.push_back(parquet::append_nested<std::int32_t>(out, indices, levels.repetition.size(), levels, codec_));
  columns.push_back(parquet::append_nested<double>(out, values, levels.repetition.size(), levels, codec_));
}

void ParquetWriter::place(std::string& chunk) {
  if (chunk.empty()) return;
  Trailer trailer;
  std::size_t end = chunk.size() - sizeof trailer;
  std::memcpy(&trailer, chunk.data() + end, sizeof trailer);
  Group& group = groups_.emplace_back();
  group.rows = trailer.rows;
  group.begin = at_;
  group.columns.resize(trailer.columns);
  end -= trailer.columns * sizeof(WrittenColumn);
  std::memcpy(group.columns.data(), chunk.data() + end, trailer.columns * sizeof(WrittenColumn));
  chunk.resize(end);
  at_ += end;
}

void ParquetWriter::end(std::string& out) {
  ThriftWriter footer;
  footer.begin();
  footer.i32(1, 1);
  footer.list(2, ThriftType::structure, 1 + names_.size() + (sparse_ ? 9 : 0));
  append_element(footer, "schema", {}, parquet::Repetition::required, static_cast<int>(names_.size() + (sparse_ ? 1 : 0)));
  for (const std::string& name : names_) append_element(footer, name, PhysicalType::float32, parquet::Repetition::required, 0);
  if (sparse_) append_vector_elements(footer);
  std::uint64_t rows = 0;
  for (const Group& group : groups_) rows += group.rows;
  footer.i64(3, static_cast<std::int64_t>(rows));
  footer.list(4, ThriftType::structure, groups_.size());
  for (const Group& group : groups_) {
    std::uint64_t uncompressed = 0, compressed = 0;
    footer.begin();
    footer.list(1, ThriftType::structure, group.columns.size());
    for (std::size_t c = 0; c < group.columns.size(); ++c) {
      append_column(footer, group.columns[c], group.begin, c, names_);
      uncompressed += group.columns[c].uncompressed;
      compressed += group.columns[c].compressed;
    }
    footer.i64(2, static_cast<std::int64_t>(uncompressed));
    footer.i64(3, static_cast<std::int64_t>(group.rows));
    footer.i64(5, static_cast<std::int64_t>(group.begin));
    footer.i64(6, static_cast<std::int64_t>(compressed));
    footer.end();
  }
  if (sparse_) {
    footer.list(5, ThriftType::structure, 1);
    footer.begin();
    footer.text(1, "org.apache.spark.sql.parquet.row.metadata");
    footer.text(2, spark_schema(names_));
    footer.end();
  }
  footer.text(6, "smtrain");
  // Numbers are ordered as their type is.
  const std::size_t leaves = names_.size() + (sparse_ ? 4 : 0);
  footer.list(7, ThriftType::structure, leaves);
  for (std::size_t i = 0; i < leaves; ++i) {
    footer.begin();
    footer.begin(1);
    footer.end();
    footer.end();
  }
  footer.end();
  const auto size = static_cast<std::uint32_t>(footer.bytes().size());
  out += footer.bytes();
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
  out += kMagic;
}

}  // namespace smtrain::formats
