// Pascal VOC: an XML file per image (share/doc/formats/boxes.md).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/annotation/annotation.h"

namespace smtrain::formats {

/// What the corners of VOC boxes mean.
enum class VocCorners {
  from_one,   ///< the challenge's own: numbers of pixels from 1, the last one inside of the box
  from_zero,  ///< coordinates from 0, as many tools write them: xmax - xmin is the width
};

struct VocImage {
  AnnotatedImage image;            ///< width 0: the file gives no size, and the boxes are not checked; class ids are unset
  std::vector<std::string> names;  ///< of image.boxes, one each
};

/// Files beyond this are none of VOC's.
inline constexpr std::size_t kMaxVocBytes = std::size_t{16} << 20;

/// Reads <annotation>: filename, size, and of each object name, bndbox and difficult; the rest is passed over. Boxes are not
/// checked against the image: settle_voc does that when the size is known. No entity but XML's own five is expanded, and a
/// document type that declares some is refused, as is one deeper than 64 elements. Throws user Errors with file and line.
VocImage parse_voc(std::string_view text, const std::string& where, VocCorners corners);

/// Checks the boxes, once the size of the image is known.
void settle_voc(VocImage& voc, std::string_view where, BoxNotes& notes);

/// The annotation; throws a user Error for a name that XML cannot hold.
std::string voc_xml(const AnnotatedImage& image, const ClassNames& classes, VocCorners corners);

}  // namespace smtrain::formats
