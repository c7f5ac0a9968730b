#include "run/convert/convert_images.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <unordered_set>

#include "base/error.h"
#include "base/file.h"
#include "base/ordered_work.h"
#include "base/text.h"
#include "formats/image/image_list.h"
#include "formats/image/image_record_writer.h"
#include "run/convert/image_change.h"
#include "run/convert/image_supply.h"
#include "run/convert/output_folder.h"
#include "run/depfile.h"

namespace smtrain::run {
namespace {

using Clock = std::chrono::steady_clock;
using formats::image::append_list_line;
using formats::image::ImageRecord;

constexpr std::size_t kAheadBytes = std::size_t{256} << 20;
constexpr std::size_t kToldProblems = 20;
constexpr const char* kListName = "images.lst";

/// What became of an image.
struct DoneImage {
  std::uint64_t id = 0;
  std::string path, problem;
  std::string framed;         // for records
  std::string line;           // for a list
  bool turned = false;        // its EXIF orientation is not that of its pixels
  std::size_t bytes = 0;
};

using Work = OrderedWork<SuppliedImage, DoneImage>;

/// Counts, warns and says at the end what there was.
class ImageTally {
 public:
  ImageTally(const ConvertRequest& request, Console& console) : request_(request), console_(console) {}

  /// Whether the image is there; a bad one is counted, or refused when no more may be left out.
  bool take(const DoneImage& image, const ImageSupply& supply) {
    if (request_.depfile && !image.path.empty()) read_.push_back(image.path);
    if (image.problem.empty()) {
      ++images_;
      turned_ += image.turned;
      bytes_ += image.bytes;
    } else {
      if (skipped_ == static_cast<std::uint64_t>(request_.images.skip_bad_images)) refuse(image);
      if (++skipped_ <= kToldProblems) console_.warning("{}; left out", image.problem);
    }
    job::Progress progress;
    progress.phase = "converting";
    progress.fraction = supply.fraction();
    progress.records = images_;
    console_.progress(progress);
    return image.problem.empty();
  }

  void check() const {
    if (images_ == 0) throw user_error("{}: no image could be read", request_.input);
  }

  void report(const ImageSupply& supply, bool kept_bytes, std::uint64_t written) {
    if (turned_ > 0 && kept_bytes) {
      console_.warning("{} an EXIF orientation, by which viewers turn them and training does not; --encoding jpg turns them upright",
                       turned_ == 1 ? "1 image has" : grouped(turned_) + " images have");
    } else if (turned_ > 0) {
      console_.info("{} turned upright by the EXIF orientation", counted(turned_, "image"));
    }
    if (skipped_ > 0) console_.warning("{} could not be read and {} left out", counted(skipped_, "image"), skipped_ == 1 ? "was" : "were");
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    console_.info("{}: {}, {} written in {:.2f} s ({:.0f} images/s)", request_.output == "-" ? "standard output" : request_.output,
                  counted(images_, "image"), format_bytes(written), seconds, static_cast<double>(images_) / std::max(seconds, 1e-9));
    if (!request_.depfile) return;
    const std::vector<std::string> files = supply.files();
    read_.insert(read_.end(), files.begin(), files.end());
    write_depfile(*request_.depfile, request_.output, read_);
  }

  std::uint64_t bytes() const { return bytes_; }

 private:
  [[noreturn]] void refuse(const DoneImage& image) const {
    if (skipped_ == 0) throw user_error("{}; --skip-bad-images N leaves out up to N such images", image.problem);
    throw user_error("{}; {} before it have been left out, which is all that --skip-bad-images allows", image.problem,
                     counted(skipped_, "image"));
  }

  const ConvertRequest& request_;
  Console& console_;
  const Clock::time_point start_ = Clock::now();
  std::uint64_t images_ = 0, skipped_ = 0, turned_ = 0, bytes_ = 0;
  std::vector<std::string> read_;
};

void check_options(const ConvertRequest& request) {
  if (request.images.skip_bad_images < 0) throw user_error("--skip-bad-images {}: expected 0 or more", request.images.skip_bad_images);
  if (request.input != "-" && request.output != "-" && same_file(request.input, request.output)) {
    throw user_error("{}: input and output are the same file; write to another name", request.output);
  }
}

/// Reads and changes the image; what is wrong with it is told in the result.
DoneImage load(SuppliedImage& image, const ImageChange& change) {
  DoneImage done;
  done.id = image.record.id;
  done.path = image.path;
  std::string place;
  try {
    place = load_image(image) + ": ";
    done.turned = change.apply(image.record.image).orientation != 1;
    done.bytes = image.record.image.size();
  } catch (const Error& e) {
    if (e.fault() != Fault::user) throw;
    done.problem = place + e.what();
  }
  return done;
}

OrderedWorkOptions work_options(const ConvertRequest& request) {
  return {request.common.threads.value, 0, kAheadBytes};
}

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
  std::uint64_t repeated() const { return repeated_; }

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
  check_options(request);
  const ImageChange change(request.images);
  const auto supply = open_image_supply(request, from, console);
  formats::image::ImageRecordWriter writer(request.output);
  ImageTally tally(request, console);
  Work work(work_options(request), [&](SuppliedImage& image) { return supply->next(image); },
            [&](SuppliedImage& image, const Work::Room& room) {
              room(image.record.image.size());
              DoneImage done = load(image, change);
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

void convert_records_to_folder(const ConvertRequest& request, DataKind from, DataKind, Console& console) {
  check_options(request);
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
  const auto write = [&](SuppliedImage& image, const Work::Room& room) {
    room(image.record.image.size());
    DoneImage done = load(image, change);
    if (!done.problem.empty()) return done;
    const std::string name = stem_of(image.record, image.record.id) + suffix_of(*formats::image::image_kind(image.record.image));
    folder.write(name, image.record.image);
    append_list_line(done.line, {image.record.id, image.record.labels, name});
    return done;
  };
  Work work(work_options(request), read, write, [&] { supply->cancel(); });
  for (DoneImage image; work.next(image); throw_if_stopped()) {
    if (tally.take(image, *supply)) list += image.line;
  }
  tally.check();
  folder.write(kListName, list);
  folder.commit();
  if (names.repeated() > 0) {
    console.warning("{} an id that an earlier record has; their images have a new index", names.repeated() == 1
                        ? "1 record has" : grouped(names.repeated()) + " records have");
  }
  tally.report(*supply, change.keeps_bytes(), tally.bytes());
}

}  // namespace smtrain::run
