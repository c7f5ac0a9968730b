// Augmented manifests: JSON Lines, an object per sample, of which some attributes are sent in an order of their own
// (share/doc/formats/manifest.md).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/io/uri.h"
#include "formats/record_cutter.h"
#include "formats/record_stream.h"

namespace smtrain::formats {

/// The most names that a channel may list.
inline constexpr std::size_t kMaxAttributes = 16;

/// The value of one attribute.
struct Attribute {
  bool reference = false;  ///< its name ends in -ref: `text` is a URI whose content is meant
  std::string text;        ///< else what is sent: a string's own bytes, any other value as compact JSON
};

/// A line of a manifest.
struct ManifestLine {
  std::string place;                   ///< file:line
  std::vector<Attribute> attributes;   ///< one per name, in order
  std::string metadata;                ///< as compact JSON what accompanies the last attribute: its name without -ref, then
                                       ///< -metadata; or ""
};

/// Takes one line apart. Throws a user Error that begins with `place` for what is no object, for a name that the line lacks
/// (those it has are listed), and for a reference that is no string.
ManifestLine parse_manifest_line(std::string_view line, std::span<const std::string> names, const std::string& place);

/// What a channel without names would mean: the one attribute that ends in -ref and the one other that is no metadata; of two
/// that end in -ref the first is the image. Throws a user Error that lists the attributes and names the flag when that is not
/// clear.
std::vector<std::string> guess_attributes(std::string_view first_line, const std::string& place);

/// Class names by id of an attribute's metadata: "class-map" as Ground Truth writes it, {"0": "dog"}. None when there are none.
std::map<std::int64_t, std::string> class_map_of(const ManifestLine& line);

/// Throws a user Error unless there are 1 to 16 names, none twice or empty.
void check_attribute_names(std::span<const std::string> names);

/// The lines of manifests, parsed by a team of threads. One caller.
class ManifestReader {
 public:
  /// `names` empty: guessed from the first line.
  ManifestReader(std::vector<InputFile> files, std::vector<std::string> names, const BlockTeamOptions& options);
  ManifestReader(const ManifestReader&) = delete;
  /// Replaces `lines` by the next ones; false at the end.
  bool next(std::vector<ManifestLine>& lines) { return stream_->next(lines); }
  const std::vector<std::string>& names() const { return names_; }
  std::uint64_t bytes_consumed() const { return stream_->team().bytes_consumed(); }

 private:
  std::vector<std::string> names_;
  LineCutter cutter_;
  std::unique_ptr<RecordStream<ManifestLine>> stream_;
};

/// What the attributes of a sample are: the bytes that a training program gets.
struct AttributeSample {
  std::string place;
  std::vector<std::string> values;  ///< one per name, in order
};

/// The path that a reference of a manifest means: relative ones to `folder`, where the manifest lies.
std::string reference_path(const Attribute& attribute, const std::string& place, const std::string& folder, const UriMaps& maps);

/// Reads what a line refers to; a file of more than `limit` bytes, or none, is a user Error with the place.
AttributeSample read_sample(const ManifestLine& line, const std::string& folder, const UriMaps& maps, std::size_t limit);

/// Cuts a stream of RecordIO records into samples: one record per name, in order, as a channel sends an augmented manifest in
/// Pipe mode. Throws a user Error when the stream ends within a sample.
class AttributeCutter final : public RecordCutter {
 public:
  AttributeCutter(std::vector<std::string> names, std::size_t max_record_bytes)
      : names_(std::move(names)), max_record_bytes_(max_record_bytes) {}
  Cut cut(const RawBlock& block, bool file_start, bool at_end) override;
  std::size_t block_limit(std::size_t max_record_bytes) const override { return names_.size() * (max_record_bytes + 16); }
  /// Appends the samples of a block; const and thread-safe, for RecordStream<AttributeSample>.
  void parse(const RawBlock& block, std::vector<AttributeSample>& samples) const;

 private:
  std::string place(const RawBlock& block, std::uint64_t sample, std::size_t offset) const;

  std::vector<std::string> names_;
  std::size_t max_record_bytes_;
};

/// The records that carry a sample. Throws a user Error for a value beyond what a record can hold.
void append_attribute_records(std::string& out, const AttributeSample& sample);

/// One line: names and values in the order given, each value a JSON text as it stands.
std::string manifest_line(std::span<const std::pair<std::string, std::string>> members);

/// How a manifest may name a file: percent sequences only where the URI has a scheme.
std::string reference_to(const std::string& path, const std::string& prefix);

}  // namespace smtrain::formats
