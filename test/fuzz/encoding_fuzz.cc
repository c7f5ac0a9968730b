// CSV as people have it: any bytes are encoded, and again by the saved encoding to the same rows, or are a user Error. So are
// encodings, and series that lose their tail.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "formats/encoding/encoding_fit.h"
#include "formats/encoding/row_encoder.h"
#include "formats/parting/packed_rows.h"
#include "formats/parting/tail.h"
#include "fuzz_help.h"
#include "record_file.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

PackedRecords encoded(const Encoding& encoding, const InputFile& file, Log& log) {
  CsvRecords records({file}, ContentType{}, {}, log);
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

void encode(const InputFile& file) {
  NullLog log;
  EncodingPlan plan;
  plan.one_hot = "all";
  plan.missing = {"median+indicator"};
  CsvRecords records({file}, ContentType{}, {}, log);
  const Encoding encoding = fit_encoding(records, plan, [] {}, log);
  if (encoding.width() > (1 << 16)) return;
  const PackedRecords rows = encoded(encoding, file, log);
  if (encoded(encoding_from_json(encoding_to_json(encoding), "fuzz"), file, log).all() != rows.all()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(fuzz::text_of(data, size));
  const fuzz::RecordFile file(bytes);
  fuzz::accepts([&] { encode(file.input()); });
  fuzz::accepts([&] { encoding_from_json(bytes, "fuzz"); });
  fuzz::accepts([&] { series_without_tail(bytes, 2, "fuzz"); });
  return 0;
}
