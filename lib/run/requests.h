// What the subcommands ask for, already parsed: the interface between cmd/ (and later job files) and lib/run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dist/communicator.h"
#include "job/hyperparameter.h"
#include "run/console/console.h"
#include "run/convert/box_options.h"
#include "run/convert/image_options.h"
#include "run/convert/prepare_options.h"
#include "run/convert/series_options.h"
#include "run/convert/text_options.h"

namespace smtrain::run {

/// A setting with its origin: "flag", "SMTRAIN_THREADS", "hyperparameters.json", "config", "default", or a machine fact
/// such as "affinity mask".
template <class T>
struct From {
  T value{};
  std::string origin = "default";
};

/// What every run needs; resolved by settings.h in the order flag, SMTRAIN_* variable, job file, user config, default.
struct CommonSettings {
  From<int> threads;
  From<std::uint64_t> memory_limit;  ///< bytes
  From<std::uint64_t> seed;
  From<std::string> device;          ///< "auto", "cpu", "cuda[:N]"
};

struct ChannelRequest {
  std::string name;
  std::string path;
  std::optional<std::string> content_type;
  std::optional<std::string> mode;          ///< "file", "pipe"
  std::optional<std::string> distribution;  ///< "sharded", "replicated"
  bool own_share = false;                   ///< sharded: PATH holds the files of this process alone, perhaps none
  bool record_wrapper = false;              ///< each object comes as the payload of a RecordIO record
};

struct TrainRequest {
  std::string algorithm;
  std::vector<ChannelRequest> channels;
  std::string output;
  bool unpacked_output = false;                  ///< the output is a folder that gets the files of the model
  std::optional<std::string> output_data;        ///< folder for what a run leaves beside its model; absent: with the model
  std::string input_mode = "file";               ///< of channels that do not say
  std::optional<std::string> start_model;        ///< --model
  std::vector<job::Given> hyperparameters;       ///< flags first, then the file's
  CommonSettings common;
  std::optional<std::string> metrics_file;
  std::optional<std::string> depfile;
  std::vector<std::string> other_inputs;         ///< files read on the way here (hyperparameters.json): for the depfile
  std::vector<std::string> arguments;            ///< as typed, for the log
  bool dry_run = false;
  std::optional<std::string> checkpoint_dir;
  std::optional<double> checkpoint_every;        ///< seconds between checkpoints; 0: at every safe point
  std::optional<double> max_runtime;             ///< seconds after which the run stops as on SIGTERM
  std::string checkpoint_temporary_suffix;       ///< ends the names of temporaries in checkpoint_dir
  bool model_on_stop = false;                    ///< a stopped run writes a model of what it has come to
  double grace = 120;                            ///< seconds between a stop and being killed, for model_on_stop
  dist::Communicator* workers = nullptr;         ///< the processes of this run, each of which makes this request; nullptr: one
};

struct TransformRequest {
  std::string model, input, output;
  std::optional<std::string> content_type, accept;
  std::optional<std::string> columns;     ///< names of columns, comma-separated, instead of the plain answer
  std::optional<std::string> top;         ///< so many of the best candidates of each row, a whole number, instead of its answer
  std::optional<std::string> candidates;  ///< with it: FIRST-LAST, the features that stand for them
  bool update = false;                    ///< the model learns from each row when it has answered for it
  std::optional<std::string> updated_model;  ///< with `update`: the tarball that the model goes to at the end
  std::optional<std::string> depfile;
  CommonSettings common;
};

struct ConvertRequest {
  std::string input, output;
  std::optional<std::string> content_type;  ///< of the input
  std::optional<std::string> from;          ///< kind of the input (convert/data_kind.h); else by what it is
  std::optional<std::string> to;            ///< kind or content type of the output; else by suffix
  bool recordio_split = false;
  std::optional<std::string> root;          ///< folder of the images that lists and annotations name
  BoxOptions boxes;
  PrepareOptions prepare;
  ImageOptions images;
  TextOptions text;                         ///< where one side is text
  SeriesOptions series;                     ///< where one side is time series
  std::optional<std::string> depfile;
  CommonSettings common;
};

struct InspectRequest {
  std::string path;
  std::optional<std::string> as;  ///< kind of the data (convert/data_kind.h); else by what it is
  std::optional<std::string> content_type;
  bool json = false;
  bool full = false;     ///< scan everything
  std::optional<std::string> label;  ///< name or number of the column that the others are compared with
  bool tensors = false;  ///< of a model, as JSON: the numbers of each tensor too
  CommonSettings common;
};

/// Each does the work or throws Error; requested text goes to standard output through the console.
void train(const TrainRequest& request, Console& console);
void transform(const TransformRequest& request, Console& console);
void convert(const ConvertRequest& request, Console& console);
void inspect(const InspectRequest& request, Console& console);
/// `info`: build, libraries and where they were loaded from, CPU, devices, threads and memory with their origin.
void info(bool json, const CommonSettings& common, Console& console);

}  // namespace smtrain::run
