// Documents: texts as people have them, out of lines, columns of tables, members of JSON objects, or files of their own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "formats/content_type.h"
#include "formats/record_stream.h"

namespace smtrain::formats {

struct Document {
  std::string text;
  std::string second;  ///< the other text of a pair
  std::string label;
  std::shared_ptr<const std::string> source;
  std::uint64_t line = 0;  ///< 0: the whole file

  /// "a.csv:12" or "news/1234"
  std::string where() const;
};

/// What of a table or of objects is read: columns by name or number (parse_column()), members by name.
struct DocumentFields {
  std::vector<std::string> text;  ///< several are put together with a blank
  std::optional<std::string> second, label;

  /// All that are named.
  std::vector<std::string> names() const;
};

/// In order. Not thread-safe. Files of lines, and those that are documents, must begin as text does: archives, images and UTF-16
/// are user Errors that say what the file looks like.
class DocumentReader {
 public:
  virtual ~DocumentReader() = default;
  /// Replaces `documents` by the next ones; false at the end. Throws user Errors with the place.
  virtual bool next(std::vector<Document>& documents) = 0;
  /// Bytes of the files read so far.
  virtual std::uint64_t bytes_consumed() const = 0;
};

/// Of text a line that is not blank is a document, and `fields` name nothing. Of CSV (header=true: the first line of each file
/// names the columns; with_csv_guesses() where the type does not say) and JSON Lines a record is one. `log` must outlive the reader.
std::unique_ptr<DocumentReader> open_documents(const std::vector<InputFile>& files, const ContentType& type,
                                               const DocumentFields& fields, const BlockTeamOptions& options, Log& log);

/// Line i of the one belongs to line i of the other, blank ones too; as many lines in both, or a user Error.
std::unique_ptr<DocumentReader> open_aligned_documents(const std::vector<InputFile>& files, const std::vector<InputFile>& second,
                                                       const BlockTeamOptions& options);

/// Each file is a document; the folder it lies in is its label.
std::unique_ptr<DocumentReader> open_document_files(const std::vector<InputFile>& files, const BlockTeamOptions& options);

}  // namespace smtrain::formats
