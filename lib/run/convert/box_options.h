// What the user says of boxes, manifests and masks in a conversion.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace smtrain::run {

struct BoxOptions {
  std::optional<std::string> classes_file;     ///< --classes: names of classes, a line each, from 0
  bool voc_from_zero = false;                  ///< --voc-origin 0
  bool drop_difficult = false;                 ///< --drop-difficult
  std::vector<std::string> attribute_names;    ///< --attribute-names
  std::vector<std::string> maps;               ///< --map URI=FOLDER, as typed
  std::optional<std::string> label_map;        ///< --label-map: JSON, scale or map of segmentation masks
  std::optional<std::string> palette;          ///< --palette: a file of colours, "voc", or "none"
  std::optional<std::string> reference_prefix; ///< --ref-prefix: what references of a manifest begin with
};

}  // namespace smtrain::run
