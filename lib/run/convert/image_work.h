// What conversions that write images have in common: each image is read and changed by one of several threads, in order, and bad
// ones are counted.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/ordered_work.h"
#include "run/convert/image_change.h"
#include "run/convert/image_supply.h"

namespace smtrain::run {

/// What became of an image.
struct DoneImage {
  std::uint64_t id = 0;
  std::string path, problem;
  std::vector<float> labels;
  std::string framed;         ///< for records
  std::string line;           ///< for a list
  bool turned = false;        ///< its EXIF orientation is not that of its pixels
  std::size_t bytes = 0;
};

using ImageWork = OrderedWork<SuppliedImage, DoneImage>;

OrderedWorkOptions image_work_options(const ConvertRequest& request);

/// Throws a user Error for options that cannot be.
void check_image_options(const ConvertRequest& request);

/// Reads and changes the image; what is wrong with it is told in the result. Throws a user Error for boxes that a crop would cut
/// off. Thread-safe.
DoneImage change_image(SuppliedImage& image, const ImageChange& change);

/// Counts, warns and says at the end what there was. Not thread-safe; request and console must outlive it.
class ImageTally {
 public:
  ImageTally(const ConvertRequest& request, Console& console) : request_(request), console_(console) {}

  /// Whether the image is there; a bad one is counted, or refused when no more may be left out.
  bool take(const DoneImage& image, const ImageSupply& supply);
  void check() const;
  /// Warnings about the images as a whole.
  void warn(bool kept_bytes) const;
  /// The same, then what was written, and the depfile.
  void report(const ImageSupply& supply, bool kept_bytes, std::uint64_t written);

  std::uint64_t images() const { return images_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  [[noreturn]] void refuse(const DoneImage& image) const;

  const ConvertRequest& request_;
  Console& console_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::uint64_t images_ = 0, skipped_ = 0, turned_ = 0, bytes_ = 0;
  std::vector<std::string> read_;
};

}  // namespace smtrain::run
