#include "formats/table_stream.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/parallel.h"
#include "base/signals.h"
#include "formats/block_feed.h"
#include "formats/io/byte_stream.h"
#include "formats/io/fingerprint.h"
#include "formats/parquet/columns.h"
#include "formats/read_ahead.h"
#include "formats/row_cache.h"
#include "formats/row_store.h"
#include "formats/table_head.h"
#include "formats/table_width.h"

namespace smtrain::formats {
namespace {

constexpr std::size_t kHeadBytes = std::size_t{1} << 20;
// A pipe that ends within so many bytes is seen whole before its first row is used.
constexpr std::size_t kWholePipeBytes = std::size_t{64} << 20;
// Rows of a round beyond which it takes no more blocks than there are threads: those of formats that are cut at groups of
// records may be large.
constexpr std::size_t kRoundBytes = std::size_t{32} << 20;
constexpr std::size_t kPipeBlockBytes = std::size_t{1} << 20;  // what a slow writer must have written before rows are seen

// Blocks a team takes between two emissions: enough that the last block of a round costs little, few enough that memory
// stays bounded with many threads.
std::size_t blocks_per_round(int threads) {
  const std::size_t t = static_cast<std::size_t>(threads);
  return t <= 4 ? 4 * t : t <= 16 ? 2 * t : t;
}

// One parsing thread's place.
struct Worker {
  FeedBlock block;
  RowTarget target;
  std::size_t rows = 0;  // of the block that are parsed
  std::size_t order = 0;
};

// The FIFO of a later epoch may not exist yet: poll, as the container contract has it.
void wait_for_fifo(const std::string& path, Log& log) {
  struct stat status {};
  for (int polls = 0; ::stat(path.c_str(), &status) != 0; ++polls) {
    throw_if_stopped();
    if (polls == 20) log.info("waiting for the FIFO {}", path);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

// The FIFOs of epochs that are done: a reader that closes early sends the writer on to the next one.
void pass_fifos(const std::string& path, std::int64_t epochs, Log& log) {
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
    const std::string fifo = fmt::format("{}_{}", path, epoch);
    wait_for_fifo(fifo, log);
    char first = 0;
    (void)open_bytes({fifo, fifo, false, std::nullopt})->read(std::span(&first, 1));
  }
}

class TableStreamImpl final : public TableStream {
 public:
  TableStreamImpl(const std::string& path, bool pipe_mode, const TableStreamOptions& options, Log& log);

  const TableSchema& schema() const override { return schema_; }
  const ContentType& type() const override { return options_.table.type; }
  bool next(Batch& batch) override;
  void next_epoch() override;
  bool replays() const override { return !pipe_mode_; }
  TableCursor cursor() const override;
  std::uint64_t records() const override { return records_; }
  std::uint64_t records_total() const override { return records_total_; }
  std::uint64_t bytes_consumed() const override {
    return feed_ ? std::min(feed_->consumed(), bytes_total().value_or(feed_->consumed())) : 0;
  }
  std::optional<std::uint64_t> bytes_total() const override { return bytes_total_; }
  const std::vector<InputFile>& files() const override { return files_; }
  std::string fingerprint() const override { return fingerprint_; }

 private:
  void open_files();
  void take_own_files();
  void make_feed();
  void guess_format(std::span<const char> head, const std::string& source);
  void read_schema();
  void measure_width(const std::string& source);
  void start_feed();
  void skip_to_start();
  bool keeps_rows() const { return options_.epochs - options_.start.epoch > 1 && !pipe_mode_; }
  /// Other processes read other files, so this one may be without rows.
  bool may_be_empty() const { return options_.share.size > 1 && options_.share.split != RankShare::Split::ranges; }

  bool next_piece(Batch& batch);
  bool next_tail(Batch& batch);
  void fill();
  bool round_is_full();
  bool take(Worker& worker, ExceptionTrap& trap);
  void place(Worker& worker);
  void cut();

  const std::string path_;
  const bool pipe_mode_;
  TableStreamOptions options_;
  Log& log_;

  RowShare share_;
  std::vector<InputFile> files_;
  std::string fingerprint_;
  std::optional<std::uint64_t> bytes_total_;
  bool rewindable_ = true;
  std::unique_ptr<TableParser> parser_;
  TableSchema schema_;
  std::unique_ptr<BlockFeed> feed_;
  std::unique_ptr<ReadAhead> read_ahead_;

  // The round under way; guarded by mutex_ while the team runs.
  std::mutex mutex_;
  std::vector<Worker> workers_;
  std::size_t round_taken_ = 0;
  std::uint64_t round_begin_ = 0;
  std::size_t order_ = 0;
  bool ended_ = false;

  std::unique_ptr<RowStore> store_;
  std::size_t row_bytes_ = 1;
  std::deque<Batch> ready_;
  std::uint64_t rows_to_pass_ = 0;  // at the start of an epoch: not parsed, since they are kept or done

  std::int64_t epoch_ = 0;  // from options_.start.epoch
  RowCache cache_;
  struct Mark {
    RowShare::Place place;
    FeedPosition position;
  };
  std::vector<Mark> marks_;  // where reading can start again for what the cache does not hold

  std::uint64_t records_ = 0, records_total_ = 0;
  std::uint64_t mini_batches_ = 0;       // of this epoch, delivered or done before
  std::uint64_t records_to_drop_ = 0;    // of a resumed epoch: parsed, since later epochs need them, but not delivered
};

TableStreamImpl::TableStreamImpl(const std::string& path, bool pipe_mode, const TableStreamOptions& options, Log& log)
    : path_(path), pipe_mode_(pipe_mode), options_(options), log_(log), share_(options.mini_batch_size, options.share),
      cache_(options.cache_bytes, log) {
  options_.threads = std::max(options_.threads, 1);
  options_.block_bytes = std::max<std::size_t>(options_.block_bytes, 1);
  workers_.resize(static_cast<std::size_t>(options_.threads));
  if (pipe_mode_) pass_fifos(path_, options_.start.epoch, log_);
  open_files();
  make_feed();
  read_schema();
  row_bytes_ = schema_.sparse ? 1 : (schema_.feature_dim + schema_.label_width + 1) * sizeof(float);
  const RowGeometry geometry(share_.local_mini_batch(), row_bytes_, options_.piece_bytes);
  store_ = make_row_store(schema_, geometry, has_lines(options_.table.type.format), options_.piece_bytes);
  start_feed();
  skip_to_start();
}

void TableStreamImpl::open_files() {
  if (pipe_mode_) {
    const std::string fifo = fmt::format("{}_{}", path_, options_.start.epoch + epoch_);
    wait_for_fifo(fifo, log_);
    files_ = {InputFile{fifo, fifo, false, std::nullopt, options_.record_wrapper}};
  } else {
    files_ = may_be_empty() ? expand_path_if_any(path_) : expand_path(path_);
    fingerprint_ = fingerprint_of(files_);
    if (options_.share.split == RankShare::Split::files) take_own_files();
  }
  std::uint64_t bytes = 0;
  bool known = true;
  for (const InputFile& file : files_) {
    rewindable_ = rewindable_ && file.rewindable;
    known = known && file.size.has_value();
    bytes += file.size.value_or(0);
  }
  if (known) bytes_total_ = bytes;
}

void TableStreamImpl::take_own_files() {
  std::vector<InputFile> own;
  for (std::size_t i = static_cast<std::size_t>(options_.share.rank); i < files_.size(); i += static_cast<std::size_t>(options_.share.size)) {
    own.push_back(files_[i]);
  }
  files_ = std::move(own);
}

void TableStreamImpl::make_feed() {
  const std::size_t block = rewindable_ ? options_.block_bytes : std::min(options_.block_bytes, kPipeBlockBytes);
  feed_ = std::make_unique<BlockFeed>(files_, block, options_.table.max_record_bytes);
  if (parser_) feed_->set_cutter(*parser_);
}

void TableStreamImpl::guess_format(std::span<const char> head, const std::string& source) {
  const std::optional<Format> format = format_by_content(head);
  if (!format || !is_table(*format)) {
    throw user_error("{}: looks like {}, which is no table that can be read; name the format with --content-type, for example "
                     "text/csv;label_size=0", source, describe_content(head));
  }
  options_.table.type = {*format, {}};
}

void TableStreamImpl::read_schema() {
  std::string source;
  std::span<const char> head = feed_->head(kHeadBytes, source);
  if (head.empty() && may_be_empty()) return;
  if (head.empty()) throw user_error("{}: holds no records: {}", path_, files_.size() == 1 ? "the file is empty" : "all files are empty");
  if (options_.guess_format) guess_format(head, source);
  parser_ = make_table_parser(options_.table);
  feed_->set_cutter(*parser_);
  // The cutter may have rearranged the bytes.
  head = table_head(*feed_, *parser_, options_.table.type.format, kHeadBytes, options_.table.max_record_bytes, source);
  schema_ = parser_->probe(head, source, log_);
  if (schema_.feature_dim == 0) measure_width(source);
  // FIFOs may bring the same files in another order in each epoch.
  if (pipe_mode_) fingerprint_ = fmt::format("FIFOs, {} features", schema_.feature_dim);
  else if (fingerprint_.empty()) fingerprint_ = fingerprint_of_head(head);
}

// All processes measure the files of all, so that they agree.
void TableStreamImpl::measure_width(const std::string& source) {
  if (rewindable_) {
    const WidthOptions options{options_.threads, options_.block_bytes, options_.table.max_record_bytes, 0};
    const bool shared = options_.share.split == RankShare::Split::files;
    schema_.feature_dim = measured_width(shared ? expand_path(path_) : files_, *parser_, path_, options, log_);
    feed_->set_cutter(*parser_);
    return;
  }
  std::string name;
  const std::span<const char> head = feed_->head(kWholePipeBytes, name);
  if (files_.size() > 1 || head.size() == kWholePipeBytes) {
    throw user_error("{}: the number of features is that of the largest index, which a stream tells only at its end; give feature_dim, in the "
                     "content type if need be ({};feature_dim=N), or a file", source, options_.table.type.to_string());
  }
  schema_.feature_dim = measured_width(head, *parser_, source, log_);
}

void TableStreamImpl::start_feed() {
  store_->begin_at(0);
  share_.go_to({});
  ended_ = parser_ == nullptr;  // no file has a record
  // A pipe may block while there are rows to work on; with one thread there is nobody to wait beside.
  if (!rewindable_ && options_.threads > 1) {
    read_ahead_ = std::make_unique<ReadAhead>(*feed_, blocks_per_round(options_.threads));
  }
}

// Rows before the start are read over: unseen where no later epoch needs them, else parsed and kept but not delivered.
void TableStreamImpl::skip_to_start() {
  if (options_.start.records == 0) return;
  const std::uint64_t b = options_.mini_batch_size;
  mini_batches_ = (options_.start.records + b - 1) / b;
  const std::uint64_t rows = options_.share.size <= 1 ? options_.start.records : mini_batches_ * share_.local_mini_batch();
  if (keeps_rows()) {
    records_to_drop_ = rows;
    return;
  }
  records_ = rows;
  rows_to_pass_ = rows;
  store_->begin_at(rows);
}

TableCursor TableStreamImpl::cursor() const {
  const std::int64_t epoch = options_.start.epoch + epoch_;
  if (options_.share.size <= 1) return {epoch, records_};
  return {epoch, mini_batches_ * options_.mini_batch_size};
}

void TableStreamImpl::next_epoch() {
  ++epoch_;
  records_ = 0;
  mini_batches_ = 0;
  records_to_drop_ = 0;
  if (pipe_mode_) {
    read_ahead_.reset();
    ready_.clear();
    open_files();
    make_feed();
    start_feed();
    return;
  }
  // What an epoch broken off early has not read is read now: later epochs rest on what this one keeps.
  if (epoch_ == 1) {
    if (!keeps_rows()) throw internal_error("a second epoch of a stream opened for one");
    while (!ended_) fill();
  }
  ready_.clear();
  cache_.rewind();
  if (!cache_.full() || !rewindable_) {
    ended_ = true;
    return;
  }
  const auto after = std::upper_bound(marks_.begin(), marks_.end(), cache_.rows(),
                                      [](std::uint64_t row, const Mark& m) { return row < m.place.taken; });
  const Mark& mark = *std::prev(after);
  feed_->restart(mark.position);
  ended_ = false;
  share_.go_to(mark.place);
  rows_to_pass_ = cache_.rows() - mark.place.taken;
  store_->begin_at(cache_.rows());
}

bool TableStreamImpl::next(Batch& batch) {
  while (next_piece(batch)) {
    records_ += batch.rows;
    if (records_to_drop_ > 0) {
      records_to_drop_ -= std::min<std::uint64_t>(records_to_drop_, batch.rows);
      continue;
    }
    records_total_ += batch.rows;
    mini_batches_ += batch.completes_mini_batch ? 1 : 0;
    return true;
  }
  // Of a shared reading the last mini-batch, and so the start behind it, may hold fewer rows than it stands for.
  if (options_.share.size <= 1 && records_to_drop_ + rows_to_pass_ > 0) {
    throw user_error("{}: ends before record {}, up to which the run that is resumed had read it; give the same data", path_,
                     options_.start.records);
  }
  return false;
}

bool TableStreamImpl::next_piece(Batch& batch) {
  for (;;) {
    if (epoch_ > 0 && cache_.next(batch)) return true;
    if (!ready_.empty()) {
      batch = std::move(ready_.front());
      ready_.pop_front();
      return true;
    }
    if (epoch_ > 0 && cache_.next_spooled(batch)) return true;
    if (ended_) return next_tail(batch);
    fill();
  }
}

// Other processes have rows of the last mini-batch, this one has none.
bool TableStreamImpl::next_tail(Batch& batch) {
  if (share_.takes_all() || mini_batches_ * options_.mini_batch_size >= share_.place().read) return false;
  batch = Batch{};
  batch.cols = schema_.feature_dim;
  batch.label_width = schema_.label_width;
  return true;
}

void TableStreamImpl::fill() {
  throw_if_stopped();
  round_taken_ = 0;
  round_begin_ = store_->rows_placed();
  ExceptionTrap trap;
  // The read-ahead thread counts: what it copies and decompresses, a parsing thread does not.
  const int team = read_ahead_ ? options_.threads - 1 : options_.threads;
  run_team(team, [&](int index) {
    Worker& worker = workers_[static_cast<std::size_t>(index)];
    while (take(worker, trap)) {
      if (worker.rows == 0) continue;
      trap.run(worker.order, [&] {
        if (schema_.sparse) parser_->parse_sparse(worker.block.raw, *worker.target.sparse, log_);
        else parser_->parse_dense(worker.block.raw, worker.target.runs, log_);
      });
    }
  });
  trap.rethrow();
  cut();
}

// Rows that have come out of a pipe do not wait for those that have not.
bool TableStreamImpl::round_is_full() {
  if (round_taken_ == 0) return false;
  if (!rewindable_ && (!read_ahead_ || !read_ahead_->ready())) return true;
  if (round_taken_ >= workers_.size() && (store_->rows_placed() - round_begin_) * row_bytes_ >= kRoundBytes) return true;
  return round_taken_ == blocks_per_round(options_.threads);
}

// Reads the next block and gives its rows a place; blocks are taken in file order, one thread at a time.
bool TableStreamImpl::take(Worker& worker, ExceptionTrap& trap) {
  std::lock_guard lock(mutex_);
  if (ended_ || trap.caught() || round_is_full()) return false;
  worker.order = order_++;
  bool taken = false;
  trap.run(worker.order, [&] {
    taken = read_ahead_ ? read_ahead_->next(worker.block) : feed_->next(worker.block);
    if (taken) place(worker);
    else ended_ = true;
  });
  if (taken) ++round_taken_;
  return taken;
}

void TableStreamImpl::place(Worker& worker) {
  RawBlock& raw = worker.block.raw;
  if (epoch_ == 0 && keeps_rows()) marks_.push_back({share_.place(), worker.block.position});
  raw.wanted.clear();
  worker.rows = share_.select(raw.records, rows_to_pass_, raw.wanted);
  if (worker.rows == 0) return;
  if (has_lines(options_.table.type.format) && !raw.one_line_each()) {
    raw.line_of = std::make_shared<const std::vector<std::uint64_t>>(parser_->record_lines(raw));
  }
  store_->place(raw, worker.rows, worker.target);
  if (worker.rows == raw.records) raw.wanted.clear();
}

void TableStreamImpl::cut() {
  const std::size_t before = ready_.size();
  std::uint64_t first_row = store_->rows_cut();
  store_->cut(ended_, ready_);
  if (epoch_ > 0 || !keeps_rows()) return;
  for (std::size_t i = before; i < ready_.size(); ++i) {
    cache_.keep(ready_[i], first_row, !rewindable_);
    first_row += ready_[i].rows;
  }
}

}  // namespace

std::unique_ptr<TableStream> open_table_stream(const std::string& path, bool pipe_mode, const TableStreamOptions& options,
                                               Log& log) {
  return std::make_unique<TableStreamImpl>(path, pipe_mode, options, log);
}

}  // namespace smtrain::formats
