// The tree of a host.
#include "run/training_job/tree.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/temporary_folder.h"
#include "run/training_job/request_help.h"

using namespace smtrain;
using namespace smtrain::run::training_job;
namespace fs = std::filesystem;

namespace {

class Job {
 public:
  Job() {
    for (int i = 0; i < 5; ++i) write("data/sub/part-" + std::to_string(i), std::to_string(i) + "\n");
    json = test::program_request();
    source()["S3Uri"] = (folder_.path() / "data").string() + "/";
    json["HyperParameters"]["lr"] = "0.1";
  }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((folder_.path() / name).parent_path());
    std::ofstream(folder_.path() / name) << text;
  }
  nlohmann::json& source() { return json["InputDataConfig"][0]["DataSource"]["S3DataSource"]; }
  run::contract::Layout layout(std::size_t host) const { return run::contract::Layout(folder_.path() / ("host" + std::to_string(host))); }
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

  /// Makes all trees; returns the names of hosts.
  std::vector<std::string> make(TreeOptions options = {}) {
    NullLog log;
    request = test::parsed(json, log);
    const Hosts hosts = hosts_of(request);
    const Sources sources = list_sources(request, log);
    for (std::size_t i = 0; i < hosts.names.size(); ++i) make_tree(layout(i), request, hosts, i, sources, options);
    return hosts.names;
  }
  std::vector<std::string> files(std::size_t host) const {
    std::vector<std::string> out;
    const fs::path folder = layout(host).channel("train");
    for (const auto& e : fs::recursive_directory_iterator(folder, fs::directory_options::follow_directory_symlink)) {
      if (e.is_regular_file()) out.push_back(e.path().lexically_relative(folder).string());
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  nlohmann::json json;
  TrainingJobRequest request;

 private:
  test::TemporaryFolder folder_;
};

nlohmann::json read_json(const fs::path& path) { return nlohmann::json::parse(read_file(path)); }

}  // namespace

TEST_CASE("tree: one host finds data, configuration and folders", "[run][training_job]") {
  Job job;
  job.make();
  const run::contract::Layout layout = job.layout(0);
  CHECK(job.files(0) == std::vector<std::string>{"sub/part-0", "sub/part-1", "sub/part-2", "sub/part-3", "sub/part-4"});
  CHECK(read_file(layout.channel("train") / "sub/part-3") == "3\n");
  CHECK(read_json(layout.hyperparameters()) == nlohmann::json{{"lr", "0.1"}});
  CHECK(read_json(layout.channels())["train"]["S3DistributionType"] == "ShardedByS3Key");
  CHECK(read_json(layout.resources())["hosts"] == nlohmann::json::array({"algo-1"}));
  const nlohmann::json manifest = read_json(layout.manifest("train"));
  CHECK(manifest.size() == 6);
  CHECK(manifest[0]["prefix"] == "file://" + job.path("data/"));
  CHECK(manifest[5] == "sub/part-4");
  CHECK_FALSE(fs::exists(layout.checkpoint_config()));
  for (const fs::path& p : {layout.model(), layout.output_data(), layout.code()}) CHECK(fs::is_directory(p));
}

TEST_CASE("tree: objects are sharded over hosts, or all there with split records", "[run][training_job]") {
  Job job;
  job.json["ResourceConfig"]["InstanceCount"] = 3;
  SECTION("sharded") {
    job.make();
    CHECK(job.files(0) == std::vector<std::string>{"sub/part-0", "sub/part-3"});
    CHECK(job.files(1) == std::vector<std::string>{"sub/part-1", "sub/part-4"});
    CHECK(job.files(2) == std::vector<std::string>{"sub/part-2"});
  }
  SECTION("split records") {
    TreeOptions options;
    options.split_records = true;
    job.make(options);
    for (std::size_t i = 0; i < 3; ++i) CHECK(job.files(i).size() == 5);
    CHECK(read_json(job.layout(2).channels())["train"]["S3DistributionType"] == "FullyReplicated");
  }
}

TEST_CASE("tree: twelve hosts are sorted as text", "[run][training_job]") {
  Job job;
  job.json["ResourceConfig"]["InstanceCount"] = 12;
  const std::vector<std::string> names = job.make();
  CHECK(names[1] == "algo-10");
  CHECK(names[11] == "algo-9");
  CHECK(read_json(job.layout(1).resources())["current_host"] == "algo-10");
  CHECK(job.files(11).empty());  // fewer objects than hosts: the folder is there
}

TEST_CASE("tree: FastFile links the folder, except for a container", "[run][training_job]") {
  Job job;
  job.json["InputDataConfig"][0]["InputMode"] = "FastFile";
  TreeOptions options;
  options.in_container = GENERATE(false, true);
  job.make(options);
  CHECK(fs::is_symlink(job.layout(0).channel("train")) != options.in_container);
  CHECK(job.files(0).size() == 5);
}

TEST_CASE("tree: a channel of one group goes to its hosts alone", "[run][training_job]") {
  Job job;
  job.json["ResourceConfig"] = nlohmann::json::parse(R"({"InstanceGroups": [{"InstanceGroupName": "a", "InstanceType": "local", "InstanceCount": 1},
      {"InstanceGroupName": "b", "InstanceType": "ml.c5.large", "InstanceCount": 2}]})");
  job.source()["InstanceGroupNames"] = {"b"};
  job.make();
  CHECK_FALSE(fs::exists(job.layout(0).channel("train")));
  CHECK(job.files(1).size() == 3);
  CHECK(job.files(2).size() == 2);
  const nlohmann::json resources = read_json(job.layout(1).resources());
  CHECK(resources["current_group_name"] == "b");
  CHECK(resources["instance_groups"][1]["hosts"] == nlohmann::json::array({"algo-2", "algo-3"}));
}

TEST_CASE("tree: making it changes no input", "[run][training_job]") {
  Job job;
  const auto before = fs::last_write_time(job.path("data/sub/part-0"));
  job.make();
  CHECK(fs::last_write_time(job.path("data/sub/part-0")) == before);
  fs::remove_all(job.layout(0).root());
  CHECK(read_file(job.path("data/sub/part-0")) == "0\n");
}
