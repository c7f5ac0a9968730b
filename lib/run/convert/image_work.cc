#include "run/convert/image_work.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "formats/annotation/label_vector.h"
#include "run/depfile.h"

namespace smtrain::run {
namespace {

constexpr std::size_t kAheadBytes = std::size_t{256} << 20;
constexpr std::size_t kToldProblems = 20;

}  // namespace

OrderedWorkOptions image_work_options(const ConvertRequest& request) { return {request.common.threads.value, 0, kAheadBytes}; }

void check_image_options(const ConvertRequest& request) {
  if (request.images.skip_bad_images < 0) throw user_error("--skip-bad-images {}: expected 0 or more", request.images.skip_bad_images);
}

DoneImage change_image(SuppliedImage& image, const ImageChange& change) {
  if (change.crops() && formats::may_be_detection(image.record.labels)) {
    throw user_error("{}: --center-crop would cut boxes off; --resize keeps them, since they are fractions of the image", image.place);
  }
  DoneImage done;
  done.id = image.record.id;
  done.path = image.path;
  done.labels = image.record.labels;
  std::string place;
  try {
    place = load_image(image) + ": ";
    done.turned = change.apply(image.record.image).orientation != 1;
    done.bytes = image.record.image.size();
  } catch (const Error& e) {
    if (e.fault() != Fault::user) throw;
    done.problem = place + e.what();
  }
  return done;
}

bool ImageTally::take(const DoneImage& image, const ImageSupply& supply) {
  if (request_.depfile && !image.path.empty()) read_.push_back(image.path);
  if (image.problem.empty()) {
    ++images_;
    turned_ += image.turned;
    bytes_ += image.bytes;
  } else {
    if (skipped_ == static_cast<std::uint64_t>(request_.images.skip_bad_images)) refuse(image);
    if (++skipped_ <= kToldProblems) console_.warning("{}; left out", image.problem);
  }
  job::Progress progress;
  progress.phase = "converting";
  progress.fraction = supply.fraction();
  progress.records = images_;
  console_.progress(progress);
  return image.problem.empty();
}

void ImageTally::check() const {
  if (images_ == 0) throw user_error("{}: no image could be read", request_.input);
}

void ImageTally::warn(bool kept_bytes) const {
  if (turned_ > 0 && kept_bytes) {
    console_.warning("{} an EXIF orientation, by which viewers turn them and training does not; --encoding jpg turns them upright",
                     turned_ == 1 ? "1 image has" : grouped(turned_) + " images have");
  } else if (turned_ > 0) {
    console_.info("{} turned upright by the EXIF orientation", counted(turned_, "image"));
  }
  if (skipped_ > 0) console_.warning("{} could not be read and {} left out", counted(skipped_, "image"), skipped_ == 1 ? "was" : "were");
}

void ImageTally::report(const ImageSupply& supply, bool kept_bytes, std::uint64_t written) {
  warn(kept_bytes);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  console_.info("{}: {}, {} written in {:.2f} s ({:.0f} images/s)", request_.output == "-" ? "standard output" : request_.output,
                counted(images_, "image"), format_bytes(written), seconds, static_cast<double>(images_) / std::max(seconds, 1e-9));
  if (!request_.depfile) return;
  const std::vector<std::string> files = supply.files();
  read_.insert(read_.end(), files.begin(), files.end());
  write_depfile(*request_.depfile, request_.output, read_);
}

void ImageTally::refuse(const DoneImage& image) const {
  if (skipped_ == 0) throw user_error("{}; --skip-bad-images N leaves out up to N such images", image.problem);
  throw user_error("{}; {} before it have been left out, which is all that --skip-bad-images allows", image.problem,
                   counted(skipped_, "image"));
}

}  // namespace smtrain::run
