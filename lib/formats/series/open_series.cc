#include <algorithm>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "formats/io/file_head.h"
#include "formats/series/series_readers.h"

namespace smtrain::formats {
namespace {

bool deepar_reads(const InputFile& file) {
  const auto format = format_by_suffix(file.name);
  return format == Format::json || format == Format::jsonlines || format == Format::parquet;
}

bool is_parquet(const InputFile& file) {
  if (const auto format = format_by_suffix(file.name)) return format == Format::parquet;
  if (!file.rewindable) return false;
  const std::string head = file_head(file, 4);
  return head == "PAR1";
}

// Files of either format, one run of them after the other.
class ChainedReader final : public SeriesReader {
 public:
  ChainedReader(std::vector<InputFile> files, const BlockTeamOptions& options, Log& log)
      : files_(std::move(files)), options_(options), log_(log) {}

  bool next(std::vector<Series>& series) override {
    while (reader_ || open_run()) {
      if (reader_->next(series)) {
        for (const Series& s : series) shape_.check(s);
        return true;
      }
      done_ += reader_->bytes_consumed();
      reader_.reset();
    }
    series.clear();
    return false;
  }
  std::uint64_t bytes_consumed() const override { return done_ + (reader_ ? reader_->bytes_consumed() : 0); }

 private:
  bool open_run() {
    if (at_ == files_.size()) return false;
    const bool parquet = is_parquet(files_[at_]);
    std::vector<InputFile> run;
    do {
      run.push_back(files_[at_++]);
    } while (at_ < files_.size() && is_parquet(files_[at_]) == parquet);
    reader_ = parquet ? open_parquet_series(std::move(run), options_) : open_json_series(std::move(run), options_, log_);
    return true;
  }

  std::vector<InputFile> files_;
  BlockTeamOptions options_;
  Log& log_;
  std::size_t at_ = 0;
  std::uint64_t done_ = 0;
  std::unique_ptr<SeriesReader> reader_;
  SeriesShape shape_;
};

}  // namespace

std::unique_ptr<SeriesReader> open_series(std::vector<InputFile> files, const BlockTeamOptions& options, Log& log) {
  return std::make_unique<ChainedReader>(std::move(files), options, log);
}

std::vector<InputFile> series_files(std::vector<InputFile> files, bool given, Log& log) {
  if (given || files.size() <= 1) return files;
  const std::string first = files.front().name;
  const std::size_t skipped = std::erase_if(files, [](const InputFile& file) { return !deepar_reads(file); });
  if (files.empty()) {
    throw user_error(
        "{}: and {} more: none ends with .json, .json.gz or .parquet, which DeepAR reads; rename them, or name their content "
        "type",
        first, skipped - 1);
  }
  if (skipped > 0) log.info("{} that end neither with .json, .json.gz nor .parquet are left out", counted(skipped, "file"));
  return files;
}

}  // namespace smtrain::formats
