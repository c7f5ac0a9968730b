// Images on their way into a conversion: out of a folder, a list or records.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "formats/image/image_folder.h"
#include "formats/image/image_record.h"
#include "run/convert/data_kind.h"

namespace smtrain::run {

/// An image that may still lie in its file.
struct SuppliedImage {
  std::string place;                   ///< the line or record that tells of it, for messages; "" for a file of a folder
  std::string path;                    ///< of its file; "": record.image has the bytes
  formats::image::ImageRecord record;
};

/// One caller at a time, in any thread; the order is that of the input, or of im2rec's walk over a folder, shuffled by the seed.
class ImageSupply {
 public:
  virtual ~ImageSupply() = default;
  virtual bool next(SuppliedImage& image) = 0;
  /// What is found only when all have come. Throws a user Error.
  virtual void check_all() const {}
  /// Of the input that has been read, 0 to 1, or negative when nobody knows.
  virtual double fraction() const = 0;
  /// Files of the input itself, for the depfile.
  virtual std::vector<std::string> files() const = 0;
  /// Ends a next() that waits for a pipe, from any thread.
  virtual void cancel() {}
};

/// `log` must outlive it.
std::unique_ptr<ImageSupply> open_image_supply(const ConvertRequest& request, DataKind from, Log& log);

/// Images of a folder in the order in which they are listed: that of the walk, or shuffled, which is the default. Index and order of the
/// walk are one.
std::vector<std::uint64_t> listing_order(std::size_t images, bool shuffled, std::uint64_t seed);

}  // namespace smtrain::run
