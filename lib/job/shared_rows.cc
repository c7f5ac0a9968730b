#include "job/shared_rows.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::job {
namespace {

using formats::Batch;

class StreamInStep final : public formats::TableStream {
 public:
  StreamInStep(std::unique_ptr<TableStream> own, const OwnFiles& what, dist::Communicator& workers)
      : own_(std::move(own)), workers_(workers), mini_batch_(what.mini_batch_size), epoch_(what.start.epoch),
        mini_batches_((what.start.records + mini_batch_ - 1) / mini_batch_), schema_(own_->schema()), type_(own_->type()) {
    agree_on_schema(what.channel);
    fingerprint_ = own_->fingerprint();
    if (what.split == formats::RankShare::Split::own) fingerprint_ = join(workers_.share(fingerprint_), "; ");
  }

  const formats::TableSchema& schema() const override { return schema_; }
  const formats::ContentType& type() const override { return type_; }
  bool next(Batch& batch) override;
  void next_epoch() override;
  bool replays() const override { return own_->replays(); }
  formats::TableCursor cursor() const override { return {epoch_, mini_batches_ * mini_batch_}; }
  std::uint64_t records() const override { return records_; }
  std::uint64_t records_total() const override { return records_total_; }
  std::uint64_t bytes_consumed() const override { return own_->bytes_consumed(); }
  std::optional<std::uint64_t> bytes_total() const override { return own_->bytes_total(); }
  const std::vector<formats::InputFile>& files() const override { return own_->files(); }
  std::string fingerprint() const override { return fingerprint_; }

 private:
  void agree_on_schema(const std::string& name);
  bool read_ahead();

  const std::unique_ptr<TableStream> own_;
  dist::Communicator& workers_;
  const std::uint64_t mini_batch_;
  std::int64_t epoch_;
  std::uint64_t mini_batches_;  // of this epoch, of all processes
  formats::TableSchema schema_;
  formats::ContentType type_;
  std::string fingerprint_;

  std::optional<Batch> ahead_;  // read, not yet delivered
  bool ended_ = false;          // this process has no more rows in this epoch
  bool between_ = true;         // no mini-batch is under way
  std::uint64_t records_ = 0, records_total_ = 0;
};

std::string first_file(const formats::TableStream& stream) {
  return stream.files().empty() ? "no file" : stream.files().front().name;
}

// What a process with rows tells the others of them.
struct OwnSchema {
  explicit OwnSchema(std::string_view text) : parts(split(text, '\n')) {}
  std::size_t width() const { return static_cast<std::size_t>(std::stoull(std::string(parts[0]))); }
  std::size_t label_width() const { return static_cast<std::size_t>(std::stoull(std::string(parts[1]))); }
  bool sparse() const { return parts[2] == "1"; }
  formats::ContentType type() const { return formats::parse_content_type(parts[3]); }
  std::string_view file() const { return parts[4]; }
  // The width is that of the largest index which this process has met.
  bool measured() const { return sparse() && type().format == formats::Format::libsvm; }

  std::vector<std::string_view> parts;
};

// Width, labels and type of each process that has rows; the lowest rank's are everyone's. Where each has measured its own files, the
// largest width is: to sparse rows it adds features that they do not have.
void StreamInStep::agree_on_schema(const std::string& name) {
  const std::string own = schema_.feature_dim == 0
                              ? ""
                              : fmt::format("{}\n{}\n{}\n{}\n{}", schema_.feature_dim, schema_.label_width, schema_.sparse ? 1 : 0,
                                            type_.to_string(), first_file(*own_));
  const std::vector<std::string> all = workers_.share(own);
  const auto first = std::find_if(all.begin(), all.end(), [](const std::string& text) { return !text.empty(); });
  if (first == all.end()) throw user_error("channel {}: holds no records: the files of all processes are empty", name);
  const OwnSchema agreed(*first);
  std::size_t width = agreed.width();
  for (std::size_t r = 0; r < all.size(); ++r) {
    if (all[r].empty()) continue;
    const OwnSchema other(all[r]);
    const bool one_width = agreed.width() == other.width() || (agreed.measured() && other.measured());
    width = std::max(width, other.width());
    if (one_width && agreed.label_width() == other.label_width()) continue;
    throw user_error("channel {}: rank {} reads {} features and {} labels ({}), rank {} reads {} and {} ({}); give files of one kind", name,
                     first - all.begin(), agreed.width(), agreed.label_width(), agreed.file(), r, other.width(), other.label_width(), other.file());
  }
  schema_.feature_dim = width;
  if (!own.empty()) return;
  schema_.label_width = agreed.label_width();
  schema_.sparse = agreed.sparse();
  type_ = agreed.type();
}

bool StreamInStep::read_ahead() {
  if (ahead_ || ended_) return ahead_.has_value();
  Batch batch;
  if (own_->next(batch)) ahead_ = std::move(batch);
  else ended_ = true;
  return ahead_.has_value();
}

bool StreamInStep::next(Batch& batch) {
  if (between_) {
    double with_rows = read_ahead() ? 1 : 0;
    workers_.allreduce(std::span(&with_rows, 1));
    if (with_rows == 0) return false;
  }
  if (read_ahead()) {
    batch = std::move(*ahead_);
    ahead_.reset();
    if (batch.sparse()) batch.cols = schema_.feature_dim;
  } else {
    batch = Batch{};
    batch.cols = schema_.feature_dim;
    batch.label_width = schema_.label_width;
  }
  between_ = batch.completes_mini_batch;
  mini_batches_ += between_ ? 1 : 0;
  records_ += batch.rows;
  records_total_ += batch.rows;
  return true;
}

void StreamInStep::next_epoch() {
  own_->next_epoch();
  ++epoch_;
  mini_batches_ = records_ = 0;
  ahead_.reset();
  ended_ = false;
  between_ = true;
}

// ---- rows in one place ---------------------------------------------------------------------------------------------------------

// On the way to the first process: a header, then for dense rows their numbers, for sparse ones indptr, indices and values.
struct Header {
  std::uint64_t rows = 0, cols = 0, entries = 0, sparse = 0;
};

template <class T>
void append(std::vector<std::byte>& bytes, const T* values, std::size_t count) {
  const auto* begin = reinterpret_cast<const std::byte*>(values);
  bytes.insert(bytes.end(), begin, begin + count * sizeof(T));
}

void pack(const Batch& batch, std::vector<std::byte>& bytes) {
  if (batch.rows == 0) return;
  const Header header{batch.rows, batch.cols, batch.sparse() ? batch.indptr[batch.rows] - batch.indptr[0] : 0, batch.sparse() ? 1u : 0u};
  append(bytes, &header, 1);
  if (!batch.sparse()) {
    for (std::size_t i = 0; i < batch.rows; ++i) append(bytes, batch.dense + i * batch.ld, batch.cols);
    return;
  }
  const auto entries = static_cast<std::size_t>(header.entries);
  append(bytes, batch.indptr, batch.rows + 1);
  append(bytes, batch.indices, entries);
  append(bytes, batch.values, entries);
}

// Arrays of their own: what was received is aligned to bytes.
struct Unpacked {
  std::vector<float> numbers;
  std::vector<std::uint64_t> indptr;
  std::vector<std::uint32_t> indices;
};

template <class T>
void take(const std::byte*& from, std::vector<T>& to, std::size_t count) {
  to.resize(count);
  if (count > 0) std::memcpy(to.data(), from, count * sizeof(T));
  from += count * sizeof(T);
}

Batch unpack(const std::byte*& from) {
  Header header;
  std::memcpy(&header, from, sizeof header);
  from += sizeof header;
  auto held = std::make_shared<Unpacked>();
  Batch batch;
  batch.rows = static_cast<std::size_t>(header.rows);
  batch.cols = batch.ld = static_cast<std::size_t>(header.cols);
  if (header.sparse == 0) {
    take(from, held->numbers, batch.rows * batch.cols);
    batch.dense = held->numbers.data();
  } else {
    const auto entries = static_cast<std::size_t>(header.entries);
    take(from, held->indptr, batch.rows + 1);
    take(from, held->indices, entries);
    take(from, held->numbers, entries);
    batch.indptr = held->indptr.data();
    batch.indices = held->indices.data();
    batch.values = held->numbers.data();
  }
  batch.owner = held;
  return batch;
}

}  // namespace

std::unique_ptr<formats::TableStream> keep_in_step(std::unique_ptr<formats::TableStream> stream, const OwnFiles& what,
                                                   dist::Communicator& workers) {
  return std::make_unique<StreamInStep>(std::move(stream), what, workers);
}

std::vector<Batch> collect_rows(std::span<const Batch> batches, dist::Communicator& workers) {
  if (workers.size() == 1) return {batches.begin(), batches.end()};
  std::vector<std::byte> own;
  for (const Batch& batch : batches) pack(batch, own);
  std::vector<Batch> all;
  for (const std::vector<std::byte>& packed : workers.collect(own)) {
    for (const std::byte* from = packed.data(); from != packed.data() + packed.size();) all.push_back(unpack(from));
  }
  return all;
}

}  // namespace smtrain::job
