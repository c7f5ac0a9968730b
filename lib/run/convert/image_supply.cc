#include "run/convert/image_supply.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "formats/image/image_list.h"
#include "formats/image/image_record_reader.h"
#include "formats/io/input_files.h"
#include "run/convert/box_supply.h"

namespace smtrain::run {
namespace {

namespace fs = std::filesystem;
using formats::image::ImageFolder;
using formats::image::ImageListReader;
using formats::image::ImageRecordReader;

double fraction_of(const formats::BlockTeam& team) {
  std::uint64_t total = 0;
  for (const formats::InputFile& file : team.files()) {
    if (!file.size) return -1;
    total += *file.size;
  }
  return total == 0 ? -1 : std::min(1.0, static_cast<double>(team.bytes_consumed()) / static_cast<double>(total));
}

std::vector<std::string> paths_of(const std::vector<formats::InputFile>& files) {
  std::vector<std::string> paths;
  for (const formats::InputFile& file : files) paths.push_back(file.path);
  return paths;
}

class FolderSupply final : public ImageSupply {
 public:
  FolderSupply(const std::string& root, bool shuffled, std::uint64_t seed)
      : folder_(formats::image::list_image_folder(root)), order_(listing_order(folder_.images.size(), shuffled, seed)) {}

  bool next(SuppliedImage& image) override {
    const std::size_t at = at_.load();
    if (at == order_.size()) return false;
    const ImageFolder::Image& listed = folder_.images[order_[at]];
    image = {};
    image.path = (fs::path(folder_.root) / listed.path).string();
    image.record.id = order_[at];
    image.record.labels = {static_cast<float>(listed.label)};
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

class ListSupply final : public ImageSupply {
 public:
  ListSupply(const std::vector<formats::InputFile>& files, std::string root, bool pack)
      : reader_(files, 1), root_(std::move(root)), pack_(pack) {}

  bool next(SuppliedImage& image) override {
    formats::image::PlacedImage line;
    if (!reader_.next(line)) return false;
    image = {};
    try {
      image.path = formats::image::path_below(root_, line.image.path);
    } catch (const Error& e) {
      throw Error(e.fault(), fmt::format("{}: {}", place_of(line), e.what()));
    }
    image.place = place_of(line);
    image.record.id = line.image.index;
    image.record.vector = pack_ || line.image.labels.size() > 1;
    image.record.labels = std::move(line.image.labels);
    return true;
  }
  void check_all() const override { reader_.check_unique(); }
  double fraction() const override { return fraction_of(reader_.team()); }
  std::vector<std::string> files() const override { return paths_of(reader_.team().files()); }
  void cancel() override { reader_.cancel(); }

 private:
  ImageListReader reader_;
  std::string root_;
  bool pack_;
};

class RecordSupply final : public ImageSupply {
 public:
  RecordSupply(const std::vector<formats::InputFile>& files, bool pack, Log& log) : reader_(files, 1, log), pack_(pack) {}

  bool next(SuppliedImage& image) override {
    formats::image::PlacedRecord placed;
    if (!reader_.next(placed)) return false;
    image = {};
    image.place = place_of(placed.place);
    image.record = std::move(placed.record);
    image.record.vector = image.record.vector || pack_;
    return true;
  }
  double fraction() const override { return fraction_of(reader_.team()); }
  std::vector<std::string> files() const override { return paths_of(reader_.team().files()); }
  void cancel() override { reader_.cancel(); }

 private:
  ImageRecordReader reader_;
  bool pack_;
};

// What lies beside records and lists is neither.
std::vector<formats::InputFile> files_ending_in(const std::string& input, const std::vector<std::string>& suffixes) {
  std::vector<formats::InputFile> files = formats::expand_path(input);
  if (files.size() == 1) return files;
  std::erase_if(files, [&](const formats::InputFile& file) {
    return std::none_of(suffixes.begin(), suffixes.end(), [&](const std::string& suffix) { return file.path.ends_with(suffix); });
  });
  if (files.empty()) throw user_error("{}: no file there ends in {}", input, fmt::join(suffixes, ", "));
  return files;
}

// Where the list lies, lie the images, unless --root says where.
std::string root_of(const ConvertRequest& request) {
  if (request.root) return *request.root;
  const fs::path folder = fs::is_directory(request.input) ? fs::path(request.input) : fs::path(request.input).parent_path();
  return folder.empty() ? "." : folder.string();
}

}  // namespace

std::vector<std::uint64_t> listing_order(std::size_t images, bool shuffled, std::uint64_t seed) {
  if (shuffled) return RandomStream(seed, "image list").sample_without_replacement(images, images);
  std::vector<std::uint64_t> order(images);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

std::unique_ptr<ImageSupply> open_image_supply(const ConvertRequest& request, DataKind from, Log& log) {
  if (auto supply = open_box_supply(request, from, log)) return supply;
  const ImageOptions& images = request.images;
  if (from == DataKind::image_folder) {
    return std::make_unique<FolderSupply>(request.input, !images.no_shuffle, request.common.seed.value);
  }
  if (from == DataKind::image_list) {
    return std::make_unique<ListSupply>(files_ending_in(request.input, {".lst", ".lst.gz", ".lst.zst"}), root_of(request), images.pack_label);
  }
  return std::make_unique<RecordSupply>(files_ending_in(request.input, {".rec", ".rec.gz", ".rec.zst"}), images.pack_label, log);
}

}  // namespace smtrain::run
