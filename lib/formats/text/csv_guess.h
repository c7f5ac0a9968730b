// What the first lines of CSV tell of how it stands: its delimiter, and whether it has a header.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "formats/content_type.h"
#include "formats/io/input_files.h"
#include "formats/text/csv_scan.h"

namespace smtrain::formats {

/// The first record of `text`, its line feed left out; all of it when it has no end.
std::string_view csv_first_line(std::string_view text, CsvDialect dialect);

/// Sets the type's delimiter where it says none and the first line of `head` (no BOM) has no comma: of semicolon, tab and pipe the
/// one that it has most. What was set is named in the log, with `source`.
void guess_csv_delimiter(ContentType& type, std::string_view head, const std::string& source, Log& log);

/// Sets the type's delimiter where it says none: of comma, tab, semicolon, pipe and blank the first that gives all of the first whole
/// lines equally many fields, more than one, and fields that are numbers or empty; else the first that gives equally many. Any but a
/// comma is named in the log. Where none does, nothing is set.
void guess_delimiter_by_lines(ContentType& type, std::string_view head, const std::string& source, Log& log);

/// Sets header=true where the type says nothing, the first line of `head` has no number and distinct names, and the second one has
/// as many fields and some number; that is named in the log. Where both are such but hold text alone, nothing is set, with a warning.
void guess_csv_header(ContentType& type, std::string_view head, const std::string& source, Log& log);

/// The type with what it leaves open, by the first file that has a byte. `columns`: how the user calls the ones he wants; a name
/// among the numbers says that there is a header. Parquet, and files that can be read once only, are left as they are.
ContentType with_csv_guesses(ContentType type, const std::vector<InputFile>& files, const std::vector<std::string>& columns, Log& log);

}  // namespace smtrain::formats
