#include "formats/image/image_record_reader.h"

#include <utility>

#include "base/error.h"

namespace smtrain::formats::image {
namespace {

BlockTeamOptions team_options(int threads) {
  BlockTeamOptions options;
  options.threads = threads;
  options.max_record_bytes = recordio::kMaxPayload;
  return options;
}

}  // namespace

ImageRecordReader::ImageRecordReader(std::vector<InputFile> files, int threads, Log& log)
    : log_(log),
      stream_(std::move(files), cutter_, [this](const RawBlock& block, std::vector<PlacedRecord>& records) { parse(block, records); },
              team_options(threads)) {}

void ImageRecordReader::parse(const RawBlock& block, std::vector<PlacedRecord>& records) {
  recordio::Payloads payloads(block);
  while (payloads.next()) {
    try {
      records.push_back({{*block.source, payloads.record(), payloads.offset()}, parse_image_record(payloads.payload())});
    } catch (const Error& e) {
      throw Error(e.fault(), fmt::format("{}: {}", payloads.place(), e.what()));
    }
  }
  if (payloads.missing_padding() && !warned_padding_.exchange(true)) {
    log_.warning("{}: the padding of the last record is missing; the file may have been cut off", *block.source);
  }
}

bool ImageRecordReader::next(PlacedRecord& record) {
  if (at_ == records_.size()) {
    at_ = 0;
    if (!stream_.next(records_)) return false;
  }
  record = std::move(records_[at_++]);
  return true;
}

}  // namespace smtrain::formats::image
