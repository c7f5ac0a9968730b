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
// What formats of large blocks may hold until one is full, all parts together and each.
constexpr std::size_t kBlockBytes = std::size_t{256} << 20;
constexpr std::size_t kMostBlock = std::size_t{64} << 20, kLeastBlock = std::size_t{1} << 20;

}  // namespace

MadeFolders::~MadeFolders() {
  for (auto folder = made_.rbegin(); folder != made_.rend(); ++folder) {
    std::error_code ignored;
    std::filesystem::remove(*folder, ignored);
    forget_leftover(*folder);
  }
}

void MadeFolders::make_for(const std::filesystem::path& file) {
  const std::filesystem::path folder = std::filesystem::absolute(file).lexically_normal().parent_path();
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return;
  if (folder.has_parent_path() && folder.parent_path() != folder) make_for(folder);
  if (std::filesystem::create_directory(folder, error)) {
    made_.push_back(folder);
    remember_leftover(folder, Leftover::empty_folder);
  }
  if (error) throw user_error("{}: cannot make the folder: {}", folder.string(), error.message());
}

void MadeFolders::keep() {
  for (const std::filesystem::path& folder : made_) forget_leftover(folder);
  made_.clear();
}

Parts::Parts(const std::string& output, const PartPlan& plan, const RecordSupply& supply)
    : waiting_bytes_(std::clamp(kWaitingBytes / plan.names.size(), kLeastWaiting, kMostWaiting)) {
  const std::size_t block_bytes = std::clamp(kBlockBytes / plan.names.size(), kLeastBlock, kMostBlock);
  for (const std::string& name : plan.names) {
    paths_.push_back(part_path(output, name));
    if (output.find("{}") != std::string::npos) folders_.make_for(paths_.back());
    sinks_.push_back(supply.make_sink(paths_.back(), block_bytes));
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

void Parts::commit(const std::vector<AtomicFile*>& others) {
  for (std::size_t part = 0; part < sinks_.size(); ++part) flush(part);
  std::vector<AtomicFile*> files;
  for (const auto& sink : sinks_) {
    const std::vector<AtomicFile*> own = sink->finish();
    files.insert(files.end(), own.begin(), own.end());
  }
  files.insert(files.end(), others.begin(), others.end());
  commit_together(files);
  folders_.keep();
}

}  // namespace smtrain::run
