#include "formats/image/image_source.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <numeric>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "formats/image/image_list.h"
#include "formats/image/image_record_reader.h"

namespace smtrain::formats::image {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxImageBytes = std::size_t{1} << 29;  // a record holds no more

double fraction_of(const BlockTeam& team) {
  std::uint64_t total = 0;
  for (const InputFile& file : team.files()) {
    if (!file.size) return -1;
    total += *file.size;
  }
  return total == 0 ? -1 : std::min(1.0, static_cast<double>(team.bytes_consumed()) / static_cast<double>(total));
}

std::vector<std::string> paths_of(const std::vector<InputFile>& files) {
  std::vector<std::string> paths;
  for (const InputFile& file : files) paths.push_back(file.path);
  return paths;
}

class FolderSource final : public ImageSource {
 public:
  FolderSource(ImageFolder folder, std::vector<std::uint64_t> order) : folder_(std::move(folder)), order_(std::move(order)) {}

  bool next(EncodedImage& image) override {
    const std::size_t at = at_.load();
    if (at == order_.size()) return false;
    const ImageFolder::Image& listed = folder_.images[order_[at]];
    image = {"", (fs::path(folder_.root) / listed.path).string(), {order_[at], {static_cast<float>(listed.label)}, false, ""}};
    at_ = at + 1;
    return true;
  }
  double fraction() const override { return static_cast<double>(at_) / static_cast<double>(order_.size()); }
  std::vector<std::string> files() const override { return {}; }

 private:
  ImageFolder folder_;
  std::vector<std::uint64_t> order_;
  std::atomic<std::size_t> at_ = 0;
};

class ListSource final : public ImageSource {
 public:
  ListSource(std::vector<InputFile> files, std::string root) : reader_(std::move(files), 1), root_(std::move(root)) {}

  bool next(EncodedImage& image) override {
    PlacedImage line;
    if (!reader_.next(line)) return false;
    image = {place_of(line), "", {line.image.index, std::move(line.image.labels), false, ""}};
    image.record.vector = image.record.labels.size() > 1;
    try {
      image.path = path_below(root_, line.image.path);
    } catch (const Error& e) {
      throw Error(e.fault(), fmt::format("{}: {}", image.place, e.what()));
    }
    return true;
  }
  void check_all() const override { reader_.check_unique(); }
  double fraction() const override { return fraction_of(reader_.team()); }
  std::vector<std::string> files() const override { return paths_of(reader_.team().files()); }
  void cancel() override { reader_.cancel(); }

 private:
  ImageListReader reader_;
  std::string root_;
};

class RecordSource final : public ImageSource {
 public:
  RecordSource(std::vector<InputFile> files, Log& log) : reader_(std::move(files), 1, log) {}

  bool next(EncodedImage& image) override {
    PlacedRecord placed;
    if (!reader_.next(placed)) return false;
    image = {place_of(placed.place), "", std::move(placed.record)};
    return true;
  }
  double fraction() const override { return fraction_of(reader_.team()); }
  std::vector<std::string> files() const override { return paths_of(reader_.team().files()); }
  void cancel() override { reader_.cancel(); }

 private:
  ImageRecordReader reader_;
};

}  // namespace

std::string load_image(EncodedImage& image) {
  if (image.path.empty()) return image.place;
  try {
    image.record.image = read_file(image.path, kMaxImageBytes);
  } catch (const Error& e) {  // which names the file
    if (image.place.empty()) throw;
    throw Error(e.fault(), fmt::format("{}: {}", image.place, e.what()));
  }
  return image.place.empty() ? image.path : fmt::format("{}: {}", image.place, image.path);
}

std::unique_ptr<ImageSource> open_image_folder(ImageFolder folder, std::vector<std::uint64_t> order) {
  return std::make_unique<FolderSource>(std::move(folder), std::move(order));
}

std::unique_ptr<ImageSource> open_image_lists(std::vector<InputFile> files, std::string root) {
  return std::make_unique<ListSource>(std::move(files), std::move(root));
}

std::unique_ptr<ImageSource> open_image_records(std::vector<InputFile> files, Log& log) {
  return std::make_unique<RecordSource>(std::move(files), log);
}

std::vector<std::uint64_t> image_order(std::size_t images, bool shuffled, std::uint64_t seed, std::string_view name) {
  if (shuffled) return RandomStream(seed, name).sample_without_replacement(images, images);
  std::vector<std::uint64_t> order(images);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

}  // namespace smtrain::formats::image
