// Where annotations and their images lie.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/io/input_files.h"
#include "run/requests.h"

namespace smtrain::run {

/// The files of an input that end in one of the suffixes (.gz and .zst behind it count nothing), sorted by path; a path to one
/// file is that file. Throws a user Error when there is none, and, where files are to be kept that hold no byte, for the first of
/// these: each is a record.
std::vector<formats::InputFile> annotation_files(const std::string& input, const std::vector<std::string_view>& suffixes,
                                                  formats::EmptyFiles empty);

/// The path of an annotation below the input; a folder Annotations or annotations at its front is left out.
std::string relative_annotation(const std::string& input, const std::string& path);

/// The folder of the images: --root; else a folder images or JPEGImages in the input's folder or beside it; else that folder.
std::string image_root(const ConvertRequest& request);

/// The folder that paths of a list are relative to: --root, else where the list lies.
std::string list_root(const ConvertRequest& request);

/// root/file; where there is none, the image of the annotation's own path, if that is there.
std::string image_path(const std::string& root, const std::string& file, const std::string& annotation);

}  // namespace smtrain::run
