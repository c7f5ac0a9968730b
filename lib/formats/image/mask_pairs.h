// Images and their masks, by base name.
#pragma once

#include <string>
#include <vector>

namespace smtrain::formats::image {

struct MaskPair {
  std::string name;   ///< base name: "a" of a.jpg and a.png
  std::string image;  ///< paths
  std::string mask;
};

/// Pairs .jpg, .jpeg and .png files of one folder with .png files of another, each with what is below it; sorted by name. Throws
/// a user Error for an image without a mask or a mask without an image (naming it and where its partner was sought), and for two
/// of one name.
std::vector<MaskPair> pair_masks(const std::string& images, const std::string& masks);

}  // namespace smtrain::formats::image
