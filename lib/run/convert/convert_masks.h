// `convert` of segmentation masks: labels mapped, colours turned into labels, palettes set; and manifests of images with masks.
#pragma once

#include "run/convert/conversion.h"

namespace smtrain::run {

/// A folder of PNG masks to a folder of 8-bit PNG masks of the same names, with --label-map and --palette applied. With --root
/// each mask must have its image there, of the same size.
void convert_masks(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

/// Masks with their images below --root to a manifest whose both attributes are references.
void convert_masks_to_manifest(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

/// A manifest of masks to a folder: images below "images", masks below "annotations", each pair with one base name; --label-map
/// and
/// --palette applied.
void convert_manifest_to_masks(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

}  // namespace smtrain::run
