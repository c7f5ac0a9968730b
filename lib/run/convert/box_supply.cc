#include "run/convert/box_supply.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "formats/annotation/label_vector.h"
#include "formats/image/image_info.h"
#include "run/convert/box_paths.h"
#include "run/convert/boxed_images.h"
#include "run/convert/manifest_input.h"

namespace smtrain::run {
namespace {

constexpr const char* kEmptyNote =
    "{} without a box left out: a label vector has at least one, and the service refuses such records";

class BoxSupply final : public ImageSupply {
 public:
  BoxSupply(BoxedImages boxed, Log& log) : boxed_(std::move(boxed)) {
    std::size_t empty = 0;
    for (const formats::AnnotatedImage& image : boxed_.set.images) {
      empty += image.boxes.empty();
      difficult_ |= std::any_of(image.boxes.begin(), image.boxes.end(), [](const formats::Box& box) { return box.difficult; });
    }
    if (empty > 0) log.warning(kEmptyNote, counted(empty, "image"));
  }

  bool next(SuppliedImage& image) override {
    std::size_t i = at_;
    while (i < boxed_.set.images.size() && boxed_.set.images[i].boxes.empty()) ++i;
    if (i == boxed_.set.images.size()) return false;
    image = {};
    image.path = boxed_.paths[i];
    image.record.id = i;
    image.record.labels = formats::label_vector(boxed_.set.images[i], difficult_);
    image.record.vector = true;
    at_ = i + 1;
    return true;
  }
  double fraction() const override {
    return static_cast<double>(at_) / static_cast<double>(std::max<std::size_t>(1, boxed_.set.images.size()));
  }
  std::vector<std::string> files() const override { return boxed_.read; }

 private:
  BoxedImages boxed_;
  bool difficult_ = false;
  std::atomic<std::size_t> at_ = 0;
};

class ManifestSupply final : public ImageSupply {
 public:
  ManifestSupply(const ConvertRequest& request, Log& log) : input_(request), log_(log) {}

  bool next(SuppliedImage& image) override {
    for (;;) {
      if (at_ == lines_.size()) {
        at_ = 0;
        if (input_.reader().next(lines_)) continue;
        lines_.clear();
        finish();
        return false;
      }
      const formats::ManifestLine& line = lines_[at_++];
      ManifestLabels labels = labels_of(line, notes_);
      ++index_;
      if (!labels.labels) {
        ++empty_;
        continue;
      }
      image = {};
      image.place = line.place;
      image.path = input_.image_path_of(line);
      image.record.id = index_ - 1;
      image.record.labels = std::move(*labels.labels);
      image.record.vector = labels.vector;
      return true;
    }
  }
  double fraction() const override { return input_.fraction(); }
  std::vector<std::string> files() const override { return input_.files(); }

 private:
  void finish() {
    if (std::exchange(finished_, true)) return;
    notes_.warn(log_);
    if (empty_ > 0) log_.warning(kEmptyNote, counted(empty_, "image"));
  }

  ManifestInput input_;
  Log& log_;
  formats::BoxNotes notes_;
  std::vector<formats::ManifestLine> lines_;
  std::size_t at_ = 0;
  std::uint64_t index_ = 0, empty_ = 0;
  bool finished_ = false;
};

// Left out by mistake or on purpose: COCO's and VOC's folders hold images of other parts of the data, too.
void warn_of_unannotated(const BoxedImages& boxed, const std::string& root, Log& log) {
  std::set<std::string> annotated;
  for (const std::string& path : boxed.paths) annotated.insert(std::filesystem::path(path).lexically_normal().string());
  std::size_t count = 0;
  std::string first;
  for (const formats::InputFile& file : formats::expand_path_if_any(root, formats::EmptyFiles::kept)) {
    if (!formats::image::has_image_suffix(file.path) ||
        annotated.contains(std::filesystem::path(file.path).lexically_normal().string()))
      continue;
    if (count++ == 0) first = file.path;
  }
  if (count > 0) log.warning("{} without an annotation left out; the first: {}", counted(count, "image"), first);
}

}  // namespace

std::unique_ptr<ImageSupply> open_box_supply(const ConvertRequest& request, DataKind from, Log& log) {
  if (request.images.center_crop && (from == DataKind::boxes || from == DataKind::voc || from == DataKind::coco))
    throw user_error("--center-crop would cut boxes off; --resize keeps them, since they are fractions of the image");
  if (from == DataKind::manifest) return std::make_unique<ManifestSupply>(request, log);
  if (from != DataKind::boxes && from != DataKind::voc && from != DataKind::coco) return nullptr;
  BoxedImages boxed = read_boxed_images(request, from, log);
  if (!boxed.sizes_checked) check_image_sizes(boxed, request.common.threads.value);
  warn_of_unannotated(boxed, image_root(request), log);
  return std::make_unique<BoxSupply>(std::move(boxed), log);
}

}  // namespace smtrain::run
