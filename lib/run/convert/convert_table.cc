#include "run/convert/convert_table.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/error.h"
#include "base/signals.h"
#include "base/text.h"
#include "formats/io/input_files.h"
#include "formats/table_sink.h"
#include "formats/table_stream.h"
#include "run/depfile.h"
#include "run/input_type.h"
#include "run/requests.h"
#include "run/table_input.h"

namespace smtrain::run {
namespace {

using Clock = std::chrono::steady_clock;

// Large enough that both threads of a batch have several chunks to encode, small enough to stay near the caches.
constexpr std::uint64_t kPieceBytes = std::uint64_t{8} << 20;
// A format of large blocks gets what makes one for each of two threads.
constexpr std::uint64_t kLargePieceBytes = std::uint64_t{64} << 20;
constexpr std::size_t kWholeChannel = std::size_t{1} << 40;

void report_progress(const formats::TableStream& stream, Console& console) {
  const auto total = stream.bytes_total();
  job::Progress progress;
  progress.phase = "converting";
  progress.fraction = total && *total > 0
                          ? std::min(1.0, static_cast<double>(stream.bytes_consumed()) / static_cast<double>(*total))
                          : -1;
  progress.records = stream.records();
  console.progress(progress);
}

void report_done(const ConvertRequest& request, const formats::TableStream& stream, const formats::TableSink& sink,
                 double seconds, Console& console) {
  const double megabytes = static_cast<double>(stream.bytes_consumed()) / 1e6;
  console.info("{}: {} records of {}, {} written in {:.2f} s ({:.0f} MB/s of input)",
               request.output == "-" ? "standard output" : request.output, grouped(sink.rows()),
               columns_in_words(stream.schema()), format_bytes(sink.bytes()), seconds, megabytes / std::max(seconds, 1e-9));
}

std::vector<std::string> paths_of(const std::vector<formats::InputFile>& files) {
  std::vector<std::string> paths;
  for (const formats::InputFile& file : files) paths.push_back(file.path);
  return paths;
}

}  // namespace

formats::ContentType with_labels_settled(formats::ContentType type, Log& log) {
  if (!formats::has_columns(type.format) || type.parameters.contains("label_size") || type.parameters.contains("label")) {
    return type;
  }
  type.parameters["label_size"] = "0";
  log.info("no label_size given: all columns are features, as in {}; say --content-type \"{};label_size=1\" when the "
           "first column is the label",
           type.to_string(), formats::mime_type(type.format));
  return type;
}

formats::TableStreamOptions table_reading(const formats::ContentType& type, const CommonSettings& common) {
  formats::TableStreamOptions options;
  options.table.type = type;
  options.mini_batch_size = kWholeChannel;
  options.epochs = 1;
  options.threads = common.threads.value;
  options.piece_bytes = kPieceBytes;
  options.block_bytes = std::size_t{1} << 20;
  return options;
}

formats::TableWriterOptions table_writing(const formats::ContentType& type, bool split, const formats::TableSchema& schema) {
  formats::TableWriterOptions options;
  options.type = type;
  options.recordio_split = split;
  options.column_names = schema.column_names;
  return options;
}

std::string columns_in_words(const formats::TableSchema& schema) {
  std::string words = fmt::format("{} {}features", grouped(schema.feature_dim), schema.sparse ? "sparse " : "");
  if (schema.label_width > 0) words += fmt::format(" and {} label{}", schema.label_width, schema.label_width == 1 ? "" : "s");
  return words;
}

void convert_table(const ConvertRequest& request, DataKind, DataKind, Console& console) {
  const Clock::time_point start = Clock::now();
  const std::vector<formats::InputFile> files = formats::expand_path(request.input);
  const formats::ContentType to = output_type(request.to, request.output);
  const formats::ContentType from = with_labels_settled(input_type(request.content_type, files), console);
  announce_terminal_input(request.input, console);
  formats::TableStreamOptions reading = table_reading(from, request.common);
  if (to.format == formats::Format::parquet) reading.piece_bytes = kLargePieceBytes;
  const auto stream = formats::open_table_stream(request.input, false, reading, console);
  formats::TableSink sink(request.output, table_writing(to, request.recordio_split, stream->schema()),
                          request.common.threads.value);
  for (formats::Batch batch; stream->next(batch); throw_if_stopped()) {
    sink.write(batch);
    report_progress(*stream, console);
  }
  sink.commit();
  if (request.depfile) write_depfile(*request.depfile, request.output, paths_of(files));
  report_done(request, *stream, sink, std::chrono::duration<double>(Clock::now() - start).count(), console);
}

}  // namespace smtrain::run
