// Any bytes are lines of a manifest, a stream of attribute records, or a user Error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "formats/manifest/augmented_manifest.h"
#include "formats/text/lines.h"
#include "fuzz_help.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

const std::vector<std::string> kNames = {"source-ref", "class"};

void lines_of(std::string_view text) {
  for (Lines lines(text, 1); lines.next();) {
    fuzz::accepts([&] { (void)guess_attributes(lines.line(), "fuzz:1"); });
    fuzz::accepts([&] {
      const ManifestLine line = parse_manifest_line(lines.line(), kNames, "fuzz:1");
      if (line.attributes.size() != 2 || !line.attributes[0].reference || line.attributes[1].reference) std::abort();
      (void)class_map_of(line);
      const std::string path = reference_path(line.attributes[0], "fuzz:1", "/data", {{"s3://b", "/data/b"}});
      if (line.attributes[0].text.starts_with("s3://b/") && !path.starts_with("/data/b")) std::abort();
    });
  }
}

void records_of(std::string_view bytes) {
  AttributeCutter cutter(kNames, 1 << 20);
  RawBlock block{{bytes.data(), bytes.size()}, std::make_shared<const std::string>("fuzz"), 0, 0, 0, 0};
  const RecordCutter::Cut cut = cutter.cut(block, true, true);
  if (cut.bytes != bytes.size()) std::abort();
  block.records = cut.records;
  std::vector<AttributeSample> samples;
  cutter.parse(block, samples);
  if (samples.size() != cut.records) std::abort();
  std::string again;
  for (const AttributeSample& sample : samples) append_attribute_records(again, sample);
  std::vector<AttributeSample> read;
  RawBlock second{{again.data(), again.size()}, block.source, 0, 0, 0, 0};
  second.records = cutter.cut(second, true, true).records;
  cutter.parse(second, read);
  if (read.size() != samples.size()) std::abort();
  for (std::size_t i = 0; i < read.size(); ++i) {
    if (read[i].values != samples[i].values) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  lines_of(text);
  fuzz::accepts([&] { records_of(text); });
  return 0;
}
