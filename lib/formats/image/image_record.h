// ImageRecord: an image as MXNet's RecordIO files hold it (share/doc/formats/images.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace smtrain::formats::image {

struct ImageRecord {
  std::uint64_t id = 0;
  /// One class; or several numbers: one per class, the classes there are, or the boxes of a detector.
  std::vector<float> labels{0};
  /// The labels follow the header. One label in the header and one that follows it mean the same.
  bool vector = false;
  std::string image;  ///< the bytes of a JPEG or PNG file
};

/// Where a record stands, for messages.
struct RecordPlace {
  std::string source;  ///< file name as the user knows it
  std::uint64_t record = 0, offset = 0;
};
std::string place_of(const RecordPlace& place);

/// Takes a payload apart. Throws a user Error, without a place, for a payload that is shorter than its header says, in words for
/// what else it seems to be (protobuf, a bare image), and for labels that are not finite. The image is not looked at.
ImageRecord parse_image_record(std::string_view payload);

/// Appends the framed record, split where the magic word occurs. With several labels `vector` is implied. Throws a user Error for
/// a record of 512 MiB or more. Thread-safe.
void append_image_record(std::string& out, const ImageRecord& record);

}  // namespace smtrain::formats::image
