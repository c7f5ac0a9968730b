// `convert` of images: folders, lists and MXNet's records into each other, as im2rec does.
#pragma once

#include "run/convert/conversion.h"

namespace smtrain::run {

/// A folder whose folders are classes to a .lst.
void convert_folder_to_list(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

/// A folder, a list or records to records: read, changed and framed in parallel, written in order.
void convert_to_records(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

/// Records to the list of a folder that they would become.
void convert_records_to_list(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

/// A folder to a folder of the same names, or, with --split and the like, to several: images changed, or as they are.
void convert_image_folder(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

/// Records to a folder that holds a file per image, below a folder per class, and images.lst.
void convert_records_to_folder(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

/// The same with images.manifest. The output must be a folder; throws a user Error that says so.
void convert_records_to_manifest(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

}  // namespace smtrain::run
