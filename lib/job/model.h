// Model tarballs: manifest.json, the tensors as safetensors, and the files that the service's own clients open.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "formats/archive/safetensors.h"

namespace smtrain::job {

/// What a manifest says. Written as JSON with sorted keys, fields in the groups below.
struct Manifest {
  std::string algorithm;                              ///< "kmeans"; empty in a tarball that the service wrote
  std::string smtrain_version;
  std::int64_t format_version = 1;
  std::map<std::string, std::string> hyperparameters; ///< resolved, canonical text
  std::map<std::string, std::string> given;           ///< where the given text differs (auto, data-dependent)
  std::map<std::string, double> metrics;              ///< final, by published name
  std::map<std::string, std::string> data;            ///< schema: feature_dim, content type, columns (JSON texts)
  std::map<std::string, std::string> build;           ///< kernel level, device
};

/// A model in memory: what Predictors save to and Algorithms load from.
struct Model {
  Manifest manifest;
  std::vector<formats::NamedTensor> tensors;       ///< model.safetensors
  std::map<std::string, std::string> files;        ///< further members by name: "model_algo-1", "model_algo-1.json"

  /// By name; nullptr when absent.
  const formats::NamedTensor* tensor(std::string_view name) const;
};

/// The time of all members of a tarball: SOURCE_DATE_EPOCH, as reproducible builds have it, or 0.
std::int64_t member_time();

/// Refuses a path that write_model would refuse for its suffix, listing those there are: to be asked before the training.
void check_model_path(const std::string& path);

/// Writes a tarball: format by suffix (.tar.gz, .tgz, .tar.zst, .tzst, .tar), whole or absent, reproducible bytes (members sorted
/// with manifest.json first, owner 0, mode 0644, time SOURCE_DATE_EPOCH or 0). Refuses other suffixes.
void write_model(const std::string& path, const Model& model);

/// Writes the same files into a folder, which is made when it is not there, each whole or absent, manifest.json last. Other files
/// of the folder stay.
void write_model_folder(const std::string& folder, const Model& model);

/// Reads a tarball of ours or of the service (any of the three formats, by content; also a bare folder). Members are kept in
/// memory: at most `limit` bytes in all, 1000 members; names with "..", absolute names and links are refused. Throws a user
/// Error that names the file, the member and what is wrong; says so when the file is no tarball (a zip, a bare
/// model_algo-1, ...). A newer format_version is refused with both numbers.
Model read_model(const std::string& path, std::uint64_t limit = std::uint64_t{64} << 30);

}  // namespace smtrain::job
