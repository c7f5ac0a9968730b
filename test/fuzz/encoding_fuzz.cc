// CSV as people have it: any bytes are encoded, and again by the saved encoding to the same rows, or are a user Error. So are
// encodings, and series that lose their tail.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "formats/encoding/encoding_fit.h"
#include "formats/encoding/row_encoder.h"
#include "formats/parting/packed_rows.h"
#include "formats/parting/tail.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

std::vector<InputFile> in_memory(const std::string& bytes) {
  static const int fd = ::memfd_create("fuzz", 0);
  if (fd < 0 || ::ftruncate(fd, 0) != 0 || ::pwrite(fd, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
  InputFile file;
  file.path = "/proc/self/fd/" + std::to_string(fd);
  file.name = "fuzz";
  file.size = bytes.size();
  return {file};
}

PackedRecords encoded(const Encoding& encoding, const std::string& bytes, Log& log) {
  CsvRecords records(in_memory(bytes), ContentType{}, {}, log);
  const RowEncoder encoder(encoding, records);
  RowEncoder::Scratch scratch;
  EncodingNotes notes;
  PackedRecords rows;
  while (records.round([&](const RawBlock& block, std::size_t) {
    records.each(block, [&](const CsvRecord& record) {
      if (encoder.encode(record, "fuzz", scratch, rows.bytes(), notes)) rows.end_record({});
    });
  })) {
  }
  if (RowPacking(encoder.schema()).unpack(rows).rows != rows.size()) std::abort();
  return rows;
}

void encode(const std::string& bytes) {
  NullLog log;
  EncodingPlan plan;
  plan.one_hot = "all";
  plan.missing = {"median+indicator"};
  CsvRecords records(in_memory(bytes), ContentType{}, {}, log);
  const Encoding encoding = fit_encoding(records, plan, [] {}, log);
  if (encoding.width() > (1 << 16)) return;
  const PackedRecords rows = encoded(encoding, bytes, log);
  if (encoded(encoding_from_json(encoding_to_json(encoding), "fuzz"), bytes, log).all() != rows.all()) std::abort();
}

template <class Body>
void user_errors_only(Body&& body) {
  try {
    body();
  } catch (const Error& e) {
    if (e.fault() != Fault::user) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  user_errors_only([&] { encode(bytes); });
  user_errors_only([&] { encoding_from_json(bytes, "fuzz"); });
  user_errors_only([&] { series_without_tail(bytes, 2, "fuzz"); });
  return 0;
}
