// What a request names in the cloud, and what that is here: images are algorithms, machine types are devices.
#pragma once

#include <string>
#include <string_view>

namespace smtrain::run::training_job {

struct Image {
  std::string repository;  ///< last part of the path, tag aside: "kmeans"
  std::string tag;         ///< "1"; "" without one
  std::string algorithm;   ///< as smtrain calls it, whether it has it or not; "" for a user's own image
};

/// Takes "<registry>/kmeans:1" apart; a digest (@sha256:...) is ignored.
Image parse_image(std::string_view image);

/// "cuda" for machine types of the families p and g and for local_gpu, "auto" for local, "cpu" otherwise.
std::string device_of(std::string_view instance_type);

}  // namespace smtrain::run::training_job
