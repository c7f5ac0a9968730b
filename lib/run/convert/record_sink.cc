#include "run/convert/record_sink.h"

#include "formats/io/compress.h"
#include "formats/parting/packed_rows.h"
#include "formats/table_sink.h"

namespace smtrain::run {
namespace {

constexpr std::size_t kCompressedAtATime = std::size_t{1} << 20;

class RowSink final : public RecordSink {
 public:
  RowSink(const std::string& path, const formats::TableSchema& schema, const formats::TableWriterOptions& options, int threads,
          std::size_t waiting_bytes)
      : packing_(schema), sink_(path, options, threads, waiting_bytes) {}
  void write(const formats::PackedRecords& records) override { sink_.write(packing_.unpack(records)); }
  std::vector<AtomicFile*> finish() override { return {&sink_.finish()}; }
  std::uint64_t records() const override { return sink_.rows(); }
  std::uint64_t bytes() const override { return sink_.bytes(); }

 private:
  formats::RowPacking packing_;
  formats::TableSink sink_;
};

class VerbatimSink final : public RecordSink {
 public:
  VerbatimSink(const std::string& path, const std::string& header)
      : compression_(formats::compression_by_suffix(path)), file_(path), waiting_(header) {}
  void write(const formats::PackedRecords& records) override {
    records_ += records.size();
    if (compression_ == formats::Compression::none && waiting_.empty()) return file_.write(records.all());
    waiting_ += records.all();
    if (waiting_.size() >= kCompressedAtATime) flush();
  }
  std::vector<AtomicFile*> finish() override {
    // An empty file is no gzip file; one empty member is.
    if (!waiting_.empty() || (file_.size() == 0 && compression_ != formats::Compression::none)) flush();
    return {&file_};
  }
  std::uint64_t records() const override { return records_; }
  std::uint64_t bytes() const override { return file_.size(); }

 private:
  void flush() {
    std::string bytes;
    formats::append_compressed(compression_, waiting_, bytes);
    file_.write(bytes);
    waiting_.clear();
  }
  formats::Compression compression_;
  AtomicFile file_;
  std::string waiting_;
  std::uint64_t records_ = 0;
};

}  // namespace

std::unique_ptr<RecordSink> make_row_sink(const std::string& path, const formats::TableSchema& schema,
                                          const formats::TableWriterOptions& options, int threads, std::size_t waiting_bytes) {
  return std::make_unique<RowSink>(path, schema, options, threads, waiting_bytes);
}

std::unique_ptr<RecordSink> make_verbatim_sink(const std::string& path, const std::string& header) {
  return std::make_unique<VerbatimSink>(path, header);
}

}  // namespace smtrain::run
