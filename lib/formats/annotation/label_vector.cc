#include "formats/annotation/label_vector.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::formats {
namespace {

constexpr float kSlack = 0.02F;  // a pixel of an image of 50
constexpr std::size_t kShortest = 7;
constexpr std::size_t kMaxWidth = 1 << 16;

// A count at the vector's front; 0 when it is none.
std::size_t count_of(float value) {
  return value >= 0 && value <= static_cast<float>(kMaxWidth) && value == std::floor(value) ? static_cast<std::size_t>(value) : 0;
}

float fraction(float value, std::string_view where, std::size_t object) {
  if (!std::isfinite(value) || value < -kSlack || value > 1 + kSlack) {
    throw user_error("{}: object {}: a corner at {}, expected fractions of the image's sides from 0 to 1, not pixels", where,
                     object, value);
  }
  return std::clamp(value, 0.0F, 1.0F);
}

// float32 of a fraction is off by 2^-24 of the side; people's pixels are whole or short decimals.
double pixels(float value, std::int64_t side) {
  const double exact = static_cast<double>(value) * static_cast<double>(side), whole = std::round(exact);
  return std::abs(exact - whole) <= static_cast<double>(side) * 1.2e-7 ? whole : exact;
}

}  // namespace

bool may_be_detection(std::span<const float> labels) {
  if (labels.size() < kShortest) return false;
  const std::size_t header = count_of(labels[0]), width = count_of(labels[1]);
  return header >= 2 && width >= 5 && header < labels.size() && (labels.size() - header) % width == 0;
}

std::vector<FractionBox> parse_label_vector(std::span<const float> labels, std::string_view where, BoxNotes& notes) {
  if (!may_be_detection(labels)) {
    const std::string front = labels.size() < 2 ? "" : fmt::format(" that begins with {}, {}", labels[0], labels[1]);
    throw user_error(
        "{}: a label vector of {} numbers{}; expected A >= 2, B >= 5, the rest of A numbers, and B numbers for each of one or "
        "more objects",
        where, labels.size(), front);
  }
  const std::size_t header = count_of(labels[0]), width = count_of(labels[1]);
  std::vector<FractionBox> boxes;
  for (std::size_t at = header, object = 1; at < labels.size(); at += width, ++object) {
    const std::span<const float> o = labels.subspan(at, width);
    if (o[3] <= o[1] || o[4] <= o[2]) {
      if (notes.dropped++ == 0) notes.first_dropped = fmt::format("{}: object {}", where, object);
      continue;
    }
    if (!(o[0] >= 0 && o[0] <= static_cast<float>(kMaxClassId)) || o[0] != std::floor(o[0]))
      throw user_error("{}: object {}: class {}, expected an integer from 0 to {}", where, object, o[0], kMaxClassId);
    FractionBox box{static_cast<std::int64_t>(o[0]), fraction(o[1], where, object), fraction(o[2], where, object),
                    fraction(o[3], where, object),   fraction(o[4], where, object), width > 5 && o[5] == 1};
    boxes.push_back(box);
  }
  return boxes;
}

std::vector<float> label_vector(const AnnotatedImage& image, bool with_difficult) {
  std::vector<float> labels = {2, with_difficult ? 6.0F : 5.0F};
  const double w = static_cast<double>(image.width), h = static_cast<double>(image.height);
  for (const Box& box : image.boxes) {
    labels.push_back(static_cast<float>(box.class_id));
    labels.push_back(static_cast<float>(box.left / w));
    labels.push_back(static_cast<float>(box.top / h));
    labels.push_back(static_cast<float>((box.left + box.width) / w));
    labels.push_back(static_cast<float>((box.top + box.height) / h));
    if (with_difficult) labels.push_back(box.difficult ? 1 : 0);
  }
  return labels;
}

Box box_in_pixels(const FractionBox& box, std::int64_t width, std::int64_t height) {
  Box out;
  out.class_id = box.class_id;
  out.left = pixels(box.xmin, width);
  out.top = pixels(box.ymin, height);
  out.width = pixels(box.xmax, width) - out.left;
  out.height = pixels(box.ymax, height) - out.top;
  out.difficult = box.difficult;
  return out;
}

}  // namespace smtrain::formats
