#include "run/convert/convert_prepared.h"

#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/signals.h"
#include "base/text.h"
#include "formats/parting/record_shuffle.h"
#include "run/convert/parting.h"
#include "run/depfile.h"

namespace smtrain::run {
namespace {

void refuse_outputs(const ConvertRequest& request, const PartPlan& plan) {
  if (request.output == "-" && plan.names.size() > 1)
    throw user_error("several parts cannot all go to standard output; name an output file");
  if (request.output.find("{}") != std::string::npos && plan.names.size() == 1) {
    throw user_error("{}: {{}} stands for the name of a part; there are none without --split, --folds, --shards or --tail",
                     request.output);
  }
}

/// The records of a supply in random order.
class Shuffled {
 public:
  Shuffled(RecordSupply& supply, const CommonSettings& common, Console& console)
      : shuffle_(common.seed.value, common.memory_limit.value / 4) {
    for (formats::PackedRecords records; supply.next(records); throw_if_stopped()) {
      shuffle_.add(records);
      show_progress(supply, "shuffling", shuffle_.records(), console);
    }
    if (shuffle_.spilled() != 0) console.info("shuffled by way of {} of scratch", format_bytes(shuffle_.spilled()));
  }
  formats::RecordSource& records() { return shuffle_; }

 private:
  formats::RecordShuffle shuffle_;
};

void warn_of_empty_parts(const Parts& parts, Console& console) {
  for (std::size_t i = 0; i < parts.paths().size(); ++i) {
    if (parts.sink(i).records() == 0 && parts.paths().size() > 1) console.warning("{}: got no record", parts.paths()[i]);
  }
}

void report(const Parts& parts, const RecordSupply& supply, Console& console) {
  for (std::size_t i = 0; i < parts.paths().size(); ++i) {
    const std::string& path = parts.paths()[i];
    console.info("{}: {} of {}, {}", path == "-" ? "standard output" : path, counted(parts.sink(i).records(), "record"),
                 supply.words(), format_bytes(parts.sink(i).bytes()));
  }
}

// With the parts come the list of them and what else the supply has to save, or nothing does.
void commit(const ConvertRequest& request, Parts& parts, RecordSupply& supply) {
  std::vector<AtomicFile*> others;
  std::optional<AtomicFile> manifest;
  if (request.prepare.manifest) {
    manifest.emplace(*request.prepare.manifest);
    manifest->write(manifest_of(parts.paths()));
    others.push_back(&*manifest);
  }
  if (AtomicFile* file = supply.side_file()) others.push_back(file);
  parts.commit(others);
}

void write_rule(const ConvertRequest& request, const Parts& parts, const std::vector<formats::InputFile>& files) {
  if (!request.depfile) return;
  std::vector<std::string> inputs;
  for (const formats::InputFile& file : files) inputs.push_back(file.path);
  if (request.prepare.apply_encoding) inputs.push_back(*request.prepare.apply_encoding);
  write_depfile(*request.depfile, parts.paths(), inputs);
}

}  // namespace

void convert_prepared(const ConvertRequest& request, DataKind from, DataKind to, Console& console) {
  const PartPlan plan = plan_parts(request.prepare);
  const std::vector<formats::InputFile> files = formats::expand_path(request.input);
  refuse_outputs(request, plan);
  const std::unique_ptr<Parting> parting = make_parting(request, plan, files, from, to, console);
  const std::unique_ptr<RecordSupply> supply = open_record_supply(request, from, to, console);
  Parts parts(request.output, plan, *supply);
  std::optional<Shuffled> shuffled;
  if (request.prepare.shuffle) shuffled.emplace(*supply, request.common, console);
  formats::RecordSource& source = shuffled ? shuffled->records() : *supply;
  std::uint64_t written = 0;
  for (formats::PackedRecords records; source.next(records); throw_if_stopped()) {
    for (std::size_t i = 0; i < records.size(); ++i) parting->send(records, i, parts);
    written += records.size();
    show_progress(*supply, shuffled ? "writing" : "converting", written, console);
  }
  commit(request, parts, *supply);
  supply->finish(console);
  write_rule(request, parts, files);
  parting->warn(console);
  warn_of_empty_parts(parts, console);
  report(parts, *supply, console);
}

}  // namespace smtrain::run
