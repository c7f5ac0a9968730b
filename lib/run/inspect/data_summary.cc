#include "run/inspect/data_summary.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "run/input_size.h"
#include "run/input_type.h"
#include "run/inspect/fit.h"
#include "run/table_input.h"

namespace smtrain::run {
namespace {

constexpr std::uint64_t kHeadBytes = std::uint64_t{8} << 20;
constexpr std::uint64_t kGuessBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kSmallBytes = std::uint64_t{64} << 20;

formats::ScanOptions options_of(const formats::ContentType& type, std::uint64_t max_bytes, const InspectRequest& request) {
  formats::ScanOptions options;
  options.table.type = type;
  options.max_bytes = max_bytes;
  options.threads = request.common.threads.value;
  options.target = request.label;
  return options;
}

// Columns without a label_size have no label here: they are shown as they stand.
formats::ContentType as_read(formats::ContentType type) {
  if (formats::has_columns(type.format) && !type.parameters.contains("label_size") && !type.parameters.contains("label")) {
    type.parameters["label_size"] = "0";
  }
  return type;
}

// How well a guess reads: a table without problems is best, then a wider one.
struct Quality {
  bool sound = false;
  std::size_t columns = 0;
};

Quality try_type(const formats::ContentType& type, const std::vector<formats::InputFile>& files, const InspectRequest& request) {
  NullLog quiet;
  formats::ScanOptions options = options_of(as_read(type), kGuessBytes, request);
  options.target.reset();
  const formats::TableScan scan = formats::scan_table({files.front()}, options, quiet);
  return {scan.schema && scan.problems.empty(), scan.schema ? scan.schema->feature_dim : 0};
}

// The plain form unless it fails where another one succeeds, or another separator gives several columns where it has one.
formats::ContentType guess_csv(const formats::ContentType& plain, const std::vector<formats::InputFile>& files,
                               const InspectRequest& request) {
  const Quality first = try_type(plain, files, request);
  if (first.sound && first.columns > 1) return plain;
  for (const char* delimiter : {"", ";", "tab", "|", "space"}) {
    for (const bool header : {false, true}) {
      formats::ContentType type = plain;
      if (*delimiter != '\0') type.parameters["delimiter"] = delimiter;
      if (header) type.parameters["header"] = "true";
      const Quality quality = try_type(type, files, request);
      if (quality.sound && (quality.columns > 1 || (!first.sound && *delimiter == '\0'))) return type;
    }
  }
  return plain;
}

void settle_type(DataSummary& summary, const std::vector<formats::InputFile>& files, const InspectRequest& request) {
  summary.type = input_type(request.content_type, files);
  summary.type_given = request.content_type.has_value();
  const bool bare_csv = summary.type.format == formats::Format::csv && !summary.type_given;
  if (!bare_csv || !files.front().rewindable) return;
  const formats::ContentType plain = summary.type;
  summary.type = guess_csv(plain, files, request);
  if (summary.type.parameters != plain.parameters) {
    summary.notes.push_back(fmt::format("reads as \"{}\"; training needs that said, with --content-type", summary.type.to_string()));
  }
}

// What training must be told of the content type; "" where it finds out by itself.
std::string type_for_training(const DataSummary& summary, const std::vector<formats::InputFile>& files) {
  const std::string type = summary.type.to_string();
  if (!files.front().rewindable) return type;
  try {
    return input_type(std::nullopt, files).to_string() == type ? "" : type;
  } catch (const Error& error) {
    if (error.fault() != Fault::user) throw;
    return type;
  }
}

std::uint64_t bytes_to_scan(const std::vector<formats::InputFile>& files, const InspectRequest& request) {
  if (request.full) return 0;
  const bool sized = std::all_of(files.begin(), files.end(), [](const formats::InputFile& f) { return f.size.has_value(); });
  return sized && total_size(files) <= kSmallBytes ? 0 : kHeadBytes;
}

// What readers say belongs to the answer.
class NoteLog final : public Log {
 public:
  explicit NoteLog(Log& next) : next_(next) {}
  void write(Level level, std::string_view line) override {
    if (level == Level::warning) notes.emplace_back(line);
    else next_.write(level, line);
  }
  std::vector<std::string> notes;

 private:
  Log& next_;
};

}  // namespace

DataSummary summarize_data(const InspectRequest& request, Log& log) {
  const std::vector<formats::InputFile> files = formats::expand_path(request.path);
  DataSummary summary;
  announce_terminal_input(request.path, log);
  summary.path = request.path;
  summary.bytes = total_size(files);
  settle_type(summary, files, request);
  NoteLog notes(log);
  summary.scan = formats::scan_table(files, options_of(as_read(summary.type), bytes_to_scan(files, request), request), notes);
  summary.notes.insert(summary.notes.end(), notes.notes.begin(), notes.notes.end());
  if (!summary.scan.schema && summary.scan.problems.empty()) summary.scan.problems.push_back(request.path + ": holds no records");
  summary.algorithms = fits_of_table({summary.type, type_for_training(summary, files), summary.scan});
  return summary;
}

}  // namespace smtrain::run
