// What images and their labels amount to.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "formats/image/image_info.h"
#include "run/inspect/record_summary.h"

namespace smtrain::run {

class ImageTotals {
 public:
  /// The file's bytes, walked through without decoding. Throws a user Error that begins with `place` for one that is damaged or
  /// cut off.
  void add_image(std::span<const char> bytes, const std::string& place);
  /// Of an image, as .rec and .lst have them: a class, several numbers, or the label vector of a detector.
  void add_labels(std::span<const float> labels);
  void add_class(const std::string& name);
  void append_facts(RecordSummary& summary) const;

 private:
  Range width_, height_, bytes_;
  std::map<std::string, std::uint64_t> kinds_, channels_, classes_;
  std::uint64_t images_ = 0, turned_ = 0;
  Range labels_, boxes_;
};

/// "dogs/a.jpg, 640 x 480"
std::string image_in_words(const formats::image::ImageInfo& info);

}  // namespace smtrain::run
