#include "formats/image/image_stream.h"

#include <utility>

#include "base/error.h"

namespace smtrain::formats::image {

ImageStream::ImageStream(std::unique_ptr<ImageSource> source, const ImageStreamOptions& options, Log& log)
    : options_(options), log_(log), source_(std::move(source)),
      work_({options.threads, 0, options.ahead_bytes}, [this](EncodedImage& image) { return source_->next(image); },
            [this](EncodedImage& image, const Work::Room& room) { return decode(image, room); }, [this] { source_->cancel(); }) {}

ImageStream::Decoded ImageStream::decode(EncodedImage& image, const Work::Room& room) const {
  Decoded decoded;
  std::string& place = decoded.sample.place;
  try {
    place = load_image(image);
    const ImageInfo info = read_image_info(image.record.image, options_.decode.max_pixels);
    room(std::size_t{3} * info.width * info.height);
    decoded.sample.info = decode_image(image.record.image, options_.decode, decoded.sample.pixels);
  } catch (const Error& e) {
    if (e.fault() != Fault::user) throw;
    decoded.problem = place.empty() ? std::string(e.what()) : fmt::format("{}: {}", place, e.what());
  }
  decoded.sample.id = image.record.id;
  decoded.sample.labels = std::move(image.record.labels);
  decoded.sample.vector = image.record.vector;
  return decoded;
}

bool ImageStream::next(ImageSample& sample) {
  for (Decoded decoded; work_.next(decoded);) {
    if (decoded.problem.empty()) {
      sample = std::move(decoded.sample);
      ++images_;
      return true;
    }
    if (left_out_ == options_.skip_bad_images) throw user_error("{} (--skip-bad-images leaves out more)", decoded.problem);
    ++left_out_;
    log_.warning("{}; left out", decoded.problem);
  }
  source_->check_all();
  return false;
}

}  // namespace smtrain::formats::image
