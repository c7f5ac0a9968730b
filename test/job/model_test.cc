#include "job/model.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"
#include "formats/archive/ndarray_list.h"
#include "formats/archive/tar.h"
#include "job/manifest.h"

using namespace smtrain;
using namespace smtrain::job;
using smtrain::test::TemporaryFolder;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

Model kmeans_model() {
  const float centres[] = {1, 2, 3, -0.5, -1.5, 100};
  Model model;
  model.manifest.algorithm = "kmeans";
  model.manifest.smtrain_version = "0.1.0";
  model.manifest.hyperparameters = {{"k", "2"}, {"feature_dim", "3"}};
  model.manifest.given = {{"extra_center_factor", "auto"}};
  model.manifest.metrics = {{"test:msd", 0.1}, {"train:msd", std::numeric_limits<double>::infinity()}};
  model.manifest.data = {{"feature_dim", "3"}, {"columns", "[\"a\",\"b\"]"}, {"content_type", "text/csv"}};
  model.manifest.build = {{"kernels", "avx2"}};
  model.tensors = {formats::NamedTensor::f32("centres", {2, 3}, centres)};
  model.files["model_algo-1"] = formats::write_ndarray_list({formats::NamedTensor::f32("", {2, 3}, centres)});
  return model;
}

void check_equal(const Model& a, const Model& b) {
  CHECK(write_manifest(a.manifest) == write_manifest(b.manifest));
  CHECK(a.files == b.files);
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    CHECK(a.tensors[i].name == b.tensors[i].name);
    CHECK(a.tensors[i].data == b.tensors[i].data);
  }
}

std::string refusal(const std::string& path) {
  try {
    read_model(path);
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::user);
    CHECK_THAT(error.what(), Contains(path));
    return error.what();
  }
  return "no error";
}

void save(const fs::path& path, std::string_view bytes) { std::ofstream(path, std::ios::binary) << bytes; }

/// A tarball of one manifest.
std::string with_manifest(const fs::path& folder, const std::string& text) {
  const std::string path = folder / "manifest-test.tar";
  std::string bytes;
  formats::write_tar({{"manifest.json", text}}, formats::TarCompression::none, 0, [&](std::string_view b) { bytes += b; });
  save(path, bytes);
  return path;
}

struct Epoch {
  explicit Epoch(const char* text) { setenv("SOURCE_DATE_EPOCH", text, 1); }
  ~Epoch() { unsetenv("SOURCE_DATE_EPOCH"); }
};

}  // namespace

TEST_CASE("model: what is written is read back, by every suffix", "[job][model]") {
  const TemporaryFolder folder;
  const std::string suffix = GENERATE(".tar.gz", ".tgz", ".tar.zst", ".tzst", ".tar");
  const std::string path = folder.path() / ("model" + suffix);
  write_model(path, kmeans_model());
  check_equal(read_model(path), kmeans_model());
  CHECK(read_model(path).tensor("centres") != nullptr);
  CHECK(read_model(path).tensor("other") == nullptr);
}

TEST_CASE("model: the manifest comes first, the others follow by name", "[job][model]") {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "model.tar";
  Model model = kmeans_model();
  model.files["a"] = "first by name";
  write_model(path, model);
  const std::string bytes = read_file(path);
  std::vector<std::string> names;
  for (std::size_t at = 0; bytes[at] != '\0'; ) {
    names.emplace_back(bytes.c_str() + at);
    at += 512 + (std::stoull(bytes.substr(at + 124, 11), nullptr, 8) + 511) / 512 * 512;
  }
  CHECK(names == std::vector<std::string>{"manifest.json", "a", "model.safetensors", "model_algo-1"});
}

TEST_CASE("model: the same model gives the same bytes, whatever the umask and the folder", "[job][model]") {
  const TemporaryFolder folder;
  const std::string suffix = GENERATE(".tar.gz", ".tar.zst", ".tar");
  write_model(folder.path() / ("a" + suffix), kmeans_model());
  const fs::path before = fs::current_path();
  fs::create_directory(folder.path() / "sub");
  fs::current_path(folder.path() / "sub");
  const mode_t mask = umask(0007);
  write_model("b" + suffix, kmeans_model());
  umask(mask);
  fs::current_path(before);
  CHECK(read_file(folder.path() / ("a" + suffix)) == read_file(folder.path() / "sub" / ("b" + suffix)));
}

TEST_CASE("model: SOURCE_DATE_EPOCH is the time of the members", "[job][model]") {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "model.tar";
  write_model(path, kmeans_model());
  CHECK(read_file(path).substr(136, 11) == "00000000000");
  {
    const Epoch epoch("1577836800");
    write_model(path, kmeans_model());
    CHECK(read_file(path).substr(136, 11) == "13602760400");
  }
  const Epoch epoch("yesterday");
  CHECK_THROWS_WITH(write_model(path, kmeans_model()), Contains("SOURCE_DATE_EPOCH is \"yesterday\""));
}

TEST_CASE("model: other suffixes are refused, listing those there are", "[job][model]") {
  const TemporaryFolder folder;
  for (const char* name : {"model.zip", "model", "model.tar.bz2", "model.gz", ".tar", "-"}) {
    const std::string path = folder.path() / name;
    CHECK_THROWS_WITH(check_model_path(path), path + ": a model's name must end in .tar.gz, .tgz, .tar.zst, .tzst or .tar");
    CHECK_THROWS_WITH(write_model(path, kmeans_model()), Contains("must end in"));
    CHECK_FALSE(fs::exists(path));
  }
}

TEST_CASE("model: a model that cannot be written leaves the old one", "[job][model]") {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "model.tar.gz";
  save(path, "old");
  Model model = kmeans_model();
  model.tensors[0].shape = {7};
  CHECK_THROWS(write_model(path, model));
  CHECK(read_file(path) == "old");
  model = kmeans_model();
  model.files["manifest.json"] = "{}";
  CHECK_THROWS_WITH(write_model(path, model), Contains("manifest.json"));
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("model: what the service wrote is read", "[job][model]") {
  const Model model = read_model(SMTRAIN_TEST_DATA "/models/service/kmeans-model.tar.gz");
  CHECK(model.manifest.algorithm.empty());
  CHECK(model.tensors.empty());
  REQUIRE(model.files.size() == 1);
  const auto arrays = formats::read_ndarray_list(model.files.at("model_algo-1"), "model_algo-1");
  REQUIRE(arrays.size() == 1);
  CHECK(arrays[0].shape == std::vector<std::uint64_t>{3, 4});
  CHECK(arrays[0].as_f32() == std::vector<float>{1.5, -2, 0.25, 8, 0, 1, 2, 3, -0.5, 100, 1e-3F, -7});
}

TEST_CASE("model: an unpacked folder is read", "[job][model]") {
  const TemporaryFolder folder;
  const Model model = kmeans_model();
  save(folder.path() / "manifest.json", write_manifest(model.manifest));
  save(folder.path() / "model.safetensors", formats::write_safetensors(model.tensors));
  save(folder.path() / "model_algo-1", model.files.at("model_algo-1"));
  check_equal(read_model(folder.path()), model);
  fs::create_directory(folder.path() / "sub");
  save(folder.path() / "sub" / "x", "1");
  CHECK(read_model(folder.path()).files.at("sub/x") == "1");
  CHECK_THROWS_WITH(read_model(folder.path(), 100), Contains("more than the limit of"));
  fs::create_symlink("/etc/passwd", folder.path() / "link");
  CHECK_THAT(refusal(folder.path()), Contains("\"link\" is no regular file"));
}

TEST_CASE("model: a bare model_algo-1, a zip and other files are refused for what they are", "[job][model]") {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "model_algo-1";
  save(path, kmeans_model().files.at("model_algo-1"));
  CHECK_THAT(refusal(path), Contains("a bare model_algo-1") && Contains("pack it first: tar -czf model.tar.gz model_algo-1"));
  save(path, "PK\x03\x04 zip");
  CHECK_THAT(refusal(path), Contains("a zip archive, not a tar archive"));
  save(path, "1,2\n");
  CHECK_THAT(refusal(path), Contains("text, not a tar archive"));
  CHECK_THAT(refusal(folder.path() / "absent.tar.gz"), Contains("No such file"));
  fs::create_directory(folder.path() / "empty");
  CHECK_THAT(refusal(folder.path() / "empty"), Contains("holds no file"));
}

TEST_CASE("model: manifests that are broken or too new are refused", "[job][model]") {
  const TemporaryFolder folder;
  const auto why = [&](const std::string& text) { return refusal(with_manifest(folder.path(), text)); };
  CHECK_THAT(why("{\"algorithm\": \"k"), Contains("manifest.json: broken JSON at byte 17"));
  CHECK_THAT(why("[]"), Contains("manifest.json: not a JSON object"));
  CHECK_THAT(why(R"({"format_version": 2})"), Contains("format version 2; this smtrain reads versions up to 1"));
  CHECK_THAT(why(R"({"format_version": "1"})"), Contains("expected a whole number"));
  CHECK_THAT(why(R"({"algorithm": 3})"), Contains("\"algorithm\" is \"3\"; expected a string"));
  CHECK_THAT(why(R"({"metrics": {"a": "x"}})"), Contains("\"a\" is ") && Contains("expected a number"));
  CHECK_THAT(why(R"({"data": []})"), Contains("expected an object"));
  CHECK(why(R"({"algorithm": "kmeans", "of_the_future": [1]})") == "no error");
}

TEST_CASE("manifest: numbers and texts come back as they were", "[job][model]") {
  Manifest manifest = kmeans_model().manifest;
  manifest.metrics = {{"a", 0.1}, {"b", 1e300}, {"c", -0.0}, {"d", std::nan("")}, {"e", -std::numeric_limits<double>::infinity()}, {"f", 3}};
  manifest.data = {{"n", "3"}, {"x", "1.50"}, {"s", "\"quoted\""}, {"l", "[1,2]"}, {"p", "[1, 2]"}, {"t", "true"}, {"w", ""}};
  const Manifest read = read_manifest(write_manifest(manifest), "x");
  CHECK(read.data == manifest.data);
  CHECK(read.hyperparameters == manifest.hyperparameters);
  CHECK(read.metrics.at("a") == 0.1);
  CHECK(read.metrics.at("b") == 1e300);
  CHECK(std::signbit(read.metrics.at("c")));
  CHECK(std::isnan(read.metrics.at("d")));
  CHECK(read.metrics.at("e") == -std::numeric_limits<double>::infinity());
  CHECK(write_manifest(read) == write_manifest(manifest));
}

TEST_CASE("manifest: the text is JSON with sorted keys", "[job][model]") {
  Manifest manifest;
  manifest.algorithm = "kmeans";
  manifest.data["feature_dim"] = "3";
  manifest.metrics["test:msd"] = 0.5;
  CHECK(write_manifest(manifest) == R"({
  "algorithm": "kmeans",
  "build": {},
  "data": {
    "feature_dim": 3
  },
  "format_version": 1,
  "given": {},
  "hyperparameters": {},
  "metrics": {
    "test:msd": 0.5
  },
  "smtrain_version": ""
}
)");
}
