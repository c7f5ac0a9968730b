// Parts: the outputs of a conversion, records sent to each.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "run/convert/part_plan.h"
#include "run/convert/record_supply.h"

namespace smtrain::run {

/// Folders that were made for outputs; destroyed without keep(), those that are empty are removed again.
class MadeFolders {
 public:
  MadeFolders() = default;
  MadeFolders(const MadeFolders&) = delete;
  MadeFolders& operator=(const MadeFolders&) = delete;
  ~MadeFolders();
  /// Makes the folder of a file, and those above it.
  void make_for(const std::filesystem::path& file);
  void keep();

 private:
  std::vector<std::filesystem::path> made_;  // each below or beside those before it
};

/// Not thread-safe. All outputs appear under their names, or none.
class Parts {
 public:
  /// Opens the outputs, at part_path(output, name) for each name of the plan, and makes folders where `output` holds {}.
  Parts(const std::string& output, const PartPlan& plan, const RecordSupply& supply);

  void write(std::size_t part, std::string_view record);
  /// `others` are committed along with them.
  void commit(const std::vector<AtomicFile*>& others);

  const std::vector<std::string>& paths() const { return paths_; }
  const RecordSink& sink(std::size_t part) const { return *sinks_[part]; }

 private:
  void flush(std::size_t part);

  std::size_t waiting_bytes_;
  std::vector<std::string> paths_;
  MadeFolders folders_;  // goes after the files in them
  std::vector<std::unique_ptr<RecordSink>> sinks_;
  std::vector<formats::PackedRecords> waiting_;
};

}  // namespace smtrain::run
