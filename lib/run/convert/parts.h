// Parts: the outputs of a conversion, records sent to each.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "run/convert/part_plan.h"
#include "run/convert/record_supply.h"

namespace smtrain::run {

/// Not thread-safe. All outputs are written before the first appears under its name.
class Parts {
 public:
  /// Opens the outputs, at part_path(output, name) for each name of the plan, and makes folders where `output` holds {}.
  Parts(const std::string& output, const PartPlan& plan, const RecordSupply& supply);

  void write(std::size_t part, std::string_view record);
  void commit();

  const std::vector<std::string>& paths() const { return paths_; }
  const RecordSink& sink(std::size_t part) const { return *sinks_[part]; }

 private:
  void flush(std::size_t part);

  std::size_t waiting_bytes_;
  std::vector<std::string> paths_;
  std::vector<std::unique_ptr<RecordSink>> sinks_;
  std::vector<formats::PackedRecords> waiting_;
};

}  // namespace smtrain::run
