// The readers behind open_series(), one per format; the shape of their records is not compared. Private to this folder.
#pragma once

#include <memory>
#include <vector>

#include "formats/series/series.h"

namespace smtrain::formats {

std::unique_ptr<SeriesReader> open_json_series(std::vector<InputFile> files, const BlockTeamOptions& options, Log& log);
std::unique_ptr<SeriesReader> open_parquet_series(std::vector<InputFile> files, const BlockTeamOptions& options);

}  // namespace smtrain::formats
