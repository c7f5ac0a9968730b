// Label vectors of detection: what an image record or a line of an image list says of the boxes (share/doc/formats/boxes.md).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "formats/annotation/annotation.h"

namespace smtrain::formats {

/// A box in fractions of the image's sides.
struct FractionBox {
  std::int64_t class_id = 0;
  float xmin = 0, ymin = 0, xmax = 0, ymax = 0;
  bool difficult = false;
};

/// Whether a vector of this length may be one of detection at all: A, B and at least one object.
bool may_be_detection(std::span<const float> labels);

/// The objects of [A, B, extra..., {class, xmin, ymin, xmax, ymax, extra...}...]. Objects with xmax <= xmin or ymax <= ymin, the
/// padding of -1 among them, are dropped. Throws a user Error that begins with `where` for any other shape, for numbers that are
/// not finite, classes that are no integers from 0, and corners outside of 0...1 by more than 0.02 (less is clipped).
std::vector<FractionBox> parse_label_vector(std::span<const float> labels, std::string_view where, BoxNotes& notes);

/// The vector of an image with at least one box: A = 2, B = 5, or 6 with `difficult` as the sixth.
std::vector<float> label_vector(const AnnotatedImage& image, bool with_difficult);

/// In pixels of an image of known size. A coordinate that float32 holds only about becomes the whole pixel that it was.
Box box_in_pixels(const FractionBox& box, std::int64_t width, std::int64_t height);

}  // namespace smtrain::formats
