// Boxes as object detection takes them: a JSON object per image, in pixels (share/doc/formats/boxes.md).
#pragma once

#include <string>
#include <string_view>

#include "formats/annotation/annotation.h"

namespace smtrain::formats {

struct ServiceJson {
  AnnotatedImage image;
  ClassNames classes;
  BoxNotes notes;
};

/// Reads {"file": ..., "image_size": [{...}], "annotations": [...], "categories": [...]}. `needs_file`: an attribute of an
/// augmented manifest has no "file". Throws user Errors that begin with `where`.
ServiceJson parse_service_json(std::string_view text, std::string_view where, bool needs_file);

/// The object on one line, "categories" for the classes it has. `with_file`: as above. Whether a box is difficult is lost.
std::string service_json(const AnnotatedImage& image, const ClassNames& classes, bool with_file);

}  // namespace smtrain::formats
