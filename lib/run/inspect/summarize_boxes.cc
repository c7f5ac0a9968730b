#include "run/inspect/summarize_boxes.h"

#include "run/console/text_table.h"
#include "run/convert/boxed_images.h"
#include "run/inspect/reading.h"

namespace smtrain::run {
namespace {

// In percent of the image's side: what anchors and minimum sizes are chosen by.
double share(double part, std::int64_t whole) { return whole > 0 ? 100 * part / static_cast<double>(whole) : 0; }

}  // namespace

RecordSummary summarize_boxes(const InspectRequest& request, DataKind kind, Console& console) {
  Reading reading(request, kind, formats::expand_path(request.path));
  RecordSummary& summary = reading.summary();
  ConvertRequest source;
  source.input = request.path;
  source.common = request.common;
  BoxedImages boxed;
  reading.read(
      [&] {
        if (!boxed.set.images.empty()) return false;
        boxed = read_boxed_images(source, kind, console);
        summary.records = boxed.set.images.size();
        return !boxed.set.images.empty();
      },
      [] { return std::uint64_t{0}; });
  Range width, height, boxes, box_width, box_height;
  std::map<std::string, std::uint64_t> classes;
  std::uint64_t background = 0, difficult = 0;
  for (const formats::AnnotatedImage& image : boxed.set.images) {
    width.add(static_cast<double>(image.width));
    height.add(static_cast<double>(image.height));
    boxes.add(static_cast<double>(image.boxes.size()));
    background += image.boxes.empty() ? 1 : 0;
    for (const formats::Box& box : image.boxes) {
      ++classes[formats::class_name(boxed.set.classes, box.class_id)];
      difficult += box.difficult ? 1 : 0;
      box_width.add(share(box.width, image.width));
      box_height.add(share(box.height, image.height));
    }
    if (summary.first.size() == Reading::kFirst) continue;
    summary.first.push_back(fmt::format("{}: {} x {}, {}", image.file, image.width, image.height,
                                        image.boxes.size() == 1 ? "1 box" : fmt::format("{} boxes", image.boxes.size())));
  }
  summary.facts = {width.fact("width"), height.fact("height"), boxes.fact("boxes per image"), number_fact("background images", background),
                   number_fact("difficult boxes", difficult), box_width.fact("box width in percent"), box_height.fact("box height in percent"),
                   number_fact("num classes", static_cast<std::uint64_t>(formats::class_count(boxed.set))), count_fact("classes", classes)};
  return std::move(summary);
}

}  // namespace smtrain::run
