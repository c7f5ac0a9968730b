// Image lists and image records whose labels are boxes, as annotated images.
#pragma once

#include <functional>
#include <string>

#include "formats/image/image_record.h"
#include "run/convert/boxed_images.h"

namespace smtrain::run {

/// The boxes that a label vector gives an image of known size. Throws a user Error that begins with `place`.
formats::AnnotatedImage boxed_image(const std::string& file, std::int64_t width, std::int64_t height, const std::vector<float>& labels,
                                    const std::string& place, formats::BoxNotes& notes);

/// The images of a list below --root, or below its own folder, each of which is asked for its size.
BoxedImages read_list_boxes(const ConvertRequest& request, Log& log);

/// Called with each image's name and bytes.
using TakeImage = std::function<void(const std::string& name, const std::string& bytes)>;

/// The images of records, named by their ids: 00000007.jpg.
BoxedImages read_record_boxes(const ConvertRequest& request, Log& log, const TakeImage& take);

}  // namespace smtrain::run
