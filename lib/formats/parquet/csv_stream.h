// The rows of a Parquet file as CSV text, for what reads columns of text: encodings, and tables copied as they stand.
#pragma once

#include <memory>
#include <string_view>

#include "formats/io/byte_stream.h"

namespace smtrain::formats::parquet {

/// A header of the columns' names, then a line per row; fields in quotes where they must be. Null is the empty field, a boolean 0
/// or 1, a number the shortest text that reads back the same, a date 2026-01-31, a timestamp 2026-01-31 09:30:00, with
/// microseconds where there are any. `bytes` are the file's, of which `head` have been taken. A column of lists is a user Error
/// that names it. consumed() and cancel() are those of the file.
std::unique_ptr<ByteStream> make_csv_stream(const InputFile& file, std::unique_ptr<ByteStream> bytes, std::string_view head);

}  // namespace smtrain::formats::parquet
