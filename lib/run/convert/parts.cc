#include "run/convert/parts.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"

namespace smtrain::run {
namespace {

// Records wait until there are enough to encode by all threads; less where many parts wait.
constexpr std::size_t kWaitingBytes = std::size_t{32} << 20;
constexpr std::size_t kMostWaiting = std::size_t{8} << 20;
constexpr std::size_t kLeastWaiting = std::size_t{64} << 10;

void make_folder(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (error) throw user_error("{}: cannot make the folder: {}", folder.string(), error.message());
}

}  // namespace

Parts::Parts(const std::string& output, const PartPlan& plan, const RecordSupply& supply)
    : waiting_bytes_(std::clamp(kWaitingBytes / plan.names.size(), kLeastWaiting, kMostWaiting)) {
  for (const std::string& name : plan.names) {
    paths_.push_back(part_path(output, name));
    if (output.find("{}") != std::string::npos) make_folder(paths_.back());
    sinks_.push_back(supply.make_sink(paths_.back()));
  }
  waiting_.resize(sinks_.size());
}

void Parts::write(std::size_t part, std::string_view record) {
  waiting_[part].append(record, {});
  if (waiting_[part].size_in_bytes() >= waiting_bytes_) flush(part);
}

void Parts::flush(std::size_t part) {
  if (waiting_[part].size() != 0) sinks_[part]->write(waiting_[part]);
  waiting_[part].clear();
}

void Parts::commit() {
  for (std::size_t part = 0; part < sinks_.size(); ++part) flush(part);
  for (const auto& sink : sinks_) sink->commit();
}

}  // namespace smtrain::run
