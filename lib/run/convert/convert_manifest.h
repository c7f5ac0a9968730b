// `convert` to augmented manifests, and from those of classes and masks.
#pragma once

#include "formats/annotation/annotation.h"
#include "run/convert/conversion.h"
#include "run/convert/image_supply.h"

namespace smtrain::run {

/// JSON, VOC or COCO to a manifest of boxes. References are paths from the manifest's folder, or --ref-prefix and the image's
/// name.
void convert_boxes_to_manifest(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

/// A list of images to a manifest: of classes, of lists of classes, or of boxes, by its labels.
void convert_list_to_manifest(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

/// A folder whose folders are classes to a manifest, in the order of im2rec's list.
void convert_folder_to_manifest(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

/// A manifest of classes or boxes to a list; paths are relative to --root, else to the manifest's folder.
void convert_manifest_to_list(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

/// How a manifest at `manifest` names the file at `path`: its name below `root` behind --ref-prefix, else the way from the
/// manifest's folder.
std::string manifest_reference(const ConvertRequest& request, const std::string& path, const std::string& name);

/// The line of an image that is written to the manifest's folder under `name`: its class, its classes, or boxes. Thread-safe.
std::string manifest_line_of(const ConvertRequest& request, const SuppliedImage& image, const std::string& name, formats::BoxNotes& notes);

}  // namespace smtrain::run
