// Annotated images: boxes with classes, in pixels. What every format of boxes is read into and written from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"

namespace smtrain::formats {

/// A box of an image. A pixel is a unit square, and the origin is the image's upper left corner.
struct Box {
  std::int64_t class_id = 0;  ///< from 0
  double left = 0, top = 0, width = 0, height = 0;
  bool difficult = false;     ///< VOC's difficult, COCO's iscrowd: no object to learn from or to be judged by
  bool operator==(const Box&) const = default;
};

struct AnnotatedImage {
  std::string file;                 ///< below the folder of images, with slashes
  std::int64_t width = 0, height = 0;
  std::vector<Box> boxes;           ///< empty: background
  bool operator==(const AnnotatedImage&) const = default;
};

/// Names by class id; a class may lack one.
using ClassNames = std::map<std::int64_t, std::string>;

struct AnnotationSet {
  std::vector<AnnotatedImage> images;
  ClassNames classes;
};

/// Sides of an image beyond this are no sizes.
inline constexpr std::int64_t kMaxImageSide = 1 << 24;
inline constexpr std::int64_t kMaxClassId = (1 << 20) - 1;  ///< float32 holds it, as label vectors need

/// What became of boxes while they were read, for one warning instead of thousands.
struct BoxNotes {
  std::size_t clipped = 0, dropped = 0;
  std::string first_dropped;  ///< its place

  void add(const BoxNotes& other);
  void warn(Log& log) const;
};

/// Checks a box of an image of known size: one that sticks out by at most a pixel is clipped, one without area is dropped
/// (false). Throws a user Error that begins with what `where` gives for one that sticks out further, has a negative side or is
/// not finite.
bool settle_box(Box& box, const AnnotatedImage& image, const std::function<std::string()>& where, BoxNotes& notes);

/// Adds names; throws a user Error when a class has two.
void add_class_names(ClassNames& into, const ClassNames& names, std::string_view where);

/// The name of a class; its number in decimal where it has none.
std::string class_name(const ClassNames& names, std::int64_t class_id);

/// One past the largest class id that is named or used.
std::int64_t class_count(const AnnotationSet& set);

/// Throws a user Error unless a name is a path that stays below its folder: not empty, not absolute, no ".." that leads out, no
/// zero byte.
void check_image_name(std::string_view file, std::string_view where);

/// "sub/a.jpg" with another suffix: "sub/a.json".
std::string with_suffix(std::string_view file, std::string_view suffix);

/// A coordinate as people write it: 12, 12.5.
void append_pixels(std::string& out, double value);

}  // namespace smtrain::formats
