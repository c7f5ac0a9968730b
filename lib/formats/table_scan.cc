#include "formats/table_scan.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <memory>

#include "base/error.h"
#include "base/parallel.h"
#include "base/signals.h"
#include "base/text.h"
#include "formats/block_feed.h"
#include "formats/scan_sums.h"
#include "formats/table_head.h"
#include "formats/table_width.h"

namespace smtrain::formats {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
constexpr std::size_t kBlocksPerThread = 2;

// One block of a round, from its bytes to its sums.
struct Slot {
  FeedBlock block;
  std::vector<float> values, labels, weights, targets;
  std::vector<std::uint64_t> qids;
  SparseRows sparse;
  std::optional<ScanSums> sums;
  std::string problem;
};

class Scanner {
 public:
  Scanner(const std::vector<InputFile>& files, const ScanOptions& options, Log& log);
  TableScan run();

 private:
  bool enough() const { return options_.max_bytes > 0 && bytes_ >= options_.max_bytes; }
  bool probe(BlockFeed& feed);
  void measure_width();
  void scan_file(std::size_t index);
  std::size_t fill_round(BlockFeed& feed, bool& ended);
  void settle_pivot(Slot& slot);
  void settle_target();
  void add_target(Slot& slot) const;
  void parse(Slot& slot) const;
  void add_block(Slot& slot) const;
  void keep_first_rows(const Slot& slot);
  void take_round(std::size_t blocks, FileScan& file);
  void add_problem(std::string text);
  void salvage(Slot& slot);
  void parse_halves(const RawBlock& block, Slot& scratch, ScanSums& sums);
  std::optional<RawBlock> first_half(const RawBlock& block);
  RawBlock rest_of(const RawBlock& block, const RawBlock& front) const;
  void finish();
  void estimate();

  const ScanOptions options_;
  Log& log_;
  TableScan result_;
  std::unique_ptr<TableParser> parser_;
  std::unique_ptr<TableParser> splitter_;  // cuts blocks out of turn, which a parser that keeps state between cuts cannot
  std::string head_;                       // what the schema was read from
  std::vector<Slot> slots_;
  std::vector<float> pivot_;
  ScanTarget target_;
  std::unique_ptr<ScanSums> sums_;
  bool by_column_ = true;
  std::uint64_t bytes_ = 0;       // decompressed bytes of records counted
  std::uint64_t disk_bytes_ = 0;  // the same as they lie on disk
};

ScanOptions passing_missing(ScanOptions options) {
  options.table.missing = Missing::passed_on;
  options.threads = std::max(options.threads, 1);
  return options;
}

std::string first_problem(const std::exception& error) {
  const Error* ours = dynamic_cast<const Error*>(&error);
  if (ours != nullptr && ours->fault() != Fault::user) throw;
  return ours == nullptr || ours->problems().empty() ? error.what() : ours->problems().front();
}

Scanner::Scanner(const std::vector<InputFile>& files, const ScanOptions& options, Log& log)
    : options_(passing_missing(options)), log_(log), parser_(make_table_parser(options_.table)) {
  for (const InputFile& file : files) result_.files.push_back({file, "", 0, false});
  slots_.resize(static_cast<std::size_t>(options_.threads) * kBlocksPerThread);
}

TableScan Scanner::run() {
  for (std::size_t i = 0; i < result_.files.size() && !enough(); ++i) scan_file(i);
  finish();
  return std::move(result_);
}

void Scanner::add_problem(std::string text) {
  if (result_.problems.size() < options_.max_problems) result_.problems.push_back(std::move(text));
  else result_.more_problems = true;
}

// False when the file holds nothing, or nothing that can be read.
bool Scanner::probe(BlockFeed& feed) {
  std::string source;
  std::span<const char> head = feed.head(kBlockBytes, source);
  if (head.empty() || result_.schema) return !head.empty();
  head = table_head(feed, *parser_, options_.table.type.format, kBlockBytes, options_.table.max_record_bytes, source);
  result_.schema = parser_->probe(head, source, log_);
  head_.assign(head.begin(), head.end());
  if (result_.schema->feature_dim == 0) measure_width();
  by_column_ = result_.schema->feature_dim <= options_.max_columns;
  settle_target();
  return true;
}

void Scanner::settle_target() {
  const TableSchema& schema = *result_.schema;
  if (!options_.target) {
    target_.wanted = by_column_ && schema.label_width == 1;
    return;
  }
  const auto& names = schema.column_names;
  const std::string& wanted = *options_.target;
  const auto named = std::find(names.begin(), names.end(), wanted);
  std::size_t column = static_cast<std::size_t>(named - names.begin());
  const bool numbered = named == names.end() &&
                        std::from_chars(wanted.data(), wanted.data() + wanted.size(), column).ptr == wanted.data() + wanted.size();
  if (named == names.end() && (!numbered || column >= schema.feature_dim)) {
    return add_problem(fmt::format("--label {}: no such column, expected {}a number from 0 to {}{}", smtrain::quoted(wanted),
                                   names.empty() ? "" : "a name or ", schema.feature_dim - 1, did_you_mean(wanted, names)));
  }
  target_ = {by_column_, column, 0};
}

// Of the bytes that the scan will see, twice what it sees to be sure; wider rows later are told as problems.
void Scanner::measure_width() {
  std::vector<InputFile> files;
  for (const FileScan& file : result_.files) files.push_back(file.file);
  const bool rewindable = std::all_of(files.begin(), files.end(), [](const InputFile& f) { return f.rewindable; });
  const WidthOptions options{options_.threads, kBlockBytes, options_.table.max_record_bytes, 2 * options_.max_bytes};
  result_.schema->feature_dim = rewindable ? measured_width(files, *parser_, files.front().name, options, log_)
                                           : measured_width(head_, *parser_, files.front().name, log_);
}

void Scanner::scan_file(std::size_t index) {
  FileScan& file = result_.files[index];
  const std::unique_ptr<ByteStream> opened = file.file.rewindable ? open_bytes(file.file) : nullptr;
  if (opened) file.compression = opened->compression();
  BlockFeed feed({file.file}, kBlockBytes, options_.table.max_record_bytes);
  feed.set_cutter(*parser_);
  try {
    bool ended = !probe(feed);
    while (!ended && !enough()) {
      throw_if_stopped();
      take_round(fill_round(feed, ended), file);
    }
    file.complete = ended;
  } catch (const Error& error) {
    add_problem(first_problem(error));
  }
  disk_bytes_ += file.compression.empty() ? 0 : feed.consumed();
}

std::size_t Scanner::fill_round(BlockFeed& feed, bool& ended) {
  std::size_t blocks = 0;
  while (blocks < slots_.size() && !enough()) {
    Slot& slot = slots_[blocks];
    try {
      ended = !feed.next(slot.block);
    } catch (...) {
      if (blocks == 0) throw;
      return blocks;  // the feed throws it again, after the blocks before it are taken
    }
    if (ended) break;
    bytes_ += slot.block.raw.bytes.size();
    ++blocks;
  }
  return blocks;
}

void Scanner::take_round(std::size_t blocks, FileScan& file) {
  if (blocks == 0) return;
  std::size_t first = 0;
  if (!sums_) {
    parse(slots_[0]);
    settle_pivot(slots_[0]);
    add_block(slots_[0]);
    first = 1;
  }
  std::atomic<std::size_t> next = first;
  ExceptionTrap trap;
  run_team(options_.threads, [&](int) {
    for (std::size_t i; (i = next.fetch_add(1)) < blocks;) {
      trap.run(i, [&] {
        parse(slots_[i]);
        add_block(slots_[i]);
      });
    }
  });
  trap.rethrow();
  for (std::size_t i = 0; i < blocks; ++i) {
    Slot& slot = slots_[i];
    file.records += slot.block.raw.records;
    if (!slot.problem.empty()) {
      salvage(slot);
      continue;
    }
    keep_first_rows(slot);
    sums_->merge(*slot.sums);
  }
}

void Scanner::parse(Slot& slot) const {
  const RawBlock& raw = slot.block.raw;
  const TableSchema& schema = *result_.schema;
  slot.problem.clear();
  try {
    if (schema.sparse) {
      slot.sparse = SparseRows();
      parser_->parse_sparse(raw, slot.sparse, log_);
      return;
    }
    slot.values.resize(raw.records * schema.feature_dim);
    slot.labels.resize(raw.records * schema.label_width);
    slot.weights.resize(schema.weights ? raw.records : 0);
    slot.qids.resize(schema.qids ? raw.records : 0);
    const DenseRun run{raw.records, slot.values.data(), schema.feature_dim, schema.label_width > 0 ? slot.labels.data() : nullptr,
                       schema.weights ? slot.weights.data() : nullptr,
                       schema.qids ? slot.qids.data() : nullptr};
    parser_->parse_dense(raw, {&run, 1}, log_);
  } catch (const Error& error) {
    slot.problem = first_problem(error);
  }
}

// A block with a bad record: halves are parsed until the bad records stand alone, or there are too many of them.
void Scanner::salvage(Slot& slot) {
  if (!splitter_) {
    NullLog quiet;
    splitter_ = make_table_parser(options_.table);
    splitter_->probe(head_, "", quiet);
  }
  Slot scratch;
  const std::string first = slot.problem;
  const std::size_t before = result_.problems.size();
  ScanSums sums(pivot_, *result_.schema, target_, options_);
  parse_halves(slot.block.raw, scratch, sums);
  if (result_.problems.size() == before && !result_.more_problems) add_problem(first);
  sums_->merge(sums);
}

void Scanner::parse_halves(const RawBlock& block, Slot& scratch, ScanSums& sums) {
  if (result_.more_problems) return;
  scratch.block.raw = block;
  parse(scratch);
  if (scratch.problem.empty()) {
    add_block(scratch);
    keep_first_rows(scratch);
    sums.merge(*scratch.sums);
    return;
  }
  if (block.records <= 1) return add_problem(std::move(scratch.problem));
  const std::optional<RawBlock> front = first_half(block);
  if (!front) return add_problem(std::move(scratch.problem));
  parse_halves(*front, scratch, sums);
  parse_halves(rest_of(block, *front), scratch, sums);
}

// Some of the records of a block, at least one and not all; nullopt when it cannot be cut so.
std::optional<RawBlock> Scanner::first_half(const RawBlock& block) {
  for (std::size_t bytes = block.bytes.size() / 2; bytes > 0 && bytes < block.bytes.size(); bytes += (block.bytes.size() - bytes + 1) / 2) {
    RawBlock front = block;
    front.bytes = block.bytes.first(bytes);
    const TableParser::Cut cut = splitter_->cut(front, false, false);
    if (cut.records == 0) continue;
    if (cut.records >= block.records || cut.skip > 0) return std::nullopt;
    front.bytes = block.bytes.first(cut.bytes);
    front.records = cut.records;
    return front;
  }
  return std::nullopt;
}

RawBlock Scanner::rest_of(const RawBlock& block, const RawBlock& front) const {
  RawBlock rest = block;
  rest.bytes = block.bytes.subspan(front.bytes.size());
  rest.records -= front.records;
  rest.offset += front.bytes.size();
  rest.first_record += front.records;
  if (block.first_line > 0) rest.first_line += static_cast<std::uint64_t>(std::count(front.bytes.begin(), front.bytes.end(), '\n'));
  return rest;
}

// Sums are taken less the first row, which is in the middle of the data more likely than zero is.
void Scanner::settle_pivot(Slot& slot) {
  const TableSchema& schema = *result_.schema;
  pivot_.assign(by_column_ ? schema.feature_dim : 1, 0.0f);
  if (by_column_ && !schema.sparse && slot.problem.empty() && !slot.values.empty()) {
    pivot_.assign(slot.values.begin(), slot.values.begin() + static_cast<std::ptrdiff_t>(schema.feature_dim));
    if (target_.column) target_.pivot = pivot_[*target_.column];
  }
  sums_ = std::make_unique<ScanSums>(pivot_, schema, target_, options_);
}

void Scanner::add_block(Slot& slot) const {
  slot.sums.emplace(pivot_, *result_.schema, target_, options_);
  if (!slot.problem.empty()) return;
  const TableSchema& schema = *result_.schema;
  ScanSums& sums = *slot.sums;
  const std::size_t rows = slot.block.raw.records, width = schema.feature_dim;
  if (schema.sparse) {
    for (std::size_t i = 0; i < slot.sparse.values.size(); ++i) {
      sums.features.add(by_column_ ? slot.sparse.indices[i] : 0, slot.sparse.values[i]);
    }
    sums.stored = slot.sparse.values.size();
  } else {
    sums.features.add_dense(slot.values.data(), by_column_ ? rows : rows * width, by_column_ ? width : 1);
    sums.stored = rows * width;
  }
  const std::vector<float>& labels = schema.sparse ? slot.sparse.labels : slot.labels;
  sums.labels.add_dense(labels.data(), schema.label_width > 0 ? rows : 0, schema.label_width);
  for (std::size_t i = 0; i < labels.size(); ++i) sums.classes[i % schema.label_width].add(labels[i], 1);
  sums.rows = rows;
  if (target_.wanted) add_target(slot);
}

void Scanner::add_target(Slot& slot) const {
  const TableSchema& schema = *result_.schema;
  const std::size_t rows = slot.block.raw.records;
  if (!target_.column) {
    slot.targets = schema.sparse ? slot.sparse.labels : slot.labels;
  } else {
    slot.targets.assign(rows, 0.0f);
    for (std::size_t i = 0; i < rows; ++i) {
      if (!schema.sparse) {
        slot.targets[i] = slot.values[i * schema.feature_dim + *target_.column];
        continue;
      }
      for (std::uint64_t k = slot.sparse.indptr[i]; k < slot.sparse.indptr[i + 1]; ++k) {
        if (slot.sparse.indices[k] == *target_.column) slot.targets[i] = slot.sparse.values[k];
      }
    }
  }
  TargetPart& part = *slot.sums->against;
  part.column.add_dense(slot.targets.data(), rows, 1);
  part.classes.add_all(slot.targets);
  if (schema.sparse) part.sums.add_sparse(slot.sparse, slot.targets);
  else part.sums.add_dense(slot.values.data(), schema.feature_dim, slot.targets);
}

void Scanner::keep_first_rows(const Slot& slot) {
  const TableSchema& schema = *result_.schema;
  const std::size_t width = by_column_ ? schema.feature_dim : 0;
  const std::vector<float>& labels = schema.sparse ? slot.sparse.labels : slot.labels;
  for (std::size_t i = 0; i < slot.block.raw.records && result_.rows.size() < options_.first_rows; ++i) {
    std::vector<float>& row = result_.rows.emplace_back(width);
    if (!schema.sparse) {
      std::copy_n(slot.values.begin() + static_cast<std::ptrdiff_t>(i * schema.feature_dim), width, row.begin());
    } else if (by_column_) {
      for (std::uint64_t k = slot.sparse.indptr[i]; k < slot.sparse.indptr[i + 1]; ++k) row[slot.sparse.indices[k]] = slot.sparse.values[k];
    }
    const auto first = labels.begin() + static_cast<std::ptrdiff_t>(i * schema.label_width);
    result_.row_labels.emplace_back(first, first + static_cast<std::ptrdiff_t>(schema.label_width));
  }
}

void Scanner::finish() {
  result_.exact = std::all_of(result_.files.begin(), result_.files.end(), [](const FileScan& f) { return f.complete; });
  for (const FileScan& file : result_.files) result_.records += file.records;
  if (!result_.exact) estimate();
  if (!sums_) return;
  const TableSchema& schema = *result_.schema;
  result_.records_read = sums_->rows;
  result_.stored = sums_->stored;
  if (by_column_) {
    for (std::size_t j = 0; j < schema.feature_dim; ++j) result_.columns.push_back(sums_->features.stats(j, sums_->rows));
    result_.all = combined(result_.columns);
  } else {
    result_.all = sums_->features.stats(0, sums_->rows * schema.feature_dim);
  }
  if (target_.wanted) {
    const TargetPart& part = *sums_->against;
    result_.target = TargetScan{target_.column, {part.column.stats(0, sums_->rows), part.classes.counts()}, part.sums.correlations()};
  }
  for (std::size_t j = 0; j < schema.label_width; ++j) {
    result_.labels.push_back({sums_->labels.stats(j, sums_->rows), sums_->classes[j].counts()});
  }
}

// Records per byte of what was read, times the bytes of all files; of compressed data by the bytes on disk.
void Scanner::estimate() {
  std::uint64_t total = 0;
  for (const FileScan& file : result_.files) {
    if (!file.file.size) return;
    total += *file.file.size;
  }
  const std::uint64_t read = disk_bytes_ > 0 ? disk_bytes_ : bytes_;
  if (read == 0) return;
  result_.estimated_records =
      static_cast<std::uint64_t>(static_cast<double>(result_.records) * (static_cast<double>(total) / static_cast<double>(read)) + 0.5);
}

}  // namespace

TableScan scan_table(const std::vector<InputFile>& files, const ScanOptions& options, Log& log) {
  return Scanner(files, options, log).run();
}

}  // namespace smtrain::formats
