// Objects that a platform has wrapped into RecordIO records, one each, as they were before.
#pragma once

#include <memory>
#include <string>

#include "formats/io/byte_stream.h"

namespace smtrain::formats::recordio {

/// The payloads of the records of `stream`, one after the other; `name` is for messages. A text object that ends without a
/// newline gets one. Where the payloads are protobuf records, the wrapper is the format: the bytes come as they are. Which
/// of the two is seen by the first payload. Throws a user Error with the byte offset for what is no sequence of records.
/// The stream cannot seek.
std::unique_ptr<ByteStream> unwrap(std::unique_ptr<ByteStream> stream, std::string name);

}  // namespace smtrain::formats::recordio
