// What all summaries of records have in common: which files, how much of them, and what a reader said.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "formats/block_team.h"
#include "formats/io/input_files.h"
#include "run/convert/data_kind.h"
#include "run/inspect/record_summary.h"

namespace smtrain::run {

/// The files of a summary as they are read. Not thread-safe.
class Reading {
 public:
  Reading(const InspectRequest& request, DataKind kind, std::vector<formats::InputFile> files);

  const std::vector<formats::InputFile>& files() const { return files_; }
  formats::BlockTeamOptions team() const;
  /// Warnings of readers become notes.
  Log& log() { return log_; }
  RecordSummary& summary() { return summary_; }
  static constexpr std::size_t kFirst = 5;

  /// Calls `next` until it returns false, or `consumed` says that enough bytes have been read. A user Error that it throws is a
  /// problem, and ends the reading. Sets what the summary says of records; `next` counts them.
  void read(const std::function<bool()>& next, const std::function<std::uint64_t()>& consumed);
  /// The same of records that are files of their own: as many as there are files, and all are looked at when they are few.
  void read_each(const std::function<void(const formats::InputFile&)>& look);

 private:
  class Notes final : public Log {
   public:
    explicit Notes(RecordSummary& summary) : summary_(summary) {}
    void write(Level level, std::string_view line) override;

   private:
    RecordSummary& summary_;
  };
  void add_problems(const Error& error);

  const InspectRequest& request_;
  std::vector<formats::InputFile> files_;
  RecordSummary summary_;
  Notes log_{summary_};
};

}  // namespace smtrain::run
