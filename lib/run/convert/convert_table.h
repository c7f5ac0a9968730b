// `convert` of tables: any format of rows to any other.
#pragma once

#include "base/log.h"
#include "formats/table_stream.h"
#include "formats/table_writer.h"
#include "run/convert/conversion.h"

namespace smtrain::run {

void convert_table(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

// What other conversions from and to tables share:

/// A CSV that does not say how many labels it has has none: the rule for bare CSV in training guesses one from the width; a
/// conversion keeps every column as it stands.
formats::ContentType with_labels_settled(formats::ContentType type, Log& log);
/// One pass, in pieces that do not depend on threads.
formats::TableStreamOptions table_reading(const formats::ContentType& type, const CommonSettings& common);
formats::TableWriterOptions table_writing(const formats::ContentType& type, bool recordio_split,
                                          const formats::TableSchema& schema);
/// "12 sparse features and 1 label"
std::string columns_in_words(const formats::TableSchema& schema);

}  // namespace smtrain::run
