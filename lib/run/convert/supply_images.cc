// Images as packed records: lines of image lists, and images on their way into records.
#include <algorithm>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "formats/image/image_list.h"
#include "formats/image/image_record_writer.h"
#include "run/convert/box_paths.h"
#include "run/convert/image_work.h"
#include "run/convert/record_supply.h"

namespace smtrain::run {
namespace {

using formats::PackedRecords;
using formats::RecordKeys;

constexpr std::size_t kRoundBytes = std::size_t{8} << 20;
constexpr std::size_t kRoundLines = 10'000;
constexpr std::size_t kIdBytes = sizeof(std::uint64_t);

// What an image shows is all that it can be parted by.
bool by_labels(const ConvertRequest& request) {
  if (request.prepare.group) throw user_error("--group: images have no column that some of them could have in common");
  if (!request.prepare.stratify) return false;
  if (*request.prepare.stratify == "label") return true;
  throw user_error("--stratify {}: of images expected label", smtrain::quoted(*request.prepare.stratify));
}

RecordKeys keys_of(const std::vector<float>& labels, bool stratify) {
  if (!stratify) return {};
  return {formats::key_of(std::string_view(reinterpret_cast<const char*>(labels.data()), labels.size() * sizeof(float))), 0};
}

/// Lines of image lists, each looked at. Paths stay as they are.
class ListSupply final : public RecordSupply {
 public:
  ListSupply(const ConvertRequest& request, std::vector<formats::InputFile> files)
      : stratify_(by_labels(request)), reader_(std::move(files), request.common.threads.value) {
    for (const formats::InputFile& file : reader_.team().files()) size_ += file.size.value_or(0);
  }

  bool next(PackedRecords& records) override {
    records.clear();
    formats::image::PlacedImage line;
    while (records.size() < kRoundLines && reader_.next(line)) {
      formats::image::append_list_line(records.bytes(), line.image);
      records.end_record(keys_of(line.image.labels, stratify_));
    }
    if (records.size() == 0) reader_.check_unique();
    return records.size() != 0;
  }
  std::unique_ptr<RecordSink> make_sink(const std::string& path, std::size_t) const override { return make_verbatim_sink(path, ""); }
  std::uint64_t bytes_read() const override { return reader_.team().bytes_consumed(); }
  std::uint64_t bytes_to_read() const override { return size_; }
  std::string words() const override { return "an image list"; }

 private:
  bool stratify_;
  formats::image::ImageListReader reader_;
  std::uint64_t size_ = 0;
};

/// A .rec and its index. Packed records are an id and the framed record.
class ImageRecordSink final : public RecordSink {
 public:
  explicit ImageRecordSink(const std::string& path) : writer_(path) {}
  void write(const PackedRecords& records) override {
    for (std::size_t i = 0; i < records.size(); ++i) {
      std::uint64_t id;
      std::memcpy(&id, records[i].data(), kIdBytes);
      writer_.write(id, records[i].substr(kIdBytes));
    }
  }
  std::vector<AtomicFile*> finish() override { return writer_.finish(); }
  std::uint64_t records() const override { return writer_.records(); }
  std::uint64_t bytes() const override { return writer_.bytes(); }

 private:
  formats::image::ImageRecordWriter writer_;
};

class ImageRecordSupply final : public RecordSupply {
 public:
  ImageRecordSupply(const ConvertRequest& request, DataKind from, Console& console)
      : stratify_(by_labels(request)), change_(request.images), supply_(open_image_supply(request, from, console)), tally_(request, console),
        work_(image_work_options(request), [this](SuppliedImage& image) { return supply_->next(image); },
              [this, pack = request.images.pack_label](SuppliedImage& image, const ImageWork::Room& room) {
                room(image.record.image.size());
                DoneImage done = change_image(image, change_);
                image.record.vector = image.record.vector || pack;
                if (done.problem.empty()) append_image_record(done.framed, image.record);
                return done;
              },
              [this] { supply_->cancel(); }) {}

  bool next(PackedRecords& records) override {
    records.clear();
    DoneImage image;
    while (records.size_in_bytes() < kRoundBytes && work_.next(image)) {
      if (!tally_.take(image, *supply_)) continue;
      records.bytes().append(reinterpret_cast<const char*>(&image.id), kIdBytes);
      records.bytes() += image.framed;
      records.end_record(keys_of(image.labels, stratify_));
    }
    if (records.size() != 0) return true;
    supply_->check_all();
    tally_.check();
    return false;
  }
  std::unique_ptr<RecordSink> make_sink(const std::string& path, std::size_t) const override { return std::make_unique<ImageRecordSink>(path); }
  // Of what is under way a share is known, no number of bytes.
  std::uint64_t bytes_read() const override { return static_cast<std::uint64_t>(std::max(0.0, supply_->fraction()) * kWhole); }
  std::uint64_t bytes_to_read() const override { return supply_->fraction() < 0 ? 0 : static_cast<std::uint64_t>(kWhole); }
  std::string words() const override { return "images"; }
  void finish(Console&) override { tally_.warn(change_.keeps_bytes()); }

 private:
  static constexpr double kWhole = 1e6;

  bool stratify_;
  ImageChange change_;
  std::unique_ptr<ImageSupply> supply_;
  ImageTally tally_;
  ImageWork work_;
};

}  // namespace

std::unique_ptr<RecordSupply> open_image_lines(const ConvertRequest& request) {
  return std::make_unique<ListSupply>(request, annotation_files(request.input, {".lst"}, formats::EmptyFiles::left_out));
}

std::unique_ptr<RecordSupply> open_images(const ConvertRequest& request, DataKind from, Console& console) {
  check_image_options(request);
  return std::make_unique<ImageRecordSupply>(request, from, console);
}

}  // namespace smtrain::run
