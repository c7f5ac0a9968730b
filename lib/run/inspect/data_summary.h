// A data file, folder or stream, summed up for `inspect`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/content_type.h"
#include "formats/table_scan.h"
#include "run/inspect/fit.h"
#include "run/requests.h"

namespace smtrain::run {

struct DataSummary {
  std::string path;
  formats::ContentType type;       ///< as given, or as found
  bool type_given = false;
  std::uint64_t bytes = 0;         ///< of all files, on disk; 0 for streams
  formats::TableScan scan;
  std::vector<std::string> notes;  ///< what was assumed, what a reader logged
  std::vector<Fit> algorithms;
};

/// Looks at the first mebibytes of the data, at all of it with request.full or when it is small. A header line and other
/// separators of CSV are found out when no content type says them.
DataSummary summarize_data(const InspectRequest& request, Log& log);

/// For people: aligned, at most 100 columns.
std::string data_text(const DataSummary& summary);
/// For programs: an object with "schema": 1 and "kind": "data".
std::string data_json(const DataSummary& summary);

}  // namespace smtrain::run
