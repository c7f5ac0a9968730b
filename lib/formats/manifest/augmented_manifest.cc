#include "formats/manifest/augmented_manifest.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "formats/json/json_members.h"
#include "formats/json/json_row.h"
#include "formats/recordio/framing.h"
#include "formats/text/lines.h"

namespace smtrain::formats {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::string_view kRef = "-ref", kMetadata = "-metadata";
constexpr std::size_t kMaxLine = std::size_t{64} << 20;

object object_of_line(simdjson::dom::parser& parser, std::string_view line, const std::string& place) {
  object members;
  const simdjson::error_code error = parser.parse(line.data(), line.size()).get(members);
  if (error == simdjson::MEMALLOC)
    throw machine_error("{}: not enough memory for a line of {}", place, format_bytes(line.size()));
  if (error != simdjson::SUCCESS) {
    throw user_error("{}: expected a JSON object on each line, such as {}: {}", place,
                     R"({"source-ref":"s3://b/x.jpg","class":"0"})", to_lower(simdjson::error_message(error)));
  }
  return members;
}

std::string listed(object members) {
  std::string text;
  for (const auto& [key, value] : members) text += (text.empty() ? "" : ", ") + smtrain::quoted(key);
  return text.empty() ? "none" : text;
}

std::string compact(element value) { return simdjson::minify(value); }

Attribute attribute_of(object members, const std::string& name, const std::string& place) {
  const auto found = json_find(members, name);
  if (!found) {
    throw user_error("{}: has no attribute {}, which AttributeNames lists; it has: {}", place, smtrain::quoted(name),
                     listed(members));
  }
  Attribute attribute{name.ends_with(kRef), ""};
  std::string_view text;
  if (found->get(text) == simdjson::SUCCESS) {
    attribute.text = text;
  } else if (attribute.reference) {
    throw user_error("{}: attribute {} is {}; expected the URI of an object, a string", place, smtrain::quoted(name),
                     describe_json(*found));
  } else {
    attribute.text = compact(*found);
  }
  return attribute;
}

std::string metadata_name(const std::string& attribute) { return attribute + std::string(kMetadata); }

}  // namespace

ManifestLine parse_manifest_line(std::string_view line, std::span<const std::string> names, const std::string& place) {
  thread_local simdjson::dom::parser parser;
  const object members = object_of_line(parser, line, place);
  ManifestLine out;
  out.place = place;
  for (const std::string& name : names) out.attributes.push_back(attribute_of(members, name, place));
  if (const auto metadata = json_find(members, metadata_name(names.back()))) out.metadata = compact(*metadata);
  return out;
}

std::vector<std::string> guess_attributes(std::string_view first_line, const std::string& place) {
  simdjson::dom::parser parser;
  const object members = object_of_line(parser, first_line, place);
  std::vector<std::string> references, others;
  for (const auto& [key, value] : members) {
    if (key.ends_with(kMetadata)) continue;
    (key.ends_with(kRef) ? references : others).emplace_back(key);
  }
  // Keys of a JSON object have no order of their own; this is the name that the service's own tools give to the image.
  std::stable_partition(references.begin(), references.end(), [](const std::string& name) { return name == "source-ref"; });
  if (references.size() == 1 && others.size() == 1) return {references[0], others[0]};
  if (references.size() == 2 && others.empty() && references[0] == "source-ref") return references;
  throw user_error("{}: cannot tell which attributes are meant; it has: {}; say --attribute-names NAME,NAME", place,
                   listed(members));
}

std::map<std::int64_t, std::string> class_map_of(const ManifestLine& line) {
  std::map<std::int64_t, std::string> names;
  if (line.metadata.empty()) return names;
  simdjson::dom::parser parser;
  object members, classes;
  if (parse_json(parser, line.metadata, line.place).get(members) != simdjson::SUCCESS) return names;
  const auto found = json_find(members, "class-map");
  if (!found || found->get(classes) != simdjson::SUCCESS) return names;
  for (const auto& [key, value] : classes) {
    std::int64_t id = 0;
    std::string_view name;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size() || id < 0 || value.get(name) != simdjson::SUCCESS) continue;
    names.emplace(id, name);
  }
  return names;
}

void check_attribute_names(std::span<const std::string> names) {
  if (names.empty() || names.size() > kMaxAttributes)
    throw user_error("{} attribute names, expected 1 to {}", names.size(), kMaxAttributes);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) throw user_error("an attribute name is empty; expected names such as source-ref,class");
    if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) !=
        names.begin() + static_cast<std::ptrdiff_t>(i))
      throw user_error("attribute name {} is given twice", smtrain::quoted(names[i]));
  }
}

ManifestReader::ManifestReader(std::vector<InputFile> files, std::vector<std::string> names, const BlockTeamOptions& options)
    : names_(std::move(names)), cutter_(kMaxLine) {
  if (names_.empty() && !files.empty()) {
    // A file that cannot be opened again would lose its first lines to the guess.
    if (!files[0].rewindable)
      throw user_error("{}: which attributes are meant has to be said; give --attribute-names NAME,NAME", files[0].name);
    const auto stream = open_bytes(files[0]);
    std::string head(std::size_t{1} << 20, '\0');
    head.resize(stream->read(head));
    Lines lines(without_bom(head), 1);
    if (!lines.next()) throw user_error("{}: has no line, expected a JSON object on each", files[0].name);
    names_ = guess_attributes(lines.line(), line_place(files[0].name, lines.number()));
  }
  check_attribute_names(names_);
  const auto parse = [this](const RawBlock& block, std::vector<ManifestLine>& records) {
    Lines lines(std::string_view(block.bytes.data(), block.bytes.size()), block.first_line);
    while (lines.next()) records.push_back(parse_manifest_line(lines.line(), names_, line_place(*block.source, lines.number())));
  };
  stream_ = std::make_unique<RecordStream<ManifestLine>>(std::move(files), cutter_, parse, options);
}

std::string reference_path(const Attribute& attribute, const std::string& place, const std::string& folder, const UriMaps& maps) {
  try {
    return resolve_uri(attribute.text, folder, maps);
  } catch (const Error& e) {
    throw Error(e.fault(), fmt::format("{}: {}", place, e.what()));
  }
}

AttributeSample read_sample(const ManifestLine& line, const std::string& folder, const UriMaps& maps, std::size_t limit) {
  AttributeSample sample{line.place, {}};
  for (const Attribute& attribute : line.attributes) {
    if (!attribute.reference) {
      sample.values.push_back(attribute.text);
      continue;
    }
    try {
      sample.values.push_back(read_file(reference_path(attribute, line.place, folder, maps), limit));
    } catch (const Error& e) {
      if (std::string_view(e.what()).starts_with(line.place)) throw;
      throw Error(e.fault(), fmt::format("{}: {}", line.place, e.what()));
    }
  }
  return sample;
}

std::string AttributeCutter::place(const RawBlock& block, std::uint64_t sample, std::size_t offset) const {
  return fmt::format("{}: sample {}, byte {}", *block.source, block.first_record + sample + 1, block.offset + offset);
}

RecordCutter::Cut AttributeCutter::cut(const RawBlock& block, bool, bool at_end) {
  Cut cut;
  std::size_t at = 0, got = 0;
  while (at < block.bytes.size()) {
    recordio::Frame frame;
    const std::string where = place(block, cut.records, at);
    if (recordio::read_frame(block.bytes.subspan(at), at_end, max_record_bytes_, where, frame) ==
        recordio::FrameState::incomplete) {
      if (at_end) throw user_error("{}: the stream ends in the middle of a record", where);
      return cut;
    }
    at += frame.size;
    if (++got < names_.size()) continue;
    got = 0;
    cut.bytes = at;
    ++cut.records;
  }
  if (at_end && got > 0) {
    throw user_error(
        "{}: AttributeNames has {} names but the stream ended after {}; each sample is one record per name, in order",
        place(block, cut.records, at), names_.size(), smtrain::quoted(names_[got - 1]));
  }
  return cut;
}

void AttributeCutter::parse(const RawBlock& block, std::vector<AttributeSample>& samples) const {
  WantedRecords wanted(block);
  std::size_t at = 0;
  for (std::size_t record = 0; record < block.records; ++record) {
    AttributeSample sample{place(block, record, at), {}};
    for (std::size_t i = 0; i < names_.size(); ++i) {
      recordio::Frame frame;
      if (recordio::read_frame(block.bytes.subspan(at), true, max_record_bytes_, sample.place, frame) ==
          recordio::FrameState::incomplete)
        throw internal_error("{}: a block that ends within a record", sample.place);
      const std::span<const char> whole = block.bytes.subspan(at, frame.size);
      sample.values.push_back(frame.split ? recordio::join(whole) : std::string(frame.payload.begin(), frame.payload.end()));
      at += frame.size;
    }
    if (wanted(record)) samples.push_back(std::move(sample));
  }
}

void append_attribute_records(std::string& out, const AttributeSample& sample) {
  for (const std::string& value : sample.values) {
    if (value.size() > recordio::kMaxPayload)
      throw user_error("{}: a value of {}, expected less than 512 MiB", sample.place, format_bytes(value.size()));
    recordio::append_frame(out, value, false);
  }
}

std::string manifest_line(std::span<const std::pair<std::string, std::string>> members) {
  std::string out = "{";
  for (const auto& [name, value] : members) {
    if (out.size() > 1) out += ',';
    out += json_quoted(name) + ":" + value;
  }
  return out + "}\n";
}

std::string reference_to(const std::string& path, const std::string& prefix) {
  if (prefix.empty()) return path;
  return prefix + (prefix.ends_with('/') ? "" : "/") + path;
}

}  // namespace smtrain::formats
