// ImageSource: encoded images one after the other, out of a folder, a list or records.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "formats/image/image_folder.h"
#include "formats/image/image_record.h"
#include "formats/io/input_files.h"

namespace smtrain::formats::image {

/// An image that may still lie in its file.
struct EncodedImage {
  std::string place;   ///< the line or record that tells of it, for messages; "" for a file of a folder
  std::string path;    ///< of its file; "": record.image has the bytes
  ImageRecord record;
};

/// Fetches the bytes of an image that lies in a file, and returns what messages about it begin with. Throws a user Error for a
/// file that is not there or larger than a record can be. Thread-safe.
std::string load_image(EncodedImage& image);

/// One caller at a time, in any thread.
class ImageSource {
 public:
  virtual ~ImageSource() = default;
  virtual bool next(EncodedImage& image) = 0;
  /// What is found only when all have come. Throws a user Error.
  virtual void check_all() const {}
  /// Of the input that has been read, 0 to 1, or negative when nobody knows.
  virtual double fraction() const = 0;
  /// Files of the input itself.
  virtual std::vector<std::string> files() const = 0;
  /// Ends a next() that waits for a pipe, from any thread.
  virtual void cancel() {}
};

/// Images of a folder by their numbers in `order`; id and number are one.
std::unique_ptr<ImageSource> open_image_folder(ImageFolder folder, std::vector<std::uint64_t> order);

/// Images that some lists name, below `root`, in the order of the lines.
std::unique_ptr<ImageSource> open_image_lists(std::vector<InputFile> files, std::string root);

/// Images of .rec files in their order; pipes and compressed files too. `log` must outlive it.
std::unique_ptr<ImageSource> open_image_records(std::vector<InputFile> files, Log& log);

/// 0 to images - 1: as they are, or shuffled by the seed and the name of what they are shuffled for.
std::vector<std::uint64_t> image_order(std::size_t images, bool shuffled, std::uint64_t seed, std::string_view name);

}  // namespace smtrain::formats::image
