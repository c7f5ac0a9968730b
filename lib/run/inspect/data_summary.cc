#include "run/inspect/data_summary.h"

#include <algorithm>

#include "algos/registry.h"
#include "base/error.h"
#include "base/text.h"
#include "run/input_size.h"
#include "run/input_type.h"
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

std::uint64_t bytes_to_scan(const std::vector<formats::InputFile>& files, const InspectRequest& request) {
  if (request.full) return 0;
  const bool sized = std::all_of(files.begin(), files.end(), [](const formats::InputFile& f) { return f.size.has_value(); });
  return sized && total_size(files) <= kSmallBytes ? 0 : kHeadBytes;
}

const job::ChannelSpec* train_channel(const job::Description& description) {
  for (const job::ChannelSpec& channel : description.channels) {
    if (channel.required) return &channel;
  }
  return nullptr;
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool takes(const job::ChannelSpec& channel, formats::Format format) {
  return std::any_of(channel.content_types.begin(), channel.content_types.end(),
                     [format](const std::string& type) { return formats::parse_content_type(type).format == format; });
}

std::string what_hinders(const job::Description& algorithm, const DataSummary& summary) {
  const formats::TableScan& scan = summary.scan;
  const job::ChannelSpec* channel = train_channel(algorithm);
  if (channel == nullptr) return "has no training channel";
  if (!takes(*channel, summary.type.format)) {
    return fmt::format("reads {}, not {}", join(channel->content_types, ", "), formats::mime_type(summary.type.format));
  }
  if (!scan.schema || !scan.problems.empty()) return "the data has problems";
  const std::string kind = scan.schema->sparse ? "sparse table" : "dense table";
  if (!contains(algorithm.data, kind)) return fmt::format("reads {}, not a {}", join(algorithm.data, ", "), kind);
  if (scan.all.missing + scan.all.infinite > 0) return "the data has values that are missing or not finite";
  if (channel->supervised && scan.schema->label_width == 0 && summary.type.format != formats::Format::csv) return "needs labels";
  return "";
}

std::string remark(const job::Description& algorithm, const DataSummary& summary) {
  const job::ChannelSpec* channel = train_channel(algorithm);
  const bool labels = summary.scan.schema->label_width > 0;
  if (channel->supervised && !labels) return "with its label column named: ;label_size=1 or ;header=true;label=NAME";
  if (!channel->supervised && labels) return "the labels are not used";
  return "";
}

std::vector<Fit> fits_of(const DataSummary& summary) {
  std::vector<Fit> fits;
  for (const job::Algorithm* algorithm : algos::all()) {
    const job::Description& description = algorithm->description();
    const std::string hindrance = what_hinders(description, summary);
    fits.push_back({description.name, hindrance.empty(), hindrance.empty() ? remark(description, summary) : hindrance});
  }
  return fits;
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
  summary.algorithms = fits_of(summary);
  return summary;
}

}  // namespace smtrain::run
