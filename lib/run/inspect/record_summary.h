// Data that is no table (series, text, images, annotations), summed up for `inspect`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "run/inspect/fit.h"
#include "run/requests.h"

namespace smtrain::run {

/// Something that was found out: a line for people, a member for programs.
struct Fact {
  std::string name;   ///< for people: "images"; as JSON with _ for blanks
  std::string text;   ///< for people; several lines are fine
  std::string json;   ///< the value as JSON text
};

struct RecordSummary {
  std::string path;
  std::string kind;            ///< as --as names it: "deepar"
  std::string words;           ///< "DeepAR series"
  std::string compression;     ///< "", "gzip", "zstd"
  std::size_t files = 0;
  std::uint64_t bytes = 0;     ///< of all files, on disk
  std::uint64_t records = 0;   ///< looked at
  bool exact = true;           ///< that is all there are
  bool spread = false;         ///< those looked at do not stand at the beginning, but everywhere
  std::optional<std::uint64_t> estimated_records;
  std::vector<Fact> facts;
  std::vector<Fact> tables;    ///< the text is a table of its own, beneath the facts and under the name
  std::vector<std::string> first;     ///< the first records, in short
  std::vector<std::string> problems;  ///< with their places
  bool more_problems = false;
  std::vector<std::string> notes;
  std::vector<Fit> algorithms;
};

Fact number_fact(std::string name, std::uint64_t value);
Fact text_fact(std::string name, const std::string& value);
/// "a: 10 (50.0 %)" a line, the most frequent first; at most ten of them for people, all as JSON.
Fact count_fact(std::string name, const std::map<std::string, std::uint64_t>& counts);

/// Smallest, mean and largest of what is added.
class Range {
 public:
  void add(double value);
  Fact fact(std::string name) const;

 private:
  std::uint64_t count_ = 0;
  double min_ = 0, max_ = 0, sum_ = 0;
};

/// For people: aligned, at most 100 columns.
std::string records_text(const RecordSummary& summary);
/// For programs: an object with "schema": 1 and "kind": "records".
std::string records_json(const RecordSummary& summary);

}  // namespace smtrain::run
