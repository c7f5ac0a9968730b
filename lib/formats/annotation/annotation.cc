#include "formats/annotation/annotation.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::formats {
namespace {

namespace fs = std::filesystem;

// Cuts [low, low + size) to [0, limit]; whether anything was cut. What sticks out by more than a pixel is not for this to mend.
bool clip(double& low, double& size, double limit) {
  const double from = std::max(low, 0.0), to = std::min(low + size, limit);
  if (low >= 0 && low + size <= limit) return false;
  low = from;
  size = to - from;
  return true;
}

}  // namespace

void BoxNotes::add(const BoxNotes& other) {
  clipped += other.clipped;
  if (dropped == 0) first_dropped = other.first_dropped;
  dropped += other.dropped;
}

void BoxNotes::warn(Log& log) const {
  if (clipped > 0)
    log.info("{} stuck out of the image by at most a pixel, and {} clipped", counted(clipped, "box"),
             clipped == 1 ? "was" : "were");
  if (dropped > 0) log.warning("{} without area left out; the first: {}", counted(dropped, "box"), first_dropped);
}

bool settle_box(Box& box, const AnnotatedImage& image, const std::function<std::string()>& where, BoxNotes& notes) {
  const auto found = [&] {
    return fmt::format("left {}, top {}, width {}, height {}", box.left, box.top, box.width, box.height);
  };
  if (!std::isfinite(box.left) || !std::isfinite(box.top) || !std::isfinite(box.width) || !std::isfinite(box.height))
    throw user_error("{}: a box with {}; expected finite numbers", where(), found());
  if (box.width < 0 || box.height < 0) throw user_error("{}: a box with {}; expected sides of at least 0", where(), found());
  const double w = static_cast<double>(image.width), h = static_cast<double>(image.height);
  const double out = std::max({-box.left, -box.top, box.left + box.width - w, box.top + box.height - h});
  if (out > 1) {
    throw user_error("{}: a box with {} lies {} pixels outside of its image of {} x {}; expected pixels of that image", where(),
                     found(), out, image.width, image.height);
  }
  const bool clipped_x = clip(box.left, box.width, w), clipped_y = clip(box.top, box.height, h);
  if (box.width <= 0 || box.height <= 0) {
    if (notes.dropped++ == 0) notes.first_dropped = where();
    return false;
  }
  notes.clipped += clipped_x || clipped_y;
  return true;
}

void add_class_names(ClassNames& into, const ClassNames& names, std::string_view where) {
  for (const auto& [id, name] : names) {
    const auto [at, added] = into.emplace(id, name);
    if (!added && at->second != name) {
      throw user_error("{}: class {} is {}, and {} elsewhere; expected one name for a class", where, id, smtrain::quoted(name),
                       smtrain::quoted(at->second));
    }
  }
}

std::string class_name(const ClassNames& names, std::int64_t class_id) {
  const auto found = names.find(class_id);
  return found == names.end() ? std::to_string(class_id) : found->second;
}

std::int64_t class_count(const AnnotationSet& set) {
  std::int64_t count = set.classes.empty() ? 0 : set.classes.rbegin()->first + 1;
  for (const AnnotatedImage& image : set.images) {
    for (const Box& box : image.boxes) count = std::max(count, box.class_id + 1);
  }
  return count;
}

void check_image_name(std::string_view file, std::string_view where) {
  const fs::path plain = fs::path(file).lexically_normal();
  if (file.empty() || file.find('\0') != std::string_view::npos || plain.is_absolute() || plain == "." ||
      plain.begin()->string() == ".." || plain.filename().empty()) {
    throw user_error("{}: {} is no name of an image; expected a path below the folder of images", where, smtrain::quoted(file));
  }
}

std::string with_suffix(std::string_view file, std::string_view suffix) {
  return fs::path(file).replace_extension(suffix).string();
}

void append_pixels(std::string& out, double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) out += std::to_string(static_cast<std::int64_t>(value));
  else append_number(out, value);
}

}  // namespace smtrain::formats
