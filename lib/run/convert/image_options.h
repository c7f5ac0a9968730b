// What the user says of images in a conversion.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace smtrain::run {

struct ImageOptions {
  std::optional<std::int64_t> resize;            ///< --resize: the shorter side
  bool center_crop = false;
  std::optional<std::string> encoding;           ///< --encoding: "jpg", "png"
  std::optional<std::int64_t> quality;
  bool pass_through = false;                     ///< --pass-through, which is what happens anyway when nothing above is said
  bool pack_label = false;
  bool no_shuffle = false;
  std::int64_t skip_bad_images = 0;              ///< how many may be left out
  std::optional<std::int64_t> max_image_pixels;  ///< of one image
};

}  // namespace smtrain::run
