#include "run/convert/convert_images.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <mutex>
#include <unordered_set>

#include "base/error.h"
#include "base/text.h"
#include "formats/image/image_list.h"
#include "formats/image/image_record_writer.h"
#include "run/convert/convert_manifest.h"
#include "run/convert/image_work.h"
#include "run/convert/output_folder.h"
#include "run/depfile.h"

namespace smtrain::run {
namespace {

using formats::image::append_list_line;
using formats::image::ImageRecord;

constexpr const char* kListName = "images.lst";
constexpr const char* kManifestName = "images.manifest";

/// Names for records whose ids may not differ: the index of the list, and a path without suffix.
class RecordNames {
 public:
  std::uint64_t index(const ImageRecord& record) {
    std::uint64_t index = record.id;
    if (!used_.insert(index).second) {
      ++repeated_;
      index = next_;
      while (!used_.insert(index).second) ++index;
    }
    next_ = std::max(next_, index + 1);
    return index;
  }
  void warn(Console& console) const {
    if (repeated_ == 0) return;
    console.warning("{} an id that an earlier record has; their images have a new index",
                    repeated_ == 1 ? "1 record has" : grouped(repeated_) + " records have");
  }

 private:
  std::unordered_set<std::uint64_t> used_;
  std::uint64_t next_ = 0, repeated_ = 0;
};

// Folders of classes sort as their numbers do.
std::string stem_of(const ImageRecord& record, std::uint64_t index) {
  const float label = record.labels[0];
  const bool is_class = !record.vector && label >= 0 && label < 1e7f && label == std::trunc(label);
  return is_class ? fmt::format("{:04}/{:08}", static_cast<int>(label), index) : fmt::format("{:08}", index);
}

std::string name_in_folder(const SuppliedImage& image) {
  const auto kind = formats::image::image_kind(image.record.image);
  if (!kind) throw user_error("{}: holds no JPEG or PNG image", image.place);
  return stem_of(image.record, image.record.id) + suffix_of(*kind);
}

// `line_of` says what the listing tells of an image that is written; called by several threads at a time.
using LineOf = std::function<std::string(const SuppliedImage& image, const std::string& name)>;

void write_folder(const ConvertRequest& request, DataKind from, const char* listing, Console& console, const LineOf& line_of) {
  check_image_options(request);
  const ImageChange change(request.images);
  const auto supply = open_image_supply(request, from, console);
  OutputFolder folder(request.output);
  ImageTally tally(request, console);
  RecordNames names;
  std::string list;
  const auto read = [&](SuppliedImage& image) {
    if (!supply->next(image)) return false;
    image.record.id = names.index(image.record);
    return true;
  };
  const auto write = [&](SuppliedImage& image, const ImageWork::Room& room) {
    room(image.record.image.size());
    DoneImage done = change_image(image, change);
    if (!done.problem.empty()) return done;
    const std::string name = name_in_folder(image);
    folder.write(name, image.record.image);
    done.line = line_of(image, name);
    return done;
  };
  ImageWork work(image_work_options(request), read, write, [&] { supply->cancel(); });
  for (DoneImage image; work.next(image); throw_if_stopped()) {
    if (tally.take(image, *supply)) list += image.line;
  }
  tally.check();
  folder.write(listing, list);
  folder.commit();
  names.warn(console);
  tally.report(*supply, change.keeps_bytes(), tally.bytes());
}

}  // namespace

void convert_folder_to_list(const ConvertRequest& request, DataKind, DataKind, Console& console) {
  const formats::image::ImageFolder folder = formats::image::list_image_folder(request.input);
  refuse_empty_images(folder);
  std::string text;
  for (const std::uint64_t i : listing_order(folder.images.size(), !request.images.no_shuffle, request.common.seed.value)) {
    append_list_line(text, {i, {static_cast<float>(folder.images[i].label)}, folder.images[i].path});
  }
  write_document(request.output, text);
  if (request.depfile) {
    std::vector<std::string> files;
    for (const auto& image : folder.images) files.push_back(formats::image::path_below(folder.root, image.path));
    write_depfile(*request.depfile, request.output, files);
  }
  console.info("{}: {} of {}", request.output == "-" ? "standard output" : request.output, counted(folder.images.size(), "image"),
               counted(folder.classes.size(), "class"));
  for (std::size_t i = 0; i < folder.classes.size(); ++i) {
    console.info("  label {}: {}", i, folder.classes[i].empty() ? folder.root : folder.classes[i]);
  }
}

void convert_to_records(const ConvertRequest& request, DataKind from, DataKind, Console& console) {
  check_image_options(request);
  const ImageChange change(request.images);
  const auto supply = open_image_supply(request, from, console);
  formats::image::ImageRecordWriter writer(request.output);
  ImageTally tally(request, console);
  ImageWork work(image_work_options(request), [&](SuppliedImage& image) { return supply->next(image); },
            [&](SuppliedImage& image, const ImageWork::Room& room) {
              room(image.record.image.size());
              DoneImage done = change_image(image, change);
              image.record.vector = image.record.vector || request.images.pack_label;
              if (done.problem.empty()) append_image_record(done.framed, image.record);
              return done;
            },
            [&] { supply->cancel(); });
  for (DoneImage image; work.next(image); throw_if_stopped()) {
    if (tally.take(image, *supply)) writer.write(image.id, image.framed);
  }
  supply->check_all();
  tally.check();
  writer.commit();
  tally.report(*supply, change.keeps_bytes(), writer.bytes());
}

void convert_records_to_list(const ConvertRequest& request, DataKind from, DataKind, Console& console) {
  check_image_options(request);
  const auto supply = open_image_supply(request, from, console);
  RecordNames names;
  std::string text;
  std::uint64_t images = 0;
  for (SuppliedImage image; supply->next(image); throw_if_stopped()) {
    image.record.id = names.index(image.record);
    append_list_line(text, {image.record.id, image.record.labels, name_in_folder(image)});
    ++images;
  }
  if (images == 0) throw user_error("{}: holds no record", request.input);
  write_document(request.output, text);
  names.warn(console);
  if (request.depfile) write_depfile(*request.depfile, request.output, supply->files());
  console.info("{}: {}; the paths are those that the images get when {} is converted to a folder",
               request.output == "-" ? "standard output" : request.output, counted(images, "image"), request.input);
}

void convert_records_to_folder(const ConvertRequest& request, DataKind from, DataKind, Console& console) {
  write_folder(request, from, kListName, console, [](const SuppliedImage& image, const std::string& name) {
    std::string line;
    append_list_line(line, {image.record.id, image.record.labels, name});
    return line;
  });
}

void convert_records_to_manifest(const ConvertRequest& request, DataKind from, DataKind, Console& console) {
  if (request.output == "-" || !std::filesystem::path(request.output).extension().empty()) {
    throw user_error("{}: records hold images, and a manifest names files; name a folder, which gets the images and {}, as in convert {} FOLDER --to manifest",
                     request.input, kManifestName, request.input);
  }
  std::mutex mutex;
  formats::BoxNotes notes;
  write_folder(request, from, kManifestName, console, [&](const SuppliedImage& image, const std::string& name) {
    formats::BoxNotes own;
    std::string line = manifest_line_of(request, image, name, own);
    const std::lock_guard lock(mutex);
    notes.add(own);
    return line;
  });
  notes.warn(console);
}

}  // namespace smtrain::run
