#include "run/inspect/summarize.h"

#include <algorithm>
#include <iterator>

#include "base/error.h"
#include "run/inspect/summarize_boxes.h"
#include "run/inspect/summarize_images.h"
#include "run/inspect/summarize_series.h"
#include "run/inspect/summarize_text.h"

namespace smtrain::run {
namespace {

struct Entry {
  DataKind kind;
  RecordSummary (*summarize)(const InspectRequest& request, DataKind kind, Console& console);
};

constexpr Entry kSummaries[] = {
    {DataKind::documents, summarize_sentences},
    {DataKind::sentences, summarize_sentences},
    {DataKind::translations, summarize_translations},
    {DataKind::pairs, summarize_pairs},
    {DataKind::series, summarize_series},
    {DataKind::image_folder, summarize_image_folder},
    {DataKind::image_list, summarize_image_list},
    {DataKind::image_records, summarize_image_records},
    {DataKind::masks, summarize_masks},
    {DataKind::manifest, summarize_manifest},
    {DataKind::boxes, summarize_boxes},
    {DataKind::voc, summarize_boxes},
    {DataKind::coco, summarize_boxes},
};

const Entry* find(DataKind kind) {
  const auto found = std::find_if(std::begin(kSummaries), std::end(kSummaries), [&](const Entry& entry) { return entry.kind == kind; });
  return found == std::end(kSummaries) ? nullptr : found;
}

}  // namespace

bool has_summary(DataKind kind) { return find(kind) != nullptr; }

RecordSummary summarize_records(const InspectRequest& request, DataKind kind, Console& console) {
  if (const Entry* entry = find(kind)) {
    RecordSummary summary = entry->summarize(request, kind, console);
    summary.algorithms = fits_of_records(words_for(kind));
    return summary;
  }
  throw user_error("{}: inspect has nothing to say of {}", request.path, words_for(kind));
}

}  // namespace smtrain::run
