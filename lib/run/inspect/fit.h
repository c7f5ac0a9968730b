// Which algorithms can train on data that was inspected, and what they have to be told.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "formats/content_type.h"
#include "formats/table_scan.h"

namespace smtrain::run {

struct Fit {
  std::string algorithm;
  bool fits = false;
  bool extension = false;    ///< smtrain reads the format for it, the service does not
  std::string content_type;  ///< what --content-type has to say; "" when training finds it out by itself
  std::string why;           ///< what hinders, or a remark
};

/// A table as it was read.
struct FoundTable {
  const formats::ContentType& type;
  std::string to_be_said;  ///< the content type, where training would take the data for something else
  const formats::TableScan& scan;
};

/// A line per algorithm of the registry, by its description.
std::vector<Fit> fits_of_table(const FoundTable& table);

/// The same of data that is no table; `words` say what it is: "a folder of images".
std::vector<Fit> fits_of_records(const std::string& words);

/// For people, with a heading; "" without any.
std::string fits_text(const std::vector<Fit>& fits);
/// For programs: an array.
nlohmann::ordered_json fits_json(const std::vector<Fit>& fits);

}  // namespace smtrain::run
