#include "run/inspect/summarize_images.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/error.h"
#include "base/text.h"
#include "formats/image/image_list.h"
#include "formats/image/image_record_reader.h"
#include "formats/image/mask.h"
#include "formats/io/byte_stream.h"
#include "formats/manifest/augmented_manifest.h"
#include "run/console/text_table.h"
#include "run/inspect/image_totals.h"
#include "run/inspect/reading.h"

namespace smtrain::run {
namespace {

namespace fs = std::filesystem;
namespace image = formats::image;

constexpr std::size_t kLabelsShown = 8, kTextShown = 60;
constexpr std::size_t kMaxImageBytes = std::size_t{1} << 29;

// Errors of readers of bytes have no place.
template <class F>
auto with_place(const std::string& place, F&& body) {
  try {
    return body();
  } catch (const Error& error) {
    throw Error(error.fault(), fmt::format("{}: {}", place, error.what()));
  }
}

std::string labels_in_short(const std::vector<float>& labels) {
  std::string text;
  for (std::size_t i = 0; i < std::min(labels.size(), kLabelsShown); ++i) text += (i == 0 ? "" : " ") + brief(labels[i]);
  return text + (labels.size() > kLabelsShown ? " …" : "");
}

std::string contents_of(const formats::InputFile& file) {
  std::string bytes;
  const auto stream = formats::open_bytes(file);
  for (std::size_t have = 0;;) {
    bytes.resize(have + (std::size_t{1} << 16));
    const std::size_t got = stream->read(std::span<char>(bytes.data() + have, bytes.size() - have));
    have += got;
    if (have == bytes.size() && have < kMaxImageBytes) continue;
    bytes.resize(have);
    return bytes;
  }
}

// The folder right below the one that is looked at: images of a class lie together.
std::string class_of(const std::string& path, const std::string& root) {
  const fs::path relative = fs::path(path).lexically_relative(root);
  return relative.has_parent_path() && relative.begin() != relative.end() ? relative.begin()->string() : "(no folder)";
}

// The files of a folder that are images.
std::vector<formats::InputFile> images_of(const std::string& path, std::size_t& left_out) {
  std::vector<formats::InputFile> files = formats::expand_path(path, formats::EmptyFiles::kept);
  const auto others = std::stable_partition(files.begin(), files.end(), [](const auto& file) { return image::has_image_suffix(file.path); });
  left_out = static_cast<std::size_t>(files.end() - others);
  files.erase(others, files.end());
  return files;
}

// A folder of images as it is read; how many of its files are none is a note.
class FolderReading : public Reading {
 public:
  FolderReading(const InspectRequest& request, DataKind kind, std::size_t left_out = 0)
      : Reading(request, kind, images_of(request.path, left_out)) {
    if (left_out == 0) return;
    summary().notes.push_back(
        fmt::format("{} no .jpg, .jpeg or .png", left_out == 1 ? "1 file is" : grouped(left_out) + " files are"));
  }
};

}  // namespace

RecordSummary summarize_image_records(const InspectRequest& request, DataKind kind, Console&) {
  Reading reading(request, kind, formats::expand_path(request.path));
  RecordSummary& summary = reading.summary();
  image::ImageRecordReader reader(reading.files(), request.common.threads.value, reading.log());
  ImageTotals totals;
  image::PlacedRecord record;
  reading.read(
      [&] {
        if (!reader.next(record)) return false;
        totals.add_image(record.record.image, place_of(record.place));
        totals.add_labels(record.record.labels);
        ++summary.records;
        if (summary.first.size() < Reading::kFirst) {
          summary.first.push_back(fmt::format("id {}, label {}: {}", record.record.id, labels_in_short(record.record.labels),
                                              image_in_words(image::read_image_info(record.record.image))));
        }
        return true;
      },
      [&] { return reader.team().bytes_consumed(); });
  totals.append_facts(summary);
  return std::move(summary);
}

RecordSummary summarize_image_list(const InspectRequest& request, DataKind kind, Console&) {
  Reading reading(request, kind, formats::expand_path(request.path));
  RecordSummary& summary = reading.summary();
  image::ImageListReader reader(reading.files(), request.common.threads.value);
  ImageTotals totals;
  image::PlacedImage line;
  reading.read(
      [&] {
        if (!reader.next(line)) {
          reader.check_unique();
          return false;
        }
        totals.add_labels(line.image.labels);
        ++summary.records;
        if (summary.first.size() < Reading::kFirst) {
          summary.first.push_back(fmt::format("{}: {} {}", line.image.index, labels_in_short(line.image.labels), line.image.path));
        }
        return true;
      },
      [&] { return reader.team().bytes_consumed(); });
  totals.append_facts(summary);
  return std::move(summary);
}

RecordSummary summarize_image_folder(const InspectRequest& request, DataKind kind, Console&) {
  FolderReading reading(request, kind);
  RecordSummary& summary = reading.summary();
  ImageTotals totals;
  reading.read_each([&](const formats::InputFile& file) {
    const std::string bytes = contents_of(file);
    totals.add_image(bytes, file.name);
    totals.add_class(class_of(file.path, request.path));
    if (summary.first.size() < Reading::kFirst) summary.first.push_back(file.name + ": " + image_in_words(image::read_image_info(bytes)));
  });
  totals.append_facts(summary);
  return std::move(summary);
}

RecordSummary summarize_masks(const InspectRequest& request, DataKind kind, Console&) {
  FolderReading reading(request, kind);
  RecordSummary& summary = reading.summary();
  Range width, height;
  std::map<std::string, std::uint64_t> modes, pixels;
  reading.read_each([&](const formats::InputFile& file) {
    const std::string bytes = contents_of(file);
    const image::Mask mask = with_place(file.name, [&] { return image::decode_mask(bytes); });
    width.add(mask.width);
    height.add(mask.height);
    ++modes[mask.palette.empty() ? "grey" : "palette"];
    std::array<std::uint64_t, 256> counts{};
    for (const std::uint8_t value : mask.labels) ++counts[value];
    for (std::size_t value = 0; value < counts.size(); ++value) {
      if (counts[value] > 0) pixels[value == image::kHole ? "255 (hole)" : std::to_string(value)] += counts[value];
    }
    if (summary.first.size() < Reading::kFirst) summary.first.push_back(fmt::format("{}: {} x {}", file.name, mask.width, mask.height));
  });
  summary.facts = {count_fact("mode", modes), width.fact("width"), height.fact("height"), count_fact("pixels by value", pixels)};
  return std::move(summary);
}

RecordSummary summarize_manifest(const InspectRequest& request, DataKind kind, Console&) {
  Reading reading(request, kind, formats::expand_path(request.path));
  RecordSummary& summary = reading.summary();
  formats::ManifestReader reader(reading.files(), {}, reading.team());
  std::map<std::string, std::uint64_t> values;
  std::vector<formats::ManifestLine> lines;
  reading.read(
      [&] {
        if (!reader.next(lines)) return false;
        for (const formats::ManifestLine& line : lines) {
          const formats::Attribute& label = line.attributes.back();
          ++values[label.reference ? "a reference" : label.text.starts_with('{') ? "an object" : label.text.starts_with('[') ? "a list" : label.text];
          ++summary.records;
          if (summary.first.size() == Reading::kFirst) continue;
          std::string text;
          for (const formats::Attribute& a : line.attributes) text += (text.empty() ? "" : " | ") + a.text.substr(0, kTextShown);
          summary.first.push_back(text);
        }
        return true;
      },
      [&] { return reader.bytes_consumed(); });
  summary.facts = {text_fact("attributes", fmt::format("{}", fmt::join(reader.names(), ", "))), count_fact("labels", values)};
  return std::move(summary);
}

}  // namespace smtrain::run
