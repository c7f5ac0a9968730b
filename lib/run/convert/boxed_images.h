// Images with boxes on their way from one format to another: what a conversion reads them into.
#pragma once

#include <string>
#include <vector>

#include "formats/annotation/annotation.h"
#include "run/convert/data_kind.h"

namespace smtrain::run {

struct BoxedImages {
  formats::AnnotationSet set;
  std::vector<std::string> paths;  ///< of set.images: where each image should lie
  std::vector<std::string> read;   ///< every file that was read, for the depfile
  bool sizes_checked = false;      ///< against the images
};

/// Reads service JSON, VOC, COCO, or a manifest of boxes. Images come in the order of the annotations' paths, or of COCO's list;
/// classes are those of
/// --classes, else as the format has them: VOC's in the order of their names. Where VOC does not say how large an image is, the
/// image is asked. Throws user Errors with the place; notes and what the classes are go to the log.
BoxedImages read_boxed_images(const ConvertRequest& request, DataKind kind, Log& log);

/// Names of classes, a line each, from 0. Throws a user Error for an empty or a repeated name.
formats::ClassNames read_class_names(const std::string& path);

/// Gives the classes their places in `names`: one that has a name gets that name's id, one without gets the name of its id.
/// Throws a user Error for a class that is not there.
void use_class_names(formats::AnnotationSet& set, const formats::ClassNames& names, const std::string& path);

/// Compares the sizes that annotations declare with those of the images; throws a user Error for an image that is not there or
/// differs.
void check_image_sizes(BoxedImages& boxed, int threads);

/// Throws a user Error when two images have one name.
void check_unique_images(const formats::AnnotationSet& set);

}  // namespace smtrain::run
