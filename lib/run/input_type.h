// What format an input or output is in, when it is not said.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/content_type.h"
#include "formats/io/input_files.h"

namespace smtrain::run {

/// The content type of a table: as given; else by the suffix of the first file; else by its first (decompressed) bytes, on
/// files that can be opened again. Throws a user Error that says what the bytes look like and names --content-type.
formats::ContentType input_type(const std::optional<std::string>& given, std::span<const formats::InputFile> files);

/// The same of an output: `to` as given, else by suffix. Throws a user Error that names --to and the known suffixes.
formats::ContentType output_type(const std::optional<std::string>& to, const std::string& path);

/// "text/csv" for .csv, tab-delimited for .tsv, ...; nullopt for an unknown suffix.
std::optional<formats::ContentType> type_by_suffix(std::string_view path);

}  // namespace smtrain::run
