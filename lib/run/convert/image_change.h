// ImageChange: what becomes of each image on its way through a conversion.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "formats/image/decode.h"
#include "run/convert/image_options.h"

namespace smtrain::run {

/// Images keep their bytes unless size or encoding are to change; then they are decoded, turned upright, cropped, resized and
/// encoded. Thread-safe.
class ImageChange {
 public:
  /// Throws a user Error for options that contradict each other or are out of range.
  explicit ImageChange(const ImageOptions& options);

  /// Whether images keep their bytes; they are walked through all the same, so that a damaged one is found.
  bool keeps_bytes() const { return !encodes_; }
  bool crops() const { return crop_; }

  /// Replaces the bytes of an image file, and returns what it was. Throws a user Error, without a place, for one that is cut off,
  /// damaged or too large.
  formats::image::ImageInfo apply(std::string& bytes) const;

 private:
  bool encodes_ = false, crop_ = false;
  std::uint32_t side_ = 0;  // 0: as it is
  formats::image::DecodeOptions decode_;
  std::optional<formats::image::ImageKind> kind_;
  std::optional<int> quality_;
};

}  // namespace smtrain::run
