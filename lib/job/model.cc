#include "job/model.h"

#include <charconv>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/system_error.h"
#include "base/text.h"
#include "formats/archive/tar.h"
#include "job/manifest.h"

namespace smtrain::job {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kManifest = "manifest.json";
constexpr std::string_view kTensors = "model.safetensors";
constexpr std::size_t kMembers = 1000;

struct Suffix {
  std::string_view text;
  formats::TarCompression compression;
};
constexpr Suffix kSuffixes[] = {{".tar.gz", formats::TarCompression::gzip},
                                {".tgz", formats::TarCompression::gzip},
                                {".tar.zst", formats::TarCompression::zstd},
                                {".tzst", formats::TarCompression::zstd},
                                {".tar", formats::TarCompression::none}};

formats::TarCompression compression_of(const std::string& path) {
  const std::string file = fs::path(path).filename().string();
  for (const auto& [text, compression] : kSuffixes) {
    if (file.ends_with(text) && file.size() > text.size()) return compression;
  }
  throw user_error("{}: a model's name must end in .tar.gz, .tgz, .tar.zst, .tzst or .tar", path);
}

using Members = std::map<std::string, std::string>;

/// A model as files: manifest.json first, the others sorted. The model outlives it.
struct Written {
  explicit Written(const Model& model)
      : manifest(write_manifest(model.manifest)), tensors(model.tensors.empty() ? "" : formats::write_safetensors(model.tensors)) {
    std::map<std::string_view, std::string_view> sorted(model.files.begin(), model.files.end());
    if (sorted.contains(kManifest) || sorted.contains(kTensors)) {
      throw internal_error("{} and {} cannot be given as files", kManifest, kTensors);
    }
    if (!tensors.empty()) sorted[kTensors] = tensors;
    members.emplace_back(kManifest, manifest);
    members.insert(members.end(), sorted.begin(), sorted.end());
  }
  Written(const Written&) = delete;

  const std::string manifest, tensors;
  std::vector<std::pair<std::string, std::string_view>> members;
};

/// The files below a folder, as an unpacked tarball.
class FolderReader {
 public:
  FolderReader(const std::string& path, std::uint64_t limit) : path_(path), left_(limit), limit_(limit) {}

  Members read() {
    std::error_code error;
    fs::recursive_directory_iterator at(path_, error);
    while (!error && at != fs::recursive_directory_iterator()) {
      add(*at);
      at.increment(error);
    }
    if (error) throw system_error(error.value(), "{}", path_);
    return std::move(members_);
  }

 private:
  void add(const fs::directory_entry& entry) {
    std::error_code error;
    const fs::file_status status = entry.symlink_status(error);
    if (fs::is_directory(status)) return;
    const std::string name = entry.path().lexically_relative(path_).generic_string();
    if (!fs::is_regular_file(status)) throw user_error("{}: {} is no regular file", path_, smtrain::quoted(name));
    if (members_.size() == kMembers) throw user_error("{}: holds more than {} files; not a model", path_, kMembers);
    const std::uint64_t size = entry.file_size(error);
    if (error || size > left_) throw user_error("{}: holds more than the limit of {}", path_, format_bytes(limit_));
    std::string& bytes = members_[name] = read_file(entry.path(), left_);
    left_ -= bytes.size();
  }

  const std::string& path_;
  std::uint64_t left_;
  std::uint64_t limit_;
  Members members_;
};

}  // namespace

std::int64_t member_time() {
  const char* text = std::getenv("SOURCE_DATE_EPOCH");
  if (text == nullptr || *text == '\0') return 0;
  const std::string_view view(text);
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), seconds);
  // 33 bits are what the header of a member holds.
  if (error != std::errc() || end != view.data() + view.size() || seconds < 0 || seconds >= std::int64_t{1} << 33) {
    throw user_error("SOURCE_DATE_EPOCH is {}; expected seconds since 1970", smtrain::quoted(view));
  }
  return seconds;
}

const formats::NamedTensor* Model::tensor(std::string_view name) const {
  for (const formats::NamedTensor& tensor : tensors) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

void check_model_path(const std::string& path) { compression_of(path); }

void write_model(const std::string& path, const Model& model) {
  const formats::TarCompression compression = compression_of(path);
  const std::int64_t time = member_time();
  const Written written(model);
  AtomicFile file(path);
  formats::write_tar(written.members, compression, time, [&](std::string_view bytes) { file.write(bytes); });
  file.commit();
}

void write_model_folder(const std::string& folder, const Model& model) {
  const Written written(model);
  for (auto member = written.members.rbegin(); member != written.members.rend(); ++member) {
    const fs::path path = fs::path(folder) / member->first;
    std::error_code error;
    fs::create_directories(path.parent_path(), error);  // where that fails, so does the file, with the cause
    AtomicFile file(path);
    file.write(member->second);
    file.commit();
  }
}

Model read_model(const std::string& path, std::uint64_t limit) {
  const bool folder = fs::is_directory(path);
  Members members = folder ? FolderReader(path, limit).read() : formats::read_tar(path, limit);
  if (members.empty()) throw user_error("{}: holds no file; expected a model", path);
  Model model;
  if (const auto member = members.extract(std::string(kManifest))) {
    model.manifest = read_manifest(member.mapped(), fmt::format("{}: {}", path, kManifest));
  }
  if (const auto member = members.extract(std::string(kTensors))) {
    model.tensors = formats::read_safetensors(member.mapped(), fmt::format("{}: {}", path, kTensors));
  }
  model.files = std::move(members);
  return model;
}

}  // namespace smtrain::job
