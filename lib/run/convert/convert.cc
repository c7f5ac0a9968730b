// The one list of conversions.
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "run/convert/conversion.h"
#include "run/convert/convert_boxes.h"
#include "run/convert/convert_images.h"
#include "run/convert/convert_manifest.h"
#include "run/convert/convert_masks.h"
#include "run/convert/convert_model.h"
#include "run/convert/convert_prepared.h"
#include "run/convert/convert_series.h"
#include "run/convert/convert_table.h"
#include "run/convert/convert_text.h"
#include "run/convert/record_supply.h"
#include "run/convert/shared_paths.h"

namespace smtrain::run {
namespace {

constexpr Conversion kConversions[] = {
    {DataKind::table, DataKind::table, convert_table},
    {DataKind::model, DataKind::table, convert_model},
    {DataKind::image_folder, DataKind::image_list, convert_folder_to_list},
    {DataKind::image_folder, DataKind::image_records, convert_to_records, ImageUse::written},
    {DataKind::image_list, DataKind::image_records, convert_to_records, ImageUse::written},
    {DataKind::image_records, DataKind::image_records, convert_to_records, ImageUse::written},
    {DataKind::image_records, DataKind::image_folder, convert_records_to_folder, ImageUse::written},
    {DataKind::image_records, DataKind::image_list, convert_records_to_list},
    {DataKind::image_list, DataKind::image_list, convert_prepared},
    {DataKind::image_folder, DataKind::image_folder, convert_image_folder, ImageUse::written},
    {DataKind::boxes, DataKind::voc, convert_boxes},
    {DataKind::boxes, DataKind::coco, convert_boxes},
    {DataKind::voc, DataKind::boxes, convert_boxes},
    {DataKind::voc, DataKind::coco, convert_boxes},
    {DataKind::coco, DataKind::boxes, convert_boxes},
    {DataKind::coco, DataKind::voc, convert_boxes},
    {DataKind::boxes, DataKind::boxes, convert_boxes},
    {DataKind::voc, DataKind::voc, convert_boxes},
    {DataKind::coco, DataKind::coco, convert_boxes},
    {DataKind::boxes, DataKind::image_list, convert_boxes_to_list},
    {DataKind::voc, DataKind::image_list, convert_boxes_to_list},
    {DataKind::coco, DataKind::image_list, convert_boxes_to_list},
    {DataKind::boxes, DataKind::manifest, convert_boxes_to_manifest},
    {DataKind::voc, DataKind::manifest, convert_boxes_to_manifest},
    {DataKind::coco, DataKind::manifest, convert_boxes_to_manifest},
    {DataKind::boxes, DataKind::image_records, convert_to_records, ImageUse::written},
    {DataKind::voc, DataKind::image_records, convert_to_records, ImageUse::written},
    {DataKind::coco, DataKind::image_records, convert_to_records, ImageUse::written},
    {DataKind::image_list, DataKind::boxes, convert_boxes},
    {DataKind::image_list, DataKind::voc, convert_boxes},
    {DataKind::image_list, DataKind::coco, convert_boxes},
    {DataKind::image_list, DataKind::manifest, convert_list_to_manifest},
    {DataKind::image_records, DataKind::boxes, convert_records_to_boxes},
    {DataKind::image_records, DataKind::voc, convert_records_to_boxes},
    {DataKind::image_records, DataKind::coco, convert_records_to_boxes},
    {DataKind::image_records, DataKind::manifest, convert_records_to_manifest, ImageUse::written},
    {DataKind::manifest, DataKind::manifest, convert_prepared},
    {DataKind::manifest, DataKind::boxes, convert_boxes},
    {DataKind::manifest, DataKind::voc, convert_boxes},
    {DataKind::manifest, DataKind::coco, convert_boxes},
    {DataKind::manifest, DataKind::image_list, convert_manifest_to_list},
    {DataKind::manifest, DataKind::image_records, convert_to_records, ImageUse::written},
    {DataKind::manifest, DataKind::image_folder, convert_records_to_folder, ImageUse::written},
    {DataKind::manifest, DataKind::masks, convert_manifest_to_masks},
    {DataKind::image_folder, DataKind::manifest, convert_folder_to_manifest},
    {DataKind::masks, DataKind::masks, convert_masks},
    {DataKind::masks, DataKind::manifest, convert_masks_to_manifest},
    {DataKind::documents, DataKind::sentences, convert_text},
    {DataKind::documents, DataKind::counts, convert_text},
    {DataKind::documents, DataKind::pairs, convert_text},
    {DataKind::documents, DataKind::translations, convert_text},
    {DataKind::sentences, DataKind::sentences, convert_sentences},
    {DataKind::table, DataKind::series, convert_to_series},
    {DataKind::series, DataKind::table, convert_from_series},
    {DataKind::series, DataKind::series, convert_from_series},
};

std::string possible_outputs(DataKind from) {
  std::string text;
  for (const Conversion& c : kConversions) {
    if (c.from == from) text += (text.empty() ? "" : ", ") + std::string(name_of(c.to));
  }
  return text.empty() ? "nothing" : text;
}

const Conversion* find(DataKind from, DataKind to) {
  const auto found = std::find_if(std::begin(kConversions), std::end(kConversions), [&](const Conversion& c) { return c.from == from && c.to == to; });
  return found == std::end(kConversions) ? nullptr : found;
}

void refuse_idle_image_flags(const ConvertRequest& request, const Conversion* conversion, DataKind from, DataKind to) {
  const ImageOptions& o = request.images;
  const bool written = conversion != nullptr && conversion->images == ImageUse::written;
  const std::pair<const char*, bool> idle[] = {
      {"--resize", !written && o.resize},
      {"--center-crop", !written && o.center_crop},
      {"--encoding", !written && o.encoding},
      {"--quality", !written && o.quality},
      {"--pass-through", !written && o.pass_through},
      {"--skip-bad-images", !written && o.skip_bad_images != 0},
      {"--max-image-pixels", !written && o.max_image_pixels},
      {"--pack-label", to != DataKind::image_records && o.pack_label},
      {"--no-shuffle", (from != DataKind::image_folder || to == from) && o.no_shuffle},
  };
  std::vector<std::string> flags;
  for (const auto& [flag, given] : idle) {
    if (given) flags.emplace_back(flag);
  }
  if (flags.empty()) return;
  throw user_error("{} nothing to do where {} becomes {}{}", join(flags, ", ") + (flags.size() == 1 ? " has" : " have"), words_for(from), words_for(to),
                   written ? "" : ", since no image is read and written; records (.rec) and folders of images get changed images");
}

}  // namespace

void convert(const ConvertRequest& request, Console& console) {
  if (request.depfile && request.output == "-") throw user_error("--depfile needs an output file; standard output is no target");
  const DataKind from = input_kind(request), to = output_kind(request, from);
  const Conversion* conversion = find(from, to);
  refuse_idle_image_flags(request, conversion, from, to);
  PrepareOptions prepare = request.prepare;
  if (from == DataKind::documents) prepare.encoding.label.reset();  // a text's label is no column of numbers
  refuse_shared_paths(request, prepare, from, to);
  const bool folders = from == DataKind::image_folder && to == from;  // parted as folders, not as records
  if ((prepare.any() && !folders) || copies_texts(request, from, to)) return convert_prepared(request, from, to, console);
  if (conversion != nullptr) return conversion->run(request, from, to, console);
  throw user_error("{}: is {} (--from {}), which cannot become {} (--to {}); it can become: {}", request.input, words_for(from),
                   name_of(from), words_for(to), name_of(to), possible_outputs(from));
}

}  // namespace smtrain::run
