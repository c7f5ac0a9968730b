#include "formats/words/translations.h"

#include <atomic>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "formats/recordio/frame_cutter.h"
#include "formats/recordio/framing.h"
#include "formats/recordio/record.h"

namespace smtrain::formats {
namespace {

using recordio::NumberType;
using recordio::Record;

void read_side(std::span<const char> payload, std::string_view name, Record& record, std::vector<std::int32_t>& ids) {
  recordio::decode_record(payload, {}, record, name);
  const recordio::Tensor& tensor = record.features;
  if (!record.has_features || tensor.type == NumberType::none || tensor.type == NumberType::bytes) {
    throw user_error("features: {}, expected integers under the keys \"source\" and \"target\"",
                     record.has_features ? fmt::format("no numbers under {}", smtrain::quoted(name))
                                         : fmt::format("no key {}", smtrain::quoted(name)));
  }
  const std::string path = fmt::format("features.{}.{}", name, recordio::name_of(tensor.type));
  if (!tensor.keys.empty()) throw user_error("{}.keys: {} keys, expected none: a sequence is dense", path, tensor.keys.size());
  if (!recordio::to_int32(tensor, ids)) throw user_error("{}.values: a value is no integer of 32 bits, expected token ids", path);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0) throw user_error("{}.values[{}]: found {}, expected a token id from 0", path, i, ids[i]);
  }
  if (ids.empty()) throw user_error("{}.values: no token, expected at least one", path);
}

}  // namespace

void append_translation(std::string& out, const Translation& translation, bool split) {
  const recordio::NamedIntegers features[] = {{"source", translation.source}, {"target", translation.target}};
  std::string payload;
  recordio::append_integer_record(payload, features);
  recordio::append_frame(out, payload, split);
}

bool holds_translations(std::span<const char> head) {
  try {
    recordio::Frame frame;
    if (recordio::read_frame(head, false, recordio::kMaxPayload, "", frame) != recordio::FrameState::complete) return false;
    const std::string joined = frame.split ? recordio::join(head.first(frame.size)) : std::string();
    const std::span<const char> payload = frame.split ? std::span<const char>(joined) : frame.payload;
    Record record;
    std::vector<std::int32_t> ids;
    read_side(payload, "source", record, ids);
    read_side(payload, "target", record, ids);
    return true;
  } catch (const Error&) {
    return false;
  }
}

class TranslationReader::Source {
 public:
  Source(std::vector<InputFile> files, const BlockTeamOptions& options, Log& log)
      : cutter_(options.max_record_bytes),
        stream_(std::move(files), cutter_,
                [this, &log](const RawBlock& block, std::vector<Translation>& out) { parse(block, log, out); }, options) {}
  RecordStream<Translation>& stream() { return stream_; }

 private:
  void parse(const RawBlock& block, Log& log, std::vector<Translation>& out) const {
    Record record;
    for (recordio::Payloads payloads(block); payloads.next();) {
      const std::span<const char> payload(payloads.payload());
      try {
        Translation& pair = out.emplace_back();
        read_side(payload, "source", record, pair.source);
        read_side(payload, "target", record, pair.target);
      } catch (const Error& e) {
        throw Error(e.fault(), fmt::format("{}: {}", payloads.place(), e.what()));
      }
      if (payloads.missing_padding() && !warned_padding_.exchange(true)) {
        log.warning("{}: the padding of the last record is missing; the file may have been cut off", *block.source);
      }
    }
  }

  recordio::FrameCutter cutter_;
  RecordStream<Translation> stream_;
  mutable std::atomic<bool> warned_padding_{false};
};

TranslationReader::TranslationReader(std::vector<InputFile> files, const BlockTeamOptions& options, Log& log)
    : source_(std::make_unique<Source>(std::move(files), options, log)) {}
TranslationReader::~TranslationReader() = default;
bool TranslationReader::next(std::vector<Translation>& translations) { return source_->stream().next(translations); }
std::uint64_t TranslationReader::bytes_consumed() const { return source_->stream().team().bytes_consumed(); }

}  // namespace smtrain::formats
