// Where the records of a .rec file begin, for reading them in another order than the file's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "formats/image/image_source.h"

namespace smtrain::formats::image {

/// The byte offsets of the records of a plain file, found by stepping over their heads. Where the file's .idx lies beside it, the
/// two are compared. Throws a user Error for a file that is no sequence of whole records, and for an index that is another
/// file's.
std::vector<std::uint64_t> record_offsets(const std::string& path);

/// The images of .rec files, plain and regular ones, in an order that the seed and the number of the pass decide. Throws a user
/// Error for other files.
std::unique_ptr<ImageSource> open_shuffled_records(std::vector<InputFile> files, std::uint64_t seed, std::uint64_t epoch);

}  // namespace smtrain::formats::image
