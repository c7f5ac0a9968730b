#include "run/convert/parting.h"

#include <algorithm>

#include "base/error.h"
#include "base/signals.h"
#include "base/text.h"
#include "formats/io/file_head.h"
#include "formats/parting/dealer.h"
#include "formats/parting/tail.h"
#include "run/input_type.h"

namespace smtrain::run {
namespace {

constexpr std::size_t kHeadBytes = std::size_t{64} << 10;

class NoParting final : public Parting {
 public:
  void send(const formats::PackedRecords& records, std::size_t i, Parts& parts) override { parts.write(0, records[i]); }
};

class Dealing final : public Parting {
 public:
  Dealing(const ConvertRequest& request, const PartPlan& plan)
      : options_(request.prepare), dealer_({plan.shares, request.common.seed.value, plan.in_turn, options_.group.has_value()}) {}
  void send(const formats::PackedRecords& records, std::size_t i, Parts& parts) override {
    parts.write(dealer_.part_of(records.keys(i)), records[i]);
  }
  void warn(Console& console) const override {
    if (!options_.stratify || dealer_.thin_strata() == 0) return;
    console.warning("--stratify {}: {} of {} values have fewer {} than there are parts, so that some part has none of them",
                    *options_.stratify, grouped(dealer_.thin_strata()), grouped(dealer_.strata()),
                    options_.group ? "groups" : "records");
  }

 private:
  PrepareOptions options_;
  formats::Dealer dealer_;
};

/// The last records, of each group, are for tests. The input is read once more, to count.
class TailOfRecords final : public Parting {
 public:
  TailOfRecords(const ConvertRequest& request, DataKind from, DataKind to, Console& console)
      : length_(static_cast<std::uint64_t>(*request.prepare.tail)), tail_(length_) {
    const std::unique_ptr<RecordSupply> supply = open_record_supply(request, from, to, console);
    std::uint64_t counted_so_far = 0;
    for (formats::PackedRecords records; supply->next(records); throw_if_stopped()) {
      for (std::size_t i = 0; i < records.size(); ++i) tail_.count(records.keys(i));
      show_progress(*supply, "counting", counted_so_far += records.size(), console);
    }
  }
  void send(const formats::PackedRecords& records, std::size_t i, Parts& parts) override {
    parts.write(tail_.holds_next(records.keys(i)) ? 1 : 0, records[i]);
  }
  void warn(Console& console) const override {
    if (tail_.short_groups() == 0) return;
    console.warning("--tail {}: {} no more records than that; none of them is in the training part", length_,
                    tail_.short_groups() == 1 ? "1 group has" : grouped(tail_.short_groups()) + " groups have");
  }

 private:
  std::uint64_t length_;
  formats::RecordTail tail_;
};

/// The last values of each series are for tests, which have the whole series, as DeepAR's test channel wants it.
class TailOfSeries final : public Parting {
 public:
  TailOfSeries(const ConvertRequest& request, std::string source)
      : length_(static_cast<std::uint64_t>(*request.prepare.tail)), source_(std::move(source)) {}
  void send(const formats::PackedRecords& records, std::size_t i, Parts& parts) override {
    parts.write(1, records[i]);
    ++records_;
    const std::string place = fmt::format("{}, record {}", source_, records_);
    if (const auto begun = formats::series_without_tail(records[i], length_, place)) parts.write(0, *begun + "\n");
    else ++short_;
  }
  void warn(Console& console) const override {
    if (short_ == 0) return;
    console.warning("--tail {}: {} of {} series have no more values than that and are not in the training part", length_,
                    grouped(short_), grouped(records_));
  }

 private:
  std::uint64_t length_, records_ = 0, short_ = 0;
  std::string source_;
};

// The first record of JSON Lines tells.
bool holds_series(const formats::InputFile& file) {
  if (!file.rewindable || type_by_suffix(file.path).value_or(formats::ContentType{}).format != formats::Format::jsonlines) return false;
  std::string head = formats::file_head(file, kHeadBytes);
  head.resize(std::min(head.find('\n'), head.size()));
  return head.find("\"start\"") != std::string::npos && head.find("\"target\"") != std::string::npos;
}

void refuse_streams(const std::vector<formats::InputFile>& files) {
  for (const formats::InputFile& file : files) {
    if (!file.rewindable)
      throw user_error("{}: --tail counts the records before it parts them, which takes a file and no stream", file.name);
  }
}

}  // namespace

std::unique_ptr<Parting> make_parting(const ConvertRequest& request, const PartPlan& plan,
                                      const std::vector<formats::InputFile>& files, DataKind from, DataKind to,
                                      Console& console) {
  if (request.prepare.tail && (from == DataKind::series || (from == DataKind::table && holds_series(files.front())))) {
    if (from != DataKind::series) console.info("{}: --tail takes the last values of each series, as its records are DeepAR's", request.input);
    if (request.prepare.group) throw user_error("--group: each series is a group by itself; leave it out with --tail");
    return std::make_unique<TailOfSeries>(request, files.size() == 1 ? files.front().name : request.input);
  }
  if (request.prepare.tail) {
    refuse_streams(files);
    return std::make_unique<TailOfRecords>(request, from, to, console);
  }
  if (plan.names.size() == 1) return std::make_unique<NoParting>();
  return std::make_unique<Dealing>(request, plan);
}

}  // namespace smtrain::run
