#include "run/contract/config.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "base/temporary_folder.h"

using namespace smtrain;
using namespace smtrain::run::contract;
using Catch::Matchers::Contains;
using smtrain::test::TemporaryFolder;

namespace {

// A tree of which the tests write the configuration.
struct Tree {
  TemporaryFolder folder;
  Layout layout{folder.path()};
  CollectedLog log;
  void put(const std::string& file, const std::string& text) const { folder.put("input/config/" + file, text); }
};

// The message of the user Error that reading ends in.
template <class F>
std::string refusal(F&& read) {
  try {
    read();
  } catch (const Error& e) {
    CHECK(e.fault() == Fault::user);
    return e.what();
  }
  return "nothing was refused";
}

std::string refused_channels(const std::string& text) {
  Tree tree;
  tree.put("inputdataconfig.json", text);
  return refusal([&] { read_channels(tree.layout); });
}

std::string refused_resources(const std::string& text) {
  Tree tree;
  tree.put("resourceconfig.json", text);
  return refusal([&] { read_resources(tree.layout); });
}

}  // namespace

TEST_CASE("layout: a path below /opt/ml is a path below the root", "[run][contract]") {
  const Layout layout("/scratch/job");
  CHECK(layout.fifo("train", 3) == "/scratch/job/input/data/train_3");
  CHECK(layout.manifest("train") == "/scratch/job/input/data/train-manifest");
  CHECK(layout.local("/opt/ml/checkpoints/") == "/scratch/job/checkpoints");
  CHECK(layout.local("/opt/ml/") == "/scratch/job");
  CHECK(layout.local("/opt/ml/../other") == "/opt/other");
  CHECK(layout.local("/opt/mlx/a") == "/opt/mlx/a");
  CHECK(layout.local("/nfs/checkpoints") == "/nfs/checkpoints");
}

TEST_CASE("hyperparameters: no file is an empty set", "[run][contract]") {
  Tree tree;
  CHECK(read_hyperparameters(tree.layout, tree.log).empty());
  tree.put("hyperparameters.json", "{}");
  CHECK(read_hyperparameters(tree.layout, tree.log).empty());
}

TEST_CASE("hyperparameters: what is written is read", "[run][contract]") {
  Tree tree;
  tree.layout.make_folders();
  const std::map<std::string, std::string> values = {{"k", "10"}, {"eval_metrics", "[\"msd\", \"ssd\"]"}, {"a", "\xC3\xA9\"\\\n"}, {"e", ""}};
  write_hyperparameters(tree.layout, values);
  std::map<std::string, std::string> read;
  for (const job::Given& given : read_hyperparameters(tree.layout, tree.log)) {
    read.emplace(given.name, given.text);
    CHECK(given.origin == tree.layout.hyperparameters());
  }
  CHECK(read == values);
  CHECK(tree.log.lines.empty());
}

TEST_CASE("hyperparameters: values that are no strings count as their compact text, with a warning", "[run][contract]") {
  Tree tree;
  tree.put("hyperparameters.json", R"({"k": 10, "tol": 0.1, "flag": true, "list": [1, [2, "a"]], "none": null, "map": {"b": 1}})");
  std::map<std::string, std::string> read;
  for (const job::Given& given : read_hyperparameters(tree.layout, tree.log)) read.emplace(given.name, given.text);
  CHECK(read == std::map<std::string, std::string>{
                    {"k", "10"}, {"tol", "0.1"}, {"flag", "true"}, {"list", R"([1,[2,"a"]])"}, {"none", "null"}, {"map", R"({"b":1})"}});
  REQUIRE(tree.log.lines.size() == 6);
  CHECK(tree.log.lines[0].first == Level::warning);
  CHECK_THAT(tree.log.lines[0].second, Contains("\"k\" is a number") && Contains("hyperparameters.json"));
}

TEST_CASE("hyperparameters: broken files are refused with file and place", "[run][contract]") {
  const auto refused = [](const std::string& text) {
    Tree tree;
    tree.put("hyperparameters.json", text);
    return refusal([&] { read_hyperparameters(tree.layout, tree.log); });
  };
  CHECK_THAT(refused("{\"k\": \"1\",\n \"k\": \"2\"}"), Contains("hyperparameters.json: \"k\" is given twice"));
  CHECK_THAT(refused("{\"k\": \"1\",\n \"f\" \"2\"}"), Contains("hyperparameters.json:2: not valid JSON at column"));
  CHECK_THAT(refused(""), Contains("not valid JSON"));
  CHECK_THAT(refused("[1]"), Contains("found a list"));
  CHECK_THAT(refused("{\"k\": \"\xFF\"}"), Contains("not valid JSON"));
  CHECK_THAT(refused("{\"k\": 1e999}"), Contains("out of range"));
  CHECK_THAT(refused("{\"k\": " + std::string(100000, '[')), Contains("nested more than 32 levels"));
  CHECK_THAT(refused("{\"k\": \"" + std::string(1 << 20, 'x') + "\"}"), Contains("hyperparameters.json"));
}

TEST_CASE("channels: absent file, defaults, every key", "[run][contract]") {
  Tree tree;
  CHECK_FALSE(read_channels(tree.layout));
  tree.put("inputdataconfig.json", R"({
    "vocab": {"TrainingInputMode": "File"},
    "train": {"ContentType": "text/csv;label_size=0", "TrainingInputMode": "Pipe", "S3DistributionType": "ShardedByS3Key",
              "RecordWrapperType": "RecordIO", "Unknown": [{}]},
    "fast": {"TrainingInputMode": "FastFile", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None", "ContentType": null},
    "bare": {}})");
  const auto channels = read_channels(tree.layout).value();
  REQUIRE(channels.size() == 4);
  CHECK(channels[0].name == "bare");
  CHECK(channels[0].mode == InputMode::file);
  CHECK_FALSE(channels[0].content_type);
  CHECK(channels[1].mode == InputMode::fast_file);
  CHECK_FALSE(channels[1].content_type);
  CHECK(channels[2].content_type == "text/csv;label_size=0");
  CHECK(channels[2].mode == InputMode::pipe);
  CHECK(channels[2].distribution == Distribution::sharded);
  CHECK(channels[2].wrapper == RecordWrapper::recordio);
  CHECK(channels[3].distribution == Distribution::replicated);
  CHECK(channels[3].wrapper == RecordWrapper::none);
}

TEST_CASE("channels: the camel-case name is read when the lower-case one is absent", "[run][contract]") {
  Tree tree;
  tree.put("inputDataConfig.json", R"({"a": {}})");
  CHECK(read_channels(tree.layout)->front().name == "a");
  tree.put("inputdataconfig.json", R"({"b": {}})");
  CHECK(read_channels(tree.layout)->front().name == "b");
}

TEST_CASE("channels: what is written is read", "[run][contract]") {
  Tree tree;
  tree.layout.make_folders();
  write_channels(tree.layout, {{"train", "text/csv", InputMode::pipe, Distribution::sharded, RecordWrapper::recordio},
                               {"test", std::nullopt, InputMode::fast_file, Distribution::replicated, RecordWrapper::none}});
  const auto read = read_channels(tree.layout).value();
  REQUIRE(read.size() == 2);
  CHECK(read[0].name == "test");
  CHECK(read[0].mode == InputMode::fast_file);
  CHECK(read[1].content_type == "text/csv");
  CHECK(read[1].wrapper == RecordWrapper::recordio);
  CHECK_THAT(tree.folder.read("input/config/inputdataconfig.json"), Contains("\"S3DistributionType\": \"ShardedByS3Key\""));
}

TEST_CASE("channels: wrong values name file, channel and key", "[run][contract]") {
  CHECK_THAT(refused_channels(R"({"train": {"TrainingInputMode": "pipe"}})"),
             Contains("inputdataconfig.json: train: TrainingInputMode: \"pipe\" is not one of: File, FastFile, Pipe; did you mean Pipe?"));
  CHECK_THAT(refused_channels(R"({"train": {"S3DistributionType": 1}})"), Contains("train: S3DistributionType: expected a string, found a number"));
  CHECK_THAT(refused_channels(R"({"train": {"RecordWrapperType": "RecordIO"}})"), Contains("Pipe mode only"));
  CHECK_THAT(refused_channels(R"({"train": "File"})"), Contains("train: expected an object, found a string"));
  for (const char* name : {"../up", "a/b", "..", ".", "", "a b"})
    CHECK_THAT(refused_channels(std::string("{\"") + name + "\": {}}"), Contains("is no channel name"));
  CHECK_THAT(refused_channels("{\"" + std::string(65, 'a') + "\": {}}"), Contains("is no channel name"));
  CHECK_THAT(refused_channels(R"({"a": {}, "a": {}})"), Contains("\"a\" is given twice"));
}

TEST_CASE("resources: absent, minimal, full, camel-case", "[run][contract]") {
  Tree tree;
  CHECK(read_resources(tree.layout).hosts == std::vector<std::string>{"algo-1"});
  CHECK(read_resources(tree.layout).current_host == "algo-1");
  tree.put("resourceConfig.json", R"({"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]})");
  CHECK(read_resources(tree.layout).rank() == 1);
  CHECK(read_resources(tree.layout).network_interface == "eth0");
  tree.put("resourceconfig.json", R"({"current_host": "algo-2", "current_instance_type": "ml.c5.xlarge", "current_group_name": "g",
    "hosts": ["algo-2", "algo-1"], "instance_groups": [{"instance_group_name": "g", "instance_type": "ml.c5.xlarge",
    "hosts": ["algo-1", "algo-2"]}], "network_interface_name": "ethwe", "topology": {}})");
  const Resources full = read_resources(tree.layout);
  CHECK(full.instance_type == "ml.c5.xlarge");
  CHECK(full.current_group == "g");
  CHECK(full.network_interface == "ethwe");
  REQUIRE(full.groups.size() == 1);
  CHECK(full.groups[0].hosts.size() == 2);
}

TEST_CASE("resources: both keys of the group", "[run][contract]") {
  Tree tree;
  tree.put("resourceconfig.json", R"({"current_host": "h", "hosts": ["h"], "current_instance_group": "old"})");
  CHECK(read_resources(tree.layout).current_group == "old");
  tree.put("resourceconfig.json", R"({"current_host": "h", "hosts": ["h"], "current_group_name": "new", "current_instance_group": "old"})");
  CHECK(read_resources(tree.layout).current_group == "new");
}

TEST_CASE("resources: twelve hosts are sorted as text", "[run][contract]") {
  Tree tree;
  tree.layout.make_folders();
  Resources resources;
  resources.hosts.clear();
  for (int i = 1; i <= 12; ++i) resources.hosts.push_back("algo-" + std::to_string(i));
  resources.current_host = "algo-10";
  resources.groups = {{"g", "local", resources.hosts}};
  write_resources(tree.layout, resources);
  const Resources read = read_resources(tree.layout);
  CHECK(read.rank() == 1);
  CHECK(read.hosts[2] == "algo-11");
  CHECK(read.hosts[4] == "algo-2");
  CHECK(read.groups[0].name == "g");
}

TEST_CASE("resources: what does not fit is refused with file and key", "[run][contract]") {
  CHECK_THAT(refused_resources(R"({"current_host": "algo-3", "hosts": ["algo-1", "algo-2"]})"),
             Contains("resourceconfig.json: current_host: \"algo-3\" is not among hosts, which are algo-1, algo-2"));
  CHECK_THAT(refused_resources(R"({"hosts": ["algo-1", "algo-2"]})"), Contains("current_host: missing"));
  CHECK_THAT(refused_resources(R"({"current_host": "a", "hosts": []})"), Contains("hosts: expected at least one host"));
  CHECK_THAT(refused_resources(R"({"current_host": "a", "hosts": ["a", "a"]})"), Contains("hosts: \"a\" is given twice"));
  CHECK_THAT(refused_resources(R"({"current_host": "a", "hosts": "a"})"), Contains("hosts: expected a list of strings, found a string"));
  CHECK_THAT(refused_resources(R"({"current_host": "a b", "hosts": ["a b"]})"), Contains("is no host name"));
  CHECK_THAT(refused_resources(R"({"current_host": "a", "hosts": ["a"], "instance_groups": [1]})"), Contains("instance_groups: expected an object"));
}

TEST_CASE("checkpoints: the file says whether and where", "[run][contract]") {
  Tree tree;
  CHECK_FALSE(read_checkpoint_folder(tree.layout));
  tree.put("checkpointconfig.json", "{}");
  CHECK(read_checkpoint_folder(tree.layout) == tree.layout.checkpoints());
  write_checkpoint_config(tree.layout, "/opt/ml/checkpoints/run");
  CHECK(read_checkpoint_folder(tree.layout) == tree.layout.checkpoints() / "run");
  write_checkpoint_config(tree.layout, "/elsewhere");
  CHECK(read_checkpoint_folder(tree.layout) == "/elsewhere");
  tree.put("checkpointconfig.json", R"({"LocalPath": "here"})");
  CHECK_THAT(refusal([&] { read_checkpoint_folder(tree.layout); }), Contains("checkpointconfig.json: LocalPath: \"here\" is no absolute path"));
}
