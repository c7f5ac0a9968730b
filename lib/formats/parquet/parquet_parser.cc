#include "formats/parquet/parquet_parser.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "formats/parquet/part_rows.h"

namespace smtrain::formats {

using parquet::Part;
using parquet::PartRows;
using parquet::TableColumn;

ParquetParser::ParquetParser(const TableOptions& options)
    : options_(options), cutter_([this](const parquet::FileSummary& file, const std::string&) { return choose(file); }) {}

std::unique_ptr<ByteStream> ParquetParser::open(const InputFile& file, std::unique_ptr<ByteStream> bytes, std::string_view head) {
  return cutter_.open(file, std::move(bytes), head);
}

// All of the first file; of later ones those of the same names.
std::vector<std::size_t> ParquetParser::choose(const parquet::FileSummary& file) {
  std::vector<std::string> names;
  for (const parquet::Leaf& leaf : file.schema.leaves) names.push_back(leaf.name);
  if (leaves_.empty()) leaves_ = names;
  std::vector<std::size_t> chosen;
  for (const std::string& name : leaves_) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
      throw user_error("has no column {}, which the first file has{}", smtrain::quoted(name), did_you_mean(name, names));
    chosen.push_back(static_cast<std::size_t>(found - names.begin()));
  }
  if (names.size() != leaves_.size())
    throw user_error("{} columns, expected {} as in the first file", names.size(), leaves_.size());
  return chosen;
}

TableSchema ParquetParser::probe(std::span<const char> head, const std::string& source, Log& log) {
  const std::optional<Part> part = parquet::first_part(head);
  if (head.empty()) throw user_error("{}: holds no records", source);
  if (!part) throw user_error("{}: the first rows take {} bytes and more", source, head.size());
  for (const auto& [name, value] : options_.type.parameters) {
    if (name != "label" && name != "label_size" && name != "weights")
      log.warning("content type parameter {}={} is not known and ignored", name, smtrain::quoted(value));
  }
  plan_ = make_table_plan(*part, options_, source, log);
  return plan_.schema;
}

namespace {

// Steps through runs of rows, some rows at a time.
class RunPieces {
 public:
  explicit RunPieces(std::span<const DenseRun> runs, std::size_t label_width) : runs_(runs), label_width_(label_width) {}

  /// The next `rows` rows, which the runs must have.
  std::span<const DenseRun> next(std::size_t rows) {
    pieces_.clear();
    while (rows > 0) {
      const DenseRun& run = runs_[run_];
      const std::size_t take = std::min(rows, run.rows - row_);
      if (take > 0) pieces_.push_back(piece(run, take));
      rows -= take;
      row_ += take;
      if (row_ < run.rows) continue;
      ++run_;
      row_ = 0;
    }
    return pieces_;
  }

 private:
  DenseRun piece(const DenseRun& run, std::size_t rows) const {
    return {rows, run.values + row_ * run.ld, run.ld, run.labels == nullptr ? nullptr : run.labels + row_ * label_width_,
            run.weights == nullptr ? nullptr : run.weights + row_, nullptr};
  }

  std::span<const DenseRun> runs_;
  std::size_t label_width_, run_ = 0, row_ = 0;
  std::vector<DenseRun> pieces_;
};

}  // namespace

// Calls on_tile(rows, first, count) for the wanted rows of each part, some at a time, at most `most`.
template <class OnTile>
void ParquetParser::each_tile(const RawBlock& block, std::size_t most, Log& log, OnTile&& on_tile) const {
  const RecordRange all{0, block.records};
  const std::span<const RecordRange> wanted =
      block.wanted.empty() ? std::span(&all, 1) : std::span<const RecordRange>(block.wanted);
  std::size_t before = 0, range = 0;  // rows of the parts before; the first range that reaches beyond them
  for (const Part& part : parquet::parts_of(block)) {
    PartRows rows(plan_, part, *block.source, options_.missing, warned_integer_, log);
    const std::size_t end = before + part.rows;
    for (std::size_t r = range; r < wanted.size() && wanted[r].first < end; ++r) {
      const std::size_t last = std::min(wanted[r].first + wanted[r].count, end);
      for (std::size_t first = std::max(wanted[r].first, before), count; first < last; first += count) {
        count = std::min({last - first, rows.tile_rows(), most});
        on_tile(rows, first - before, count);
      }
      if (wanted[r].first + wanted[r].count <= end) range = r + 1;
    }
    before = end;
  }
}

void ParquetParser::parse_dense(const RawBlock& block, std::span<const DenseRun> runs, Log& log) const {
  RunPieces pieces(runs, plan_.schema.label_width);
  each_tile(block, PartRows::kMost, log,
            [&](PartRows& rows, std::size_t first, std::size_t count) { rows.fill(first, pieces.next(count)); });
}

void ParquetParser::parse_sparse(const RawBlock& block, SparseRows& out, Log& log) const {
  const std::vector<TableColumn>& columns = plan_.columns;
  const std::size_t labels = plan_.schema.label_width;
  std::vector<std::vector<float>> numbers(columns.size());
  constexpr std::size_t kFew = 1024;  // numbers of all columns are held at a time
  each_tile(block, kFew, log, [&](PartRows& rows, std::size_t first, std::size_t count) {
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (columns[c].form != TableColumn::Form::number) continue;
      numbers[c].resize(count);
      rows.numbers(c, first, numbers[c]);
    }
    for (std::size_t i = 0; i < count; ++i) {
      const auto add = [&](std::size_t place, float x) {
        if (x == 0.0f) return;
        out.indices.push_back(static_cast<std::uint32_t>(place));
        out.values.push_back(x);
      };
      out.labels.resize(out.labels.size() + labels);
      for (std::size_t c = 0; c < columns.size(); ++c) {
        if (columns[c].role == TableColumn::Role::weight) out.weights.push_back(numbers[c][i]);
        else if (columns[c].role == TableColumn::Role::label)
          out.labels[out.labels.size() - labels + columns[c].place] = numbers[c][i];
        else if (columns[c].form == TableColumn::Form::number) add(columns[c].place, numbers[c][i]);
        else rows.entries(c, first + i, add);
      }
      out.indptr.push_back(out.values.size());
    }
  });
}

}  // namespace smtrain::formats
