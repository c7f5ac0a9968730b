#include "run/inspect/reading.h"

#include <algorithm>

#include "base/signals.h"
#include "formats/io/byte_stream.h"
#include "run/input_size.h"

namespace smtrain::run {
namespace {

constexpr std::uint64_t kHeadBytes = std::uint64_t{8} << 20;
constexpr std::uint64_t kSmallBytes = std::uint64_t{64} << 20;
constexpr std::size_t kHeadFiles = 1000;
constexpr std::size_t kMostProblems = 20;

std::string compression_of(const std::vector<formats::InputFile>& files) {
  return files.empty() || !files.front().rewindable ? "" : formats::open_bytes(files.front())->compression();
}

}  // namespace

void Reading::Notes::write(Level level, std::string_view line) {
  if (level == Level::warning) summary_.notes.emplace_back(line);
}

Reading::Reading(const InspectRequest& request, DataKind kind, std::vector<formats::InputFile> files)
    : request_(request), files_(std::move(files)) {
  summary_.path = request.path;
  summary_.kind = name_of(kind);
  summary_.words = words_for(kind);
  summary_.files = files_.size();
  summary_.bytes = total_size(files_);
  summary_.compression = compression_of(files_);
}

formats::BlockTeamOptions Reading::team() const {
  formats::BlockTeamOptions options;
  options.threads = request_.common.threads.value;
  return options;
}

void Reading::add_problems(const Error& error) {
  if (error.fault() != Fault::user) throw;
  for (const std::string& problem : error.problems()) {
    if (summary_.problems.size() < kMostProblems) summary_.problems.push_back(problem);
    else summary_.more_problems = true;
  }
}

void Reading::read(const std::function<bool()>& next, const std::function<std::uint64_t()>& consumed) {
  const bool sized = std::all_of(files_.begin(), files_.end(), [](const formats::InputFile& f) { return f.size.has_value(); });
  const bool all = request_.full || (sized && summary_.bytes <= kSmallBytes);
  summary_.exact = false;
  try {
    while (all || consumed() < kHeadBytes) {
      throw_if_stopped();
      if (next()) continue;
      summary_.exact = true;
      break;
    }
  } catch (const Error& error) {
    add_problems(error);
  }
  const std::uint64_t read = consumed();
  if (summary_.exact || !sized || read == 0 || !summary_.problems.empty()) return;
  summary_.estimated_records =
      static_cast<std::uint64_t>(static_cast<double>(summary_.records) * (static_cast<double>(summary_.bytes) / static_cast<double>(read)) + 0.5);
}

void Reading::read_each(const std::function<void(const formats::InputFile&)>& look) {
  summary_.exact = request_.full || files_.size() <= kHeadFiles;
  const std::size_t count = summary_.exact ? files_.size() : kHeadFiles;
  // Spread over all of them: folders are often a class each, one after the other.
  for (std::size_t i = 0; i < count && !summary_.more_problems; ++i) {
    throw_if_stopped();
    try {
      look(files_[i * files_.size() / count]);
    } catch (const Error& error) {
      add_problems(error);
    }
  }
  summary_.records = count;
  summary_.spread = !summary_.exact;
  if (!summary_.exact) summary_.estimated_records = files_.size();
}

}  // namespace smtrain::run
