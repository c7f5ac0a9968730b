// A folder of images to others: the same names, changed images, or parts.
#include <filesystem>
#include <memory>

#include "base/error.h"
#include "base/text.h"
#include "formats/image/image_info.h"
#include "formats/parting/dealer.h"
#include "run/convert/convert_images.h"
#include "run/convert/image_work.h"
#include "run/convert/output_folder.h"
#include "run/convert/part_plan.h"

namespace smtrain::run {
namespace {

namespace fs = std::filesystem;

struct Part {
  std::string path;
  std::unique_ptr<OutputFolder> folder;
};

void refuse_flags(const ConvertRequest& request) {
  const PrepareOptions& o = request.prepare;
  if (o.encodes()) throw user_error("{}: is a folder of images; columns can be chosen and encoded of a table alone", request.input);
  if (o.shuffle) throw user_error("--shuffle: a folder has no order; records (.rec) and lists (.lst) have");
  if (o.tail) throw user_error("--tail: a folder has no order, and so no last images; --split parts at random");
  if (o.group) throw user_error("--group: images have no column that some of them could have in common");
  if (o.manifest) throw user_error("--manifest lists shards that are files; convert the folder to records (.rec) with --shards");
  if (o.stratify && *o.stratify != "label") {
    throw user_error("--stratify {}: of images expected label, which is the folder of the class", smtrain::quoted(*o.stratify));
  }
}

std::vector<Part> open_parts(const ConvertRequest& request, const PartPlan& plan) {
  std::vector<Part> parts;
  for (const std::string& name : plan.names) {
    const std::string path = part_path(request.output, name);
    parts.push_back({path, std::make_unique<OutputFolder>(path)});
  }
  return parts;
}

// The name that the image has below the input, with the suffix of what it is now.
std::string name_of(const ConvertRequest& request, const SuppliedImage& image, bool kept_bytes) {
  const fs::path name = fs::path(image.path).lexically_relative(request.input);
  if (kept_bytes) return name.string();
  return fs::path(name).replace_extension(suffix_of(*formats::image::image_kind(image.record.image))).string();
}

}  // namespace

void convert_image_folder(const ConvertRequest& request, DataKind from, DataKind, Console& console) {
  check_image_options(request);
  refuse_flags(request);
  const PartPlan plan = plan_parts(request.prepare);
  const ImageChange change(request.images);
  ConvertRequest in_order = request;  // a folder has no other
  in_order.images.no_shuffle = true;
  const auto supply = open_image_supply(in_order, from, console);
  formats::Dealer dealer({plan.shares, request.common.seed.value, plan.in_turn, false});
  const std::vector<Part> parts = open_parts(request, plan);
  ImageTally tally(request, console);
  const auto deal = [&](SuppliedImage& image) {
    if (!supply->next(image)) return false;
    const formats::RecordKeys keys{request.prepare.stratify ? formats::key_of(image.record.labels[0]) : 0, 0};
    image.record.id = plan.names.size() == 1 ? 0 : dealer.part_of(keys);
    return true;
  };
  const auto write = [&](SuppliedImage& image, const ImageWork::Room& room) {
    room(image.record.image.size());
    DoneImage done = change_image(image, change);
    if (done.problem.empty()) parts[image.record.id].folder->write(name_of(request, image, change.keeps_bytes()), image.record.image);
    return done;
  };
  ImageWork work(image_work_options(request), deal, write, [&] { supply->cancel(); });
  for (DoneImage image; work.next(image); throw_if_stopped()) tally.take(image, *supply);
  tally.check();
  std::vector<OutputFolder*> folders;
  for (const Part& part : parts) folders.push_back(part.folder.get());
  commit_together(folders);
  for (const Part& part : parts) {
    if (parts.size() > 1) console.info("{}: {}", part.path, counted(part.folder->files(), "image"));
  }
  tally.report(*supply, change.keeps_bytes(), tally.bytes());
}

}  // namespace smtrain::run
