// A folder of images whose folders are classes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace smtrain::formats::image {

struct ImageFolder {
  struct Image {
    std::string path;  ///< relative to the folder
    std::uint32_t label = 0;
    bool empty = false;  ///< the file holds no byte: a damaged image
  };
  std::string root;
  std::vector<std::string> classes;  ///< folders below the root that hold an image, "" for the root itself; the n-th is label n
  std::vector<Image> images;         ///< by class, then by name
};

/// The .jpg, .jpeg and .png files at and below `root`, as im2rec walks: a folder before those in it, byte-wise by name. What
/// begins with "." or "_" is left out. Throws a user Error when there is no image.
ImageFolder list_image_folder(const std::string& root);

/// Throws a user Error that names the first image whose file is empty, for those who name the images and do not read them.
void refuse_empty_images(const ImageFolder& folder);

}  // namespace smtrain::formats::image
