// COCO's boxes: one JSON document for all images (share/doc/formats/boxes.md).
#pragma once

#include <string>
#include <string_view>

#include "formats/annotation/annotation.h"

namespace smtrain::formats {

struct CocoSet {
  AnnotationSet set;
  BoxNotes notes;
};

/// Reads "images", "annotations" and "categories"; segmentations, key points and the like are passed over. Classes get the ids 0,
/// 1, ... in the order of the categories' ids. An iscrowd box is difficult. Images are in the document's order, as are the boxes
/// of each. Takes memory of a few times the text. Throws user Errors that begin with `where`.
CocoSet parse_coco(std::string_view text, const std::string& where);

/// The document: images and boxes numbered from 1, category id = class id + 1, a category for each class up to the largest.
std::string coco_json(const AnnotationSet& set);

}  // namespace smtrain::formats
