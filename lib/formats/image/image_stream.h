// ImageStream: decoded images one after the other, for the algorithms.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ordered_work.h"
#include "formats/image/decode.h"
#include "formats/image/image_source.h"

namespace smtrain::formats::image {

struct ImageSample {
  std::string place;          ///< file, line or record, for messages
  std::uint64_t id = 0;
  std::vector<float> labels;
  bool vector = false;        ///< the labels are a vector, though there may be one
  ImageInfo info;             ///< of the file; the pixels may be a scaled-down form (DecodeOptions)
  Pixels pixels;
};

struct ImageStreamOptions {
  DecodeOptions decode;
  int threads = 1;
  std::size_t ahead_bytes = std::size_t{256} << 20;  ///< of images that wait for their turn; a single one may have more
  std::uint64_t skip_bad_images = 0;                 ///< so many that cannot be read are left out, with a warning each
};

/// Reads and decodes ahead on threads of its own; the order is the source's. Not thread-safe.
class ImageStream {
 public:
  /// `log` must outlive it.
  ImageStream(std::unique_ptr<ImageSource> source, const ImageStreamOptions& options, Log& log);

  /// False at the end. Throws a user Error with the place for an image that cannot be read when no more may be left out.
  bool next(ImageSample& sample);

  const ImageSource& source() const { return *source_; }
  std::uint64_t images() const { return images_; }
  std::uint64_t left_out() const { return left_out_; }

 private:
  struct Decoded {
    ImageSample sample;
    std::string problem;
  };
  using Work = OrderedWork<EncodedImage, Decoded>;
  Decoded decode(EncodedImage& image, const Work::Room& room) const;

  const ImageStreamOptions options_;
  Log& log_;
  std::unique_ptr<ImageSource> source_;
  std::uint64_t images_ = 0, left_out_ = 0;
  Work work_;  // last: its threads use the rest
};

}  // namespace smtrain::formats::image
