#include "run/inspect/image_totals.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "formats/annotation/label_vector.h"
#include "run/console/text_table.h"

namespace smtrain::run {
namespace {

const char* channels_in_words(int channels) {
  switch (channels) {
    case 1: return "grey";
    case 2: return "grey and alpha";
    case 3: return "colours";
    default: return "colours and alpha, or CMYK";
  }
}

}  // namespace

void ImageTotals::add_image(std::span<const char> bytes, const std::string& place) {
  formats::image::ImageInfo info;
  try {
    info = formats::image::check_image(bytes);
  } catch (const Error& error) {
    throw Error(error.fault(), fmt::format("{}: {}", place, error.what()));
  }
  ++images_;
  width_.add(info.width);
  height_.add(info.height);
  bytes_.add(static_cast<double>(bytes.size()));
  ++kinds_[formats::image::name_of(info.kind)];
  ++channels_[channels_in_words(info.channels)];
  turned_ += info.orientation != 1 ? 1 : 0;
}

void ImageTotals::add_labels(std::span<const float> labels) {
  labels_.add(static_cast<double>(labels.size()));
  if (labels.size() == 1) return add_class(brief(labels[0]));
  if (!formats::may_be_detection(labels)) {
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] != 0) ++classes_[std::to_string(i)];
    }
    return;
  }
  formats::BoxNotes notes;
  const auto boxes = formats::parse_label_vector(labels, "", notes);
  boxes_.add(static_cast<double>(boxes.size()));
  for (const formats::FractionBox& box : boxes) ++classes_[std::to_string(box.class_id)];
}

void ImageTotals::add_class(const std::string& name) { ++classes_[name]; }

void ImageTotals::append_facts(RecordSummary& summary) const {
  if (images_ > 0) {
    summary.facts.push_back(count_fact("encoding", kinds_));
    summary.facts.push_back(width_.fact("width"));
    summary.facts.push_back(height_.fact("height"));
    summary.facts.push_back(count_fact("channels", channels_));
    summary.facts.push_back(bytes_.fact("bytes per image"));
    if (turned_ > 0) summary.notes.push_back(fmt::format("{} to be shown turned (EXIF orientation): they are read as they are stored", counted(turned_, "image")));
  }
  const Fact boxes = boxes_.fact("boxes per image");
  if (boxes.json != "null") summary.facts.push_back(boxes);
  else if (labels_.fact("").json != "null") summary.facts.push_back(labels_.fact("labels per image"));
  if (!classes_.empty()) summary.facts.push_back(count_fact("classes", classes_));
}

std::string image_in_words(const formats::image::ImageInfo& info) {
  return fmt::format("{}, {} x {}", formats::image::name_of(info.kind), info.width, info.height);
}

}  // namespace smtrain::run
