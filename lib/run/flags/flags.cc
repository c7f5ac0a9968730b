#include "run/flags/flags.h"

#include <algorithm>

#include "algos/registry.h"
#include "formats/content_type.h"
#include "run/convert/data_kind.h"
#include "run/convert/series_options.h"
#include "run/convert/text_options.h"
#include "run/flags/flag_words.h"

namespace smtrain::run {
namespace {

using namespace flag_words;

// ---- flags that several subcommands have ----------------------------------------------------------------------------------

const char* const kTypeHelp = "Guessed from the suffix, then from the first bytes, when absent.";

// Of everything that is a table of numbers; CSV also as most files are, without a label.
std::vector<std::string> content_types() {
  std::vector<std::string> types;
  for (const formats::Format format : formats::all_formats()) {
    if (!formats::is_table(format)) continue;
    types.emplace_back(formats::mime_type(format));
    if (format == formats::Format::csv) types.emplace_back(types.back() + ";label_size=0");
  }
  return types;
}

std::vector<std::string> content_types_and_kinds() {
  std::vector<std::string> all = content_types();
  const std::vector<std::string> kinds = data_kind_names();
  all.insert(all.end(), kinds.begin(), kinds.end());
  return all;
}

Flag input_type() {
  return suggesting(content_types(), flag("content-type", FlagValue::text, "TYPE",
                                          std::string("Content type of the input, such as \"text/csv;label_size=0\". ") + kTypeHelp));
}

Flag depfile() {
  return flag("depfile", FlagValue::path, "FILE", "Writes a make rule that names the output and every file that was read.");
}

Flag dry_run() { return flag_switch("dry-run", "Checks hyperparameters, channels and first records, and trains nothing."); }

Flag json_switch() { return flag_switch("json", "Prints JSON instead of text; fields are added over time, never renamed."); }

// ---- training --------------------------------------------------------------------------------------------------------------

Flag channel_flag(const job::ChannelSpec& channel) {
  Flag f = flag(channel.name, FlagValue::path, "PATH", channel.help);
  f.required = channel.required;
  return f;
}

std::vector<Flag> channel_flags(const job::Description& d) {
  std::vector<Flag> flags;
  for (const job::ChannelSpec& channel : d.channels) flags.push_back(channel_flag(channel));
  flags.push_back(repeatable(
      flag("channel", FlagValue::text, "NAME=PATH[,type=TYPE][,mode=file|pipe][,distribution=sharded|replicated]",
           "A channel with its own content type, input mode and distribution. A comma of the path that stands before one of "
           "these keys is doubled.")));
  flags.push_back(repeatable(suggesting(
      content_types(), flag("content-type", FlagValue::text, "[NAME=]TYPE",
                            std::string("Content type of all channels or of one, such as \"text/csv;label_size=0\". ") + kTypeHelp))));
  flags.push_back(choice_flag("input-mode", {"file", "pipe"}, "file",
                              "How channels are read: files, or FIFOs PATH_0, PATH_1, ..., one per epoch."));
  return flags;
}

std::vector<Flag> run_flags() {
  return {required(letter('o', flag("output", FlagValue::path, "PATH",
                                    "The model: model.tar.gz, model.tar.zst or model.tar, by suffix."))),
          flag("model", FlagValue::path, "PATH", "Starts from this model instead of afresh."),
          flag("hyperparameters", FlagValue::path, "FILE",
               "A JSON object of names and values, as the service's hyperparameters.json; flags come before it."),
          flag("metrics", FlagValue::path, "FILE", "Appends every metric as a line of JSON while training."),
          flag("checkpoint-dir", FlagValue::path, "DIR",
               "Keeps checkpoints in this folder; the same command goes on from the newest one. Each run has a folder of its own."),
          with_default("10m", flag("checkpoint-every", FlagValue::duration, "DURATION",
                                   "Time between two checkpoints, such as 90s or 10m; 0 writes one after every mini-batch.")),
          flag("max-runtime", FlagValue::duration, "DURATION",
               "Stops after this time with a checkpoint and exit code 75. With --checkpoint-dir under Slurm, the job's end less a "
               "minute when absent."),
          depfile(),
          dry_run()};
}

Subcommand training(const job::Algorithm& algorithm) {
  const job::Description& d = algorithm.description();
  Subcommand s;
  s.name = d.name;
  s.aliases = d.aliases;
  s.summary = d.summary;
  s.usage = "smtrain " + d.name;
  for (const job::ChannelSpec& channel : d.channels) {
    if (channel.required) s.usage += " --" + channel.name + " PATH";
  }
  for (const job::Hyperparameter& h : d.hyperparameters.entries()) {
    if (h.required) s.usage += " --" + h.name + " VALUE";
  }
  s.usage += " -o MODEL [options]";
  s.about = d.about;
  s.flags = channel_flags(d);
  for (Flag& f : run_flags()) s.flags.push_back(std::move(f));
  s.examples = d.examples;
  s.algorithm = &algorithm;
  return s;
}

std::vector<Flag> job_flags() {
  return {flag("job", FlagValue::path, "FILE", "Runs this CreateTrainingJob request. Relative paths in it start at its folder."),
          repeatable(flag("map", FlagValue::text, "URI=FOLDER", "Where a URI prefix such as s3://bucket/prefix lies on this machine.")),
          flag("stop", FlagValue::path, "FOLDER", "Asks the runner of the job in FOLDER to stop it, and returns."),
          flag_switch("overwrite", "Removes an earlier job of that name first."),
          flag_switch("lenient", "Notes unknown fields of the request instead of refusing them."),
          flag_switch("split-records", "Lets hosts share the records of files where there are fewer files than hosts (File mode)."),
          flag("exec", FlagValue::text, "PREFIX",
               "Runs the request's image by this command, such as \"apptainer exec image.sif\", with the tree at /opt/ml; {root} is the tree."),
          flag("workdir", FlagValue::path, "FOLDER", "Where the trees of the hosts are made. SMTRAIN_WORKDIR, else the job's folder, by default."),
          flag("checkpoint-every", FlagValue::duration, "DURATION", "Time between two checkpoints of a built-in algorithm."),
          flag_switch("iso-times", "Writes times of the description as ISO 8601."),
          flag("metrics", FlagValue::path, "FILE", "Appends every metric of the job as a line of JSON, as its own metrics.jsonl does."),
          depfile()};
}

Subcommand train() {
  Subcommand s;
  s.name = "train";
  s.summary = "Trains as the program of a training container does, or runs a training job";
  s.usage = "smtrain train [--root DIR] | --job FILE | --stop FOLDER [options]";
  s.about = {"Without --job: reads hyperparameters, channels and hosts below DIR/input, trains, and leaves the files of the model in DIR/model. What "
             "made it fail is in DIR/output/failure. An image whose entry point is smtrain is a training image.",
             "The algorithm is the one that the variable SMTRAIN_ALGORITHM names, else the hyperparameter smtrain_algorithm, else "
             "the name of the program: a link kmeans to smtrain trains k-means.",
             "The log is the service's own unless --log-format says otherwise.",
             "With --job: runs a CreateTrainingJob request whose URIs are paths or file:// URIs: a built-in algorithm, or a program of "
             "your own in the tree that it would find in the cloud. Logs, metrics, description and artifacts go to a folder of the job's "
             "name below S3OutputPath. The same command goes on with a job that was stopped with a checkpoint."};
  s.flags = {with_default("/opt/ml", flag("root", FlagValue::path, "DIR",
                                          "The tree. The variable SAGEMAKER_BASE_DIR changes the default.")),
             with_default("120s", flag("grace", FlagValue::duration, "TIME",
                                       "What SIGTERM leaves for writing the model and a checkpoint; the program of a job is killed then. SMTRAIN_GRACE changes "
                                       "the default.")),
             dry_run()};
  for (Flag& f : job_flags()) s.flags.push_back(std::move(f));
  s.examples = {{"a tree with one channel, and k-means in it",
                 "mkdir -p job/input/config job/input/data/train && cp points.csv job/input/data/train && "
                 "echo '{\"k\": \"4\"}' > job/input/config/hyperparameters.json && "
                 "SMTRAIN_ALGORITHM=kmeans smtrain train --root job"},
                {"the same, checked only", "SMTRAIN_ALGORITHM=kmeans smtrain train --root job --dry-run"},
                {"a training job, into results/points", "smtrain train --job kmeans.job.json --overwrite"}};
  return s;
}

// ---- the other subcommands --------------------------------------------------------------------------------------------------

Subcommand transform() {
  Subcommand s;
  s.name = "transform";
  s.summary = "Answers the records of a file with a trained model";
  s.usage = "smtrain transform --model TARBALL --input PATH --output PATH [options]";
  s.about = {"Answers come in the order of the records, as JSON Lines unless --accept says otherwise.",
             "The model may be one that smtrain wrote or one that the service wrote."};
  s.flags = {required(flag("model", FlagValue::path, "TARBALL", "The model.")),
             required(flag("input", FlagValue::path, "PATH", "A file, a folder, a glob, or - for standard input.")),
             required(letter('o', flag("output", FlagValue::path, "PATH", "The answers; - for standard output."))),
             suggesting({"application/jsonlines", "application/json", "text/csv", "application/x-recordio-protobuf"},
                        flag("accept", FlagValue::text, "TYPE",
                             "Content type of the answers: application/jsonlines when absent, but text/csv of xgboost. With \"; verbose=true\" "
                             "behind it some models say more, such as the neighbours of knn.")),
             input_type(),
             flag("columns", FlagValue::text, "NAME,NAME",
                  "What the answers hold, in this order, of models that have a choice; a wrong name lists it. By default what "
                  "SAGEMAKER_INFERENCE_OUTPUT says, or what the service answers."),
             flag("top", FlagValue::integer, "N",
                  "Ranks the candidates for each row instead: the N best and their scores, best first. Of models of interactions, such as "
                  "factorization machines."),
             flag("candidates", FlagValue::text, "FIRST-LAST",
                  "With --top: the features that stand for things to choose from, by number from 0; each in turn is set to 1. What the rows "
                  "hold of them themselves is left out."),
             flag_switch("update", "Learns from each row when it has been answered for, in their order. Of models of rcf."),
             flag("updated-model", FlagValue::path, "TARBALL", "With --update: where the model goes that has learnt; it may replace the one given."),
             depfile()};
  s.examples = {{"the cluster of each row, as JSON Lines",
                 "smtrain transform --model points.model.tar.gz --input points-test.csv "
                 "--content-type \"text/csv;label_size=0\" --output clusters.jsonl"},
                {"as CSV, from standard input to standard output",
                 "smtrain transform --model points.model.tar.gz --input - --output - --accept text/csv "
                 "--content-type \"text/csv;label_size=0\" < points-test.csv"},
                {"the three films that suit the user of each row best, of a model of ratings",
                 "smtrain transform --model ratings.model.tar.gz --input ratings-request.json --top 3 --candidates 40-64 "
                 "--output best.jsonl"},
                {"what is odd in the hours that follow a series, whose forest learns them as they come",
                 "smtrain transform --model load.forest.tar.gz --input load-next.csv --content-type \"text/csv;label_size=0\" --update "
                 "--updated-model load.next.tar.gz --columns score,predicted_anomaly --output odd.jsonl"}};
  return s;
}

std::vector<Flag> annotation_flags() {
  return {flag("root", FlagValue::path, "DIR", "Folder of the images that a list or annotations name; sizes are then checked against them."),
          flag("classes", FlagValue::path, "FILE", "Names of the classes, a line each, from 0."),
          choice_flag("voc-origin", {"1", "0"}, "1", "Whether VOC corners number pixels from 1, the last one inside, or are coordinates from 0."),
          flag_switch("drop-difficult", "Leaves out boxes that are difficult (VOC) or crowds (COCO)."),
          flag("attribute-names", FlagValue::text, "NAME,NAME",
               "Attributes of an augmented manifest, the image first, then the label. Guessed from its first line when absent."),
          repeatable(flag("map", FlagValue::text, "URI=FOLDER", "Where a URI prefix such as s3://bucket/prefix lies on this machine.")),
          flag("ref-prefix", FlagValue::text, "URI", "What the references of a manifest begin with, instead of paths from where it lies."),
          flag("label-map", FlagValue::path, "FILE", "A label map of segmentation masks, {\"scale\": N} or {\"map\": {\"LABEL\": PIXEL}}, applied."),
          flag("palette", FlagValue::text, "voc|none|FILE",
               "Colours of the masks written: VOC's, grey, or those of a file of lines R G B NAME. Masks of RGB become indices by them.")};
}

std::vector<Flag> column_flags() {
  return {flag("label", FlagValue::text, "COLUMN",
               "Of a CSV: the label, which comes first in the output; classes that are text are numbered. Of texts: their labels."),
          flag("columns", FlagValue::text, "COLUMNS",
               "Of a CSV: only these features, as in age,3,5-9: names of the header, or numbers from 0."),
          flag("drop", FlagValue::text, "COLUMNS", "Of a CSV: all columns but these."),
          flag("one-hot", FlagValue::text, "COLUMNS|all",
               "A feature of 0 or 1 for each category of these columns; all: of those that hold text."),
          flag("ordinal", FlagValue::text, "COLUMNS|all", "The number of the category instead, in the order of the categories."),
          repeatable(flag("missing", FlagValue::text, "[COLUMN=]RULE",
                          "What becomes of missing values: refuse, drop (the record), mean, median, nan or a number; +indicator adds a "
                          "feature that tells.")),
          repeatable(flag("missing-text", FlagValue::text, "TEXT",
                          "A text that means a missing value, such as \"?\"; the empty field, NA, N/A, NaN and null do.")),
          flag("save-encoding", FlagValue::path, "FILE", "Where the encoding goes; OUT.encoding.json when absent."),
          flag("apply-encoding", FlagValue::path, "FILE", "Encodes new data as an earlier run did.")};
}

std::vector<Flag> part_flags() {
  return {flag_switch("shuffle", "Puts the records in random order (--seed), by way of scratch where they do not fit in memory."),
          flag("split", FlagValue::text, "NAME=SHARE,...",
               "Parts the records at random (--seed), as in train=0.8,test=0.2, into OUT with -NAME before the suffix, or NAME for {}."),
          flag("folds", FlagValue::integer, "K", "K equal parts at random, fold0, fold1, ...."),
          flag("shards", FlagValue::integer, "N", "N equal parts, record by record in turn, 00000, 00001, ...."),
          flag("tail", FlagValue::integer, "N",
               "Parts train and test: of DeepAR series, all but the last N values, and whole series; of other records, all but the last "
               "N, and those."),
          flag("stratify", FlagValue::text, "COLUMN",
               "--split and --folds keep the shares for each value of this column: a name, a number from 0, or label; a member of JSON "
               "Lines."),
          flag("group", FlagValue::text, "COLUMN", "Records that are equal in this column stay together in one part."),
          flag("manifest", FlagValue::path, "FILE", "Writes a ManifestFile that lists the shards.")};
}

std::vector<Flag> image_flags() {
  return {flag("resize", FlagValue::integer, "N", "Images get a shorter side of N pixels; they are turned upright by EXIF and encoded anew."),
          flag_switch("center-crop", "Images become the square in their middle."),
          choice_flag("encoding", {"jpg", "png"}, "", "Images are encoded anew, as that."),
          flag("quality", FlagValue::integer, "N", "Of JPEG, 1 to 100, default 95; of PNG the level of compression, 0 to 9, default 6."),
          flag_switch("pass-through", "Images keep their bytes. The default when nothing of the above is said."),
          flag_switch("pack-label", "A single label is written as a vector of one, as several labels are."),
          flag_switch("no-shuffle", "A folder of images is listed in the order of its names instead of a shuffled one (--seed)."),
          with_default("0", flag("skip-bad-images", FlagValue::integer, "N", "Leaves out up to N images that cannot be read.")),
          with_default("178956970", flag("max-image-pixels", FlagValue::integer, "N", "An image of more pixels is refused before memory is taken for it."))};
}

std::vector<std::string> about_convert() {
  return {"Reads and writes tables as CSV, libsvm, recordIO-protobuf, JSON Lines, Parquet, NumPy arrays and Matrix Market. A suffix .gz or .zst of the output compresses it; "
          "compressed input is recognised by its content.",
          "A CSV whose content type has no label_size keeps every column as a feature. One with text, gaps or columns to spare is "
          "encoded: --label, --columns, --drop, --one-hot, --ordinal, --missing; the encoding is saved and can be applied again.",
          "--shuffle, --split, --folds and --shards order and part records; where the format stays, records are copied as they stand.",
          "Boxes become each other in five forms: the service's JSON per image, Pascal VOC, COCO, augmented manifests, and the labels of "
          "detection lists and records. Masks of segmentation get label maps and palettes (--from masks). Where a form does not show by "
          "itself, --from and --to name it.",
          "Of a model tarball the coefficients, the only matrix, or the tensor named with --to \"text/csv;tensor=NAME\", becomes a "
          "table: the weights of linear-learner under the names of their features, the centres of k-means.",
          "Texts (lines, columns of CSV and TSV, members of JSON Lines, files of a folder) become BlazingText's lines, counts of words for "
          "NTM and LDA in any format of tables, Object2Vec's pairs and seq2seq's records; the vocabulary that numbers the words is saved "
          "with one data set and used for the others.",
          "Tables of time series, long (a row per series and time), wide (a column per series) or a row per series, become DeepAR's "
          "records, points without a row missing ones; and back."};
}

std::vector<job::Example> examples_of_convert() {
  return {{"CSV without labels to the service's protobuf records",
           "smtrain convert points.csv points.pbr --content-type \"text/csv;label_size=0\""},
          {"and back to JSON Lines on standard output", "smtrain convert points.pbr - --to application/jsonlines"},
          {"a fifth for tests, in random order", "smtrain convert points.csv shuffled.csv --shuffle --split train=0.8,test=0.2"},
          {"counts of the words of titles and texts, and the vocabulary",
           "smtrain convert news.csv news.pbr --to counts --text title,text --vocabulary-size 5000 --save-vocabulary vocab.txt"},
          {"a table of sales by day to DeepAR's records",
           "smtrain convert sales.csv sales.json --to deepar --series item --time date --value sold"}};
}

Subcommand convert() {
  Subcommand s;
  s.name = "convert";
  s.summary = "Converts data files between formats";
  s.usage = "smtrain convert IN OUT [--to TYPE] [options]";
  s.about = about_convert();
  s.positionals = {required(flag("IN", FlagValue::path, "IN", "A file, a folder, a glob, or - for standard input.")),
                   required(flag("OUT", FlagValue::path, "OUT", "The output; - for standard output."))};
  s.flags = {suggesting(content_types_and_kinds(), flag("to", FlagValue::text, "TYPE",
                                              "Content type of the output, or the kind of data. By the output's suffix when absent.")),
             suggesting(data_kind_names(), flag("from", FlagValue::text, "KIND",
                                                "What the input is, where it cannot be told by itself.")),
             input_type(),
             flag_switch("recordio-split", "Cuts recordIO records in which the magic word occurs, as MXNet's writer does."),
             depfile()};
  for (const auto flags_of : {annotation_flags, column_flags, part_flags, image_flags, text_flags, series_flags}) {
    for (Flag& f : flags_of()) s.flags.push_back(std::move(f));
  }
  s.examples = examples_of_convert();
  return s;
}

Subcommand inspect() {
  Subcommand s;
  s.name = "inspect";
  s.summary = "Shows what is in a data file or a model";
  s.usage = "smtrain inspect PATH [options]";
  s.about = {"Of a table: format, rows, columns, labels, ranges, missing cells, what is wrong and where, and which algorithms take it as it is; "
             "where columns hold text, the kind of each column and the command that makes numbers of them. Of series, texts, images and "
             "annotations what they hold. Of a model: algorithm, hyperparameters, metrics, tensors and facts."};
  s.positionals = {required(flag("PATH", FlagValue::path, "PATH", "A data file, or a model tarball of smtrain or the service."))};
  s.flags = {input_type(),
             suggesting(data_kind_names(), flag("as", FlagValue::text, "KIND", "What the data is, where it cannot be told by itself.")),
             flag_switch("full", "Reads everything instead of the first records."),
             flag("label", FlagValue::text, "COLUMN",
                  "Name or number of the column whose correlation with each other one is shown. The label when the data has one."),
             json_switch(),
             flag_switch("tensors", "With --json, of a model: the numbers of each tensor too.")};
  s.examples = {{"a data file", "smtrain inspect points.csv --content-type \"text/csv;label_size=0\""},
                {"what goes with its last column", "smtrain inspect points.csv --content-type \"text/csv;label_size=0\" --label 2"},
                {"a model, as JSON", "smtrain inspect points.model.tar.gz --json"}};
  return s;
}

Subcommand algorithms() {
  std::vector<std::string> tasks, data;
  for (const job::Algorithm* a : algos::all()) {
    const job::Description& d = a->description();
    tasks.insert(tasks.end(), d.tasks.begin(), d.tasks.end());
    data.insert(data.end(), d.data.begin(), d.data.end());
  }
  for (auto* names : {&tasks, &data}) {
    std::sort(names->begin(), names->end());
    names->erase(std::unique(names->begin(), names->end()), names->end());
  }
  Subcommand s;
  s.name = "algorithms";
  s.summary = "Lists the algorithms, by task and kind of data";
  s.usage = "smtrain algorithms [--task TASK] [--data KIND] [--json]";
  s.about = {"With --json, each algorithm comes with its specification as the service's CreateAlgorithm takes it."};
  s.flags = {suggesting(tasks, flag("task", FlagValue::text, "TASK", "Only algorithms for this task.")),
             suggesting(data, flag("data", FlagValue::text, "KIND", "Only algorithms for this kind of data.")), json_switch()};
  s.examples = {{"all of them", "smtrain algorithms"},
                {"hyperparameters, ranges and metrics for programs", "smtrain algorithms --task clustering --json"}};
  return s;
}

Subcommand info() {
  Subcommand s;
  s.name = "info";
  s.summary = "Shows the build, the libraries and what the machine offers";
  s.usage = "smtrain info [--json]";
  s.about = {"Build flags, versions of the libraries and where each was loaded from, CPU features, devices, threads and memory "
             "with the place each number came from."};
  s.flags = {json_switch()};
  s.examples = {{"for people", "smtrain info"}, {"for programs", "smtrain info --json"}};
  return s;
}

Subcommand completion() {
  Subcommand s;
  s.name = "completion";
  s.summary = "Prints a completion script for a shell";
  s.usage = "smtrain completion bash|zsh|fish";
  s.about = {"The script knows subcommands, flags, hyperparameters and their values. Load it with \"source\", or save it where "
             "the shell looks: for bash as share/bash-completion/completions/smtrain, for zsh as _smtrain in a folder of fpath, "
             "for fish as completions/smtrain.fish."};
  s.positionals = {required(choice_flag("SHELL", {"bash", "zsh", "fish"}, "", "The shell."))};
  s.positionals[0].metavar = "SHELL";
  s.examples = {{"into a bash session", "source <(smtrain completion bash)"},
                {"into a file for zsh", "smtrain completion zsh > _smtrain"}};
  return s;
}

Subcommand version() {
  Subcommand s;
  s.name = "version";
  s.summary = "Prints the version in one line";
  s.usage = "smtrain version";
  s.about = {"More about the build is in smtrain info."};
  s.examples = {{"as a subcommand", "smtrain version"}, {"as a flag", "smtrain --version"}};
  return s;
}

Subcommand documents() {
  Subcommand s;
  s.name = "documents";
  s.summary = "Writes man pages, reference pages and completion scripts";
  s.usage = "smtrain documents DIR";
  s.about = {"Writes man/, doc/reference/ and completions/ below DIR, as they are installed below share/."};
  s.positionals = {required(flag("DIR", FlagValue::path, "DIR", "The folder; made when it is not there."))};
  s.examples = {{"all of them", "smtrain documents documents"}, {"where an installation keeps them", "smtrain documents share"}};
  return s;
}

std::vector<Subcommand> make_subcommands() {
  std::vector<Subcommand> all;
  for (const job::Algorithm* algorithm : algos::all()) all.push_back(training(*algorithm));
  for (auto* make : {train, transform, convert, inspect, algorithms, info, completion, version, documents}) all.push_back(make());
  return all;
}

std::string plain(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

}  // namespace

std::span<const Subcommand> subcommands() {
  static const std::vector<Subcommand> all = make_subcommands();
  return all;
}

const Subcommand* find_subcommand(std::string_view name) {
  const std::string wanted = plain(name);
  for (const Subcommand& s : subcommands()) {
    if (s.name == wanted) return &s;
    if (std::find(s.aliases.begin(), s.aliases.end(), wanted) != s.aliases.end()) return &s;
  }
  return nullptr;
}

std::vector<std::string> subcommand_names() {
  std::vector<std::string> names;
  for (const Subcommand& s : subcommands()) names.push_back(s.name);
  return names;
}

}  // namespace smtrain::run
