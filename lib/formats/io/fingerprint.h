// Fingerprints tell one data set from another, so that a resumed run does not go on with other data.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "formats/io/input_files.h"

namespace smtrain::formats {

/// "3 files, 1234 bytes, sample 0f3a…": number, sizes and up to 16 samples of 4 KiB of each file (of 256 files at most, evenly
/// chosen), in order; no names and no times, so that data may be moved. Empty when a file can't be opened again (a pipe).
/// Throws a user Error when a file cannot be read.
std::string fingerprint_of(const std::vector<InputFile>& files);

/// Of a pipe: a hash of its first 64 KiB, of which `head` holds as many as there are.
std::string fingerprint_of_head(std::span<const char> head);

}  // namespace smtrain::formats
