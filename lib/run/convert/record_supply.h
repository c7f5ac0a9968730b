// RecordSupply: the input of a prepared conversion as packed records: copied as they stand, rows of a table, or a CSV encoded.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/io/input_files.h"
#include "run/convert/data_kind.h"
#include "run/convert/record_sink.h"
#include "run/requests.h"

namespace smtrain::run {

class RecordSupply : public formats::RecordSource {
 public:
  /// A sink for some of its records, which may hold `waiting_bytes` of them where its format has large blocks.
  virtual std::unique_ptr<RecordSink> make_sink(const std::string& path, std::size_t waiting_bytes) const = 0;
  /// Bytes of the files read so far in all passes, and what all passes will read; 0 when unknown.
  virtual std::uint64_t bytes_read() const = 0;
  virtual std::uint64_t bytes_to_read() const = 0;
  /// What the records are, in words: "108 features and 1 label".
  virtual std::string words() const = 0;
  /// Once all records have been taken: a file that belongs to them, to be committed with them; nullptr: none.
  virtual AtomicFile* side_file() { return nullptr; }
  /// Once all is written: what there is to say.
  virtual void finish(Console& console) { (void)console; }
};

/// Chosen by the request: encoded when columns are asked for; as they stand when input and output are of one format of lines;
/// rows of numbers else. Throws a user Error for what cannot be.
std::unique_ptr<RecordSupply> open_record_supply(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

/// Whether a table is Parquet with columns of text that is to become CSV, where text may stand: its records are copied, not read
/// as numbers. False for what cannot be looked at beforehand: a pipe, a compressed file.
bool copies_texts(const ConvertRequest& request, DataKind from, DataKind to);

/// Tells the console how far a supply has come.
void show_progress(const RecordSupply& supply, const char* phase, std::uint64_t records, Console& console);

// All of them, private to open_record_supply().
std::unique_ptr<RecordSupply> open_encoded_rows(const ConvertRequest& request, std::vector<formats::InputFile> files,
                                                Console& console);
std::unique_ptr<RecordSupply> open_csv_lines(const ConvertRequest& request, const formats::ContentType& type,
                                             std::vector<formats::InputFile> files, Console& console);
/// What becomes of a line, instead of a copy; called by several threads at a time.
using LineChange = std::function<std::string(std::string_view line, const std::string& place)>;
std::unique_ptr<RecordSupply> open_lines(const ConvertRequest& request, const formats::ContentType& type,
                                         std::vector<formats::InputFile> files, LineChange change = {});
std::unique_ptr<RecordSupply> open_table_rows(const ConvertRequest& request, const std::vector<formats::InputFile>& files,
                                              Console& console);
std::unique_ptr<RecordSupply> open_image_lines(const ConvertRequest& request);
std::unique_ptr<RecordSupply> open_images(const ConvertRequest& request, DataKind from, Console& console);

}  // namespace smtrain::run
