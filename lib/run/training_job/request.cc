#include "run/training_job/request.h"

#include <algorithm>
#include <filesystem>

#include "algos/registry.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "formats/io/uri.h"
#include "run/training_job/fields.h"
#include "run/training_job/images.h"
#include "run/training_job/request_rules.h"

namespace smtrain::run::training_job {
namespace {

constexpr std::size_t kMaxDocument = std::size_t{4} << 20;
constexpr std::int64_t kMaxInstances = 10000;

const std::vector<std::string> kModes = {"File", "FastFile", "Pipe"};
const std::vector<std::string> kDistributions = {"FullyReplicated", "ShardedByS3Key"};

class Reader {
 public:
  Reader(Fields& top, const RequestOptions& options) : top_(top), options_(options) {}

  TrainingJobRequest read() {
    read_name();
    read_algorithm();
    // What could not be read is not judged a second time by the algorithm's rules.
    const std::size_t before_parameters = top_.problems().count();
    read_hyperparameters();
    parameters_read_ = top_.problems().count() == before_parameters;
    read_resources();
    const std::size_t before_channels = top_.problems().count();
    top_.each_object("InputDataConfig", 1, 20, [&](Fields& f) { read_channel(f); });
    channels_read_ = top_.problems().count() == before_channels;
    read_output();
    read_limits();
    read_checkpoints();
    read_environment();
    top_.note({"EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "VpcConfig", "RoleArn", "Tags",
               "ExperimentConfig",
               "DebugHookConfig", "DebugRuleConfigurations", "TensorBoardOutputConfig", "ProfilerConfig",
                   "ProfilerRuleConfigurations",
               "InfraCheckConfig", "RemoteDebugConfig", "SessionChainingConfig"});
    top_.finish();
    return std::move(request_);
  }
  bool parameters_read() const { return parameters_read_; }
  bool channels_read() const { return channels_read_; }

 private:
  void read_name() {
    top_.require("TrainingJobName", "a name of 1 to 63 letters, digits and inner hyphens");
    const auto name = top_.text("TrainingJobName", 1, 63);
    if (!name) return;
    if (!is_job_name(*name))
      top_.problem("TrainingJobName", smtrain::quoted(*name), "letters, digits and inner hyphens, such as kmeans-demo");
    request_.name = *name;
  }

  void read_algorithm() {
    top_.require("AlgorithmSpecification", "an object with TrainingImage (or AlgorithmName) and TrainingInputMode");
    auto spec = top_.object("AlgorithmSpecification");
    if (!spec) return;
    read_image(*spec);
    spec->require("TrainingInputMode", "one of: " + join(kModes, ", "));
    if (const auto mode = spec->choice("TrainingInputMode", kModes)) request_.input_mode = static_cast<InputMode>(*mode);
    std::set<std::string> names;
    spec->each_object("MetricDefinitions", 0, 40, [&](Fields& f) { read_metric(f, names); });
    request_.entrypoint = spec->texts("ContainerEntrypoint", 1, 100, 0, 256);
    request_.arguments = spec->texts("ContainerArguments", 1, 100, 0, 256);
    spec->note({"EnableSageMakerMetricsTimeSeries", "TrainingImageConfig"});
    check_algorithm(*spec);
    spec->finish();
  }

  void read_image(Fields& spec) {
    const auto image = spec.text("TrainingImage", 1, 255);
    const auto algorithm = spec.text("AlgorithmName", 1, 170);
    if (spec.has("TrainingImage") && spec.has("AlgorithmName")) {
      spec.say("AlgorithmName", "stands beside TrainingImage; give one of the two");
    }
    if (image) {
      const Image parsed = parse_image(*image);
      request_.image = *image;
      request_.image_tag = parsed.tag;
      named_ = parsed.algorithm;
      repository_ = parsed.repository;
    } else if (algorithm) {
      named_ = *algorithm;
    }
    if (algorithm && algos::find(*algorithm) == nullptr) {
      const std::vector<std::string> known = algos::names();
      spec.problem("AlgorithmName", smtrain::quoted(*algorithm), "an algorithm of this smtrain: " + join(known, ", ")
                   + did_you_mean(*algorithm, known));
      named_.clear();
    }
  }

  void read_metric(Fields& f, std::set<std::string>& names) {
    f.require("Name", "a string of 1 to 255 characters");
    f.require("Regex", "a regular expression with a group around the number");
    const auto name = f.text("Name", 1, 255);
    const auto regex = f.text("Regex", 1, 500);
    if (name && !names.insert(*name).second) f.say("Name", fmt::format("the metric {} is defined twice", smtrain::quoted(*name)));
    if (regex) check_regex(f, *regex);
    if (name && regex) request_.metrics.push_back({*name, *regex});
  }

  void check_algorithm(Fields& spec) {
    const bool script = has_script();
    if (named_.empty() || (repository_ == "sagemaker-xgboost" && script)) return check_program(spec, script);
    const job::Algorithm* algorithm = algos::find(named_);
    if (algorithm == nullptr) {
      return spec.say("TrainingImage",
          fmt::format("{} is not among the algorithms that this smtrain has: {}", named_, join(algos::names(), ", ")));
    }
    request_.algorithm = algorithm->description().name;
    if (!request_.metrics.empty())
      spec.say("MetricDefinitions", "built-in algorithms bring their own definitions; leave this out");
    for (const char* field : {"ContainerEntrypoint", "ContainerArguments"}) {
      if (spec.has(field))
        spec.say(field, fmt::format("{} is a built-in algorithm and runs no other program; leave this out", request_.algorithm));
    }
  }

  void check_program(Fields& spec, bool script) {
    if (!request_.entrypoint.empty() || script || options_.has_exec_prefix || spec.has("ContainerEntrypoint")
        || spec.has("AlgorithmName")) return;
    if (request_.image.empty() && spec.has("TrainingImage")) return;
    const std::string what = request_.image.empty() ? "no image"
        : fmt::format("image {}, which is no built-in algorithm", smtrain::quoted(request_.image));
    spec.problem("TrainingImage", what,
                 "a built-in one (" + join(algos::names(), ", ")
                     + "), or ContainerEntrypoint, or the hyperparameter sagemaker_program, or "
                 "--exec PREFIX to run the image");
  }

  bool has_script() {
    return top_.holds("Environment", "SAGEMAKER_PROGRAM") || top_.holds("HyperParameters", "sagemaker_program");
  }

  void read_hyperparameters() {
    top_.each_text("HyperParameters", 100, [&](const std::string& key, const std::string& value) {
      if (key.empty() || characters(key) > 256)
        top_.problem("HyperParameters." + key, "a name of " + std::to_string(characters(key)) + " characters", "1 to 256");
      if (characters(value) > 2500)
        top_.problem("HyperParameters." + key, fmt::format("{} characters", characters(value)), "at most 2500");
      request_.hyperparameters[key] = value;
    });
  }

  void read_channel(Fields& f) {
    Channel channel;
    f.require("ChannelName", "a string of 1 to 64 characters");
    if (const auto name = f.text("ChannelName", 1, 64)) {
      check_channel_name(f, *name, request_.channels);
      channel.name = *name;
    }
    channel.content_type = f.text("ContentType", 0, 256);
    if (channel.content_type && channel.content_type->empty()) channel.content_type.reset();
    channel.mode = request_.input_mode;
    const auto mode = f.choice("InputMode", kModes);
    if (mode) channel.mode = static_cast<InputMode>(*mode);
    if (const auto type = f.choice("CompressionType", {"None", "Gzip"})) channel.gzip = *type == 1;
    if (const auto type = f.choice("RecordWrapperType", {"None", "RecordIO"})) channel.record_io = *type == 1;
    if (auto shuffle = f.object("ShuffleConfig")) {
      shuffle->require("Seed", "a 64-bit integer");
      if (const auto seed = shuffle->integer("Seed", std::numeric_limits<std::int64_t>::min(), kAnyInteger))
        channel.shuffle_seed = static_cast<std::uint64_t>(*seed);
      shuffle->finish();
    }
    read_source(f, channel, mode.has_value());
    check_channel(f, channel);
    check_places(f, channel, request_.channels);
    request_.channels.push_back(std::move(channel));
  }

  void read_source(Fields& f, Channel& channel, bool mode_given) {
    const std::string expected = "an object with one of S3DataSource, FileSystemDataSource";
    f.require("DataSource", expected);
    auto source = f.object("DataSource");
    if (!source) return;
    const int given = int{source->has("S3DataSource")} + int{source->has("FileSystemDataSource")}
        + int{source->has("FileDataSource")};
    if (given != 1) source->problem("", given == 0 ? "neither source" : fmt::format("{} sources", given),
                                    "exactly one of S3DataSource, FileSystemDataSource");
    if (auto s3 = source->object("S3DataSource")) read_objects(*s3, channel);
    if (auto local = source->object("FileDataSource")) read_local(*local, channel);
    if (auto folder = source->object("FileSystemDataSource")) read_folder(*folder, channel, mode_given);
    source->finish();
  }

  void read_objects(Fields& s3, Channel& channel) {
    const std::vector<std::string> kinds = {"S3Prefix", "ManifestFile", "AugmentedManifestFile"};
    s3.require("S3DataType", "one of: " + join(kinds, ", "));
    if (const auto kind = s3.choice("S3DataType", kinds)) channel.kind = static_cast<SourceKind>(*kind);
    s3.require("S3Uri", "a file:// URI or a path");
    if (const auto uri = s3.text("S3Uri", 1, 1024)) channel.path = resolved(s3, "S3Uri", channel.uri = *uri);
    if (const auto d = s3.choice("S3DataDistributionType", kDistributions)) channel.sharded = *d == 1;
    channel.attributes = s3.texts("AttributeNames", 1, 16, 1, 256);
    channel.groups = s3.texts("InstanceGroupNames", 1, 5, 1, 64);
    check_attributes(s3, channel);
    check_groups(s3, channel, request_.groups);
    s3.finish();
  }

  void read_local(Fields& local, Channel& channel) {
    local.require("FileUri", "a file:// URI or a path");
    if (const auto uri = local.text("FileUri", 1, 1024)) channel.path = resolved(local, "FileUri", channel.uri = *uri);
    if (const auto d = local.choice("FileDataDistributionType", kDistributions)) channel.sharded = *d == 1;
    local.finish();
  }

  void read_folder(Fields& folder, Channel& channel, bool mode_given) {
    channel.kind = SourceKind::folder;
    folder.require("DirectoryPath", "the path of a folder");
    if (const auto path = folder.text("DirectoryPath", 1, 4096))
      channel.path = resolved(folder, "DirectoryPath", channel.uri = *path);
    (void)folder.choice("FileSystemType", {"EFS", "FSxLustre"});
    (void)folder.choice("FileSystemAccessMode", {"ro", "rw"});
    (void)folder.text("FileSystemId", 1, 256);
    if (channel.mode == InputMode::pipe) {
      if (mode_given) folder.say("", "a file system is read in File mode; InputMode Pipe is for S3DataSource");
      channel.mode = InputMode::file;
    }
    folder.finish();
  }

  std::string resolved(Fields& f, const std::string& field, const std::string& uri) {
    try {
      return formats::resolve_uri(uri, options_.folder, options_.maps);
    } catch (const Error& e) {
      if (e.fault() != Fault::user) throw;
      f.say(field, e.what());
      return "";
    }
  }

  void read_output() {
    top_.require("OutputDataConfig", "an object with S3OutputPath");
    auto output = top_.object("OutputDataConfig");
    if (!output) return;
    output->require("S3OutputPath", "a file:// URI or a path");
    if (const auto uri = output->text("S3OutputPath", 1, 1024))
      request_.output_path = resolved(*output, "S3OutputPath", request_.output_uri = *uri);
    if (const auto type = output->choice("CompressionType", {"GZIP", "NONE"})) request_.compressed = *type == 0;
    output->note({"KmsKeyId"});
    output->finish();
  }

  void read_resources() {
    top_.require("ResourceConfig", "an object with InstanceType and InstanceCount, or InstanceGroups");
    auto resources = top_.object("ResourceConfig");
    if (!resources) return;
    if (const auto type = resources->text("InstanceType", 1, 64)) request_.instance_type = *type;
    if (const auto count = resources->integer("InstanceCount", 1, kMaxInstances)) request_.instance_count = *count;
    if (resources->has("InstanceGroups")) read_groups(*resources);
    request_.volume_gb = resources->integer("VolumeSizeInGB", 1, kAnyInteger);
    (void)resources->integer("KeepAlivePeriodInSeconds", 0, 21600);
    resources->note({"KeepAlivePeriodInSeconds", "VolumeKmsKeyId", "TrainingPlanArn", "InstancePlacementConfig"});
    resources->finish();
  }

  void read_groups(Fields& resources) {
    for (const char* other : {"InstanceType", "InstanceCount"}) {
      if (resources.has(other)) resources.say(other, "stands beside InstanceGroups; give one of the two");
    }
    std::set<std::string> names;
    request_.instance_count = 0;
    resources.each_object("InstanceGroups", 1, 5, [&](Fields& f) {
      for (const char* field : {"InstanceGroupName", "InstanceType", "InstanceCount"})
        f.require(field, "name, type and count of the group");
      InstanceGroup group;
      group.name = f.text("InstanceGroupName", 1, 64).value_or("");
      group.type = f.text("InstanceType", 1, 64).value_or("local");
      group.count = f.integer("InstanceCount", 1, kMaxInstances).value_or(1);
      if (!names.insert(group.name).second)
        f.say("InstanceGroupName", fmt::format("the group {} is given twice", smtrain::quoted(group.name)));
      request_.instance_count += group.count;
      request_.groups.push_back(std::move(group));
    });
    if (request_.groups.empty()) request_.instance_count = 1;
    else request_.instance_type = request_.groups.front().type;
  }

  void read_limits() {
    if (const auto spot = top_.boolean("EnableManagedSpotTraining")) request_.spot = *spot;
    if (auto limits = top_.object("StoppingCondition")) {
      if (const auto seconds = limits->integer("MaxRuntimeInSeconds", 1, 2419200)) request_.max_runtime = *seconds;
      request_.max_wait = limits->integer("MaxWaitTimeInSeconds", 1, kAnyInteger);
      (void)limits->integer("MaxPendingTimeInSeconds", 7200, 2419200);
      limits->note({"MaxPendingTimeInSeconds"});
      if (request_.max_wait && *request_.max_wait < request_.max_runtime) {
        limits->problem("MaxWaitTimeInSeconds", std::to_string(*request_.max_wait),
                        fmt::format("at least MaxRuntimeInSeconds, {}", request_.max_runtime));
      }
      limits->finish();
    }
    if (request_.spot && !request_.max_wait)
      top_.say("EnableManagedSpotTraining", "needs StoppingCondition.MaxWaitTimeInSeconds");
    if (auto retry = top_.object("RetryStrategy")) {
      retry->require("MaximumRetryAttempts", "an integer, 1 to 30");
      if (const auto most = retry->integer("MaximumRetryAttempts", 1, 30)) request_.max_retries = *most;
      retry->finish();
    }
  }

  void read_checkpoints() {
    auto config = top_.object("CheckpointConfig");
    if (!config) return;
    config->require("S3Uri", "a file:// URI or a path");
    if (const auto uri = config->text("S3Uri", 1, 1024))
      request_.checkpoint_path = resolved(*config, "S3Uri", request_.checkpoint_uri = *uri);
    if (const auto local = config->text("LocalPath", 1, 4096)) {
      if (!is_plain_absolute(*local)) config->problem("LocalPath", smtrain::quoted(*local), "an absolute path without \"..\"");
      request_.checkpoint_local = *local;
    }
    config->finish();
  }

  void read_environment() {
    top_.each_text("Environment", 100, [&](const std::string& key, const std::string& value) {
      if (!is_variable_name(key))
        top_.problem("Environment." + key, smtrain::quoted(key), "a name of 1 to 512 letters, digits and _, no digit first");
      if (characters(value) > 512)
        top_.problem("Environment." + key, fmt::format("{} characters", characters(value)), "at most 512");
      request_.environment[key] = value;
    });
  }

  Fields& top_;
  const RequestOptions& options_;
  TrainingJobRequest request_;
  std::string named_;       // algorithm by image or name
  std::string repository_;
  bool parameters_read_ = false, channels_read_ = false;
};

}  // namespace

TrainingJobRequest parse_request(std::string_view text, const std::string& name, const RequestOptions& options, Log& log) {
  const nlohmann::json json = parse_document(text, name);
  Problems problems;
  Document document{name, options.lenient, problems, log, {}};
  Fields top(json, "", document);
  Reader reader(top, options);
  TrainingJobRequest request = reader.read();
  request.document = std::string(text);
  request.folder = options.folder;
  request.maps = options.maps;
  if (request.built_in() && reader.parameters_read()) check_parameters(request, name, problems, log);
  if (request.built_in() && reader.channels_read()) check_channels_of(request, name, problems);
  problems.raise();
  return request;
}

TrainingJobRequest read_request(const std::string& path, RequestOptions options, Log& log) {
  const std::string text = read_file(path, kMaxDocument);
  options.folder = std::filesystem::absolute(path).parent_path().string();
  return parse_request(text, path, options, log);
}

}  // namespace smtrain::run::training_job
