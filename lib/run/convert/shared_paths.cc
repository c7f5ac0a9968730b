#include "run/convert/shared_paths.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "formats/image/image_info.h"
#include "formats/image/image_record_writer.h"
#include "formats/io/compress.h"
#include "formats/io/input_files.h"
#include "run/convert/part_plan.h"
#include "run/convert/text_words.h"

namespace smtrain::run {
namespace {

namespace fs = std::filesystem;

struct Use {
  std::string flag, path;
};
using Uses = std::vector<Use>;

bool is_there(const std::string& path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0;
}

// One text for all names of a file; "" for what cannot be overwritten: a pipe, a device.
std::string identity_of(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) == 0)
    return S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) ? fmt::format("{}:{}", status.st_dev, status.st_ino) : "";
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(fs::absolute(path, error), error);
  return error ? path : whole.string();
}

void add(Uses& uses, const char* flag, const std::optional<std::string>& path) {
  if (path && !path->empty() && *path != "-") uses.push_back({flag, *path});
}

void add_vocabulary(Uses& uses, const char* flag, const std::optional<std::string>& path, DataKind to) {
  if (!path) return;
  for (const std::string& file : vocabulary_files(*path, to)) add(uses, flag, file);
}

Uses written(const ConvertRequest& request, const PrepareOptions& prepare, DataKind to) {
  Uses uses;
  for (const std::string& name : prepare.parts() ? plan_parts(prepare).names : std::vector<std::string>{""}) {
    const std::string path = part_path(request.output, name);
    add(uses, "OUT", path);
    if (path != "-" && to == DataKind::image_records && formats::compression_by_suffix(path) == formats::Compression::none)
      add(uses, "the index of OUT", formats::image::index_path(path));
  }
  add(uses, "--manifest", prepare.manifest);
  if (prepare.encodes() && !prepare.apply_encoding) add(uses, "--save-encoding", prepare.encoding_file(request.output));
  add_vocabulary(uses, "--save-vocabulary", request.text.save_vocabulary, to);
  add(uses, "--save-categories", request.series.save_categories);
  add(uses, "--depfile", request.depfile);
  return uses;
}

// What else lies in a folder of images or annotations is not read.
bool is_read(const std::string& path, DataKind from) {
  const std::string name = to_lower(fs::path(path).filename().string());
  const auto has = [&](const char* suffix) { return name.find(suffix) != std::string::npos; };
  switch (from) {
    case DataKind::image_folder:
    case DataKind::masks: return formats::image::has_image_suffix(name);
    case DataKind::image_list: return has(".lst");
    case DataKind::image_records: return has(".rec");
    case DataKind::voc: return has(".xml");
    case DataKind::boxes:
    case DataKind::coco: return has(".json");
    default: return true;
  }
}

void add_files(Uses& uses, const char* flag, const std::string& path, DataKind from) {
  if (path == "-") return;
  if (is_there(path)) uses.push_back({flag, path});  // a folder itself may be the output
  try {
    for (const formats::InputFile& file : formats::expand_path(path)) {
      if (file.path == path || !is_read(file.path, from)) continue;
      uses.push_back({flag, file.path});
    }
  } catch (const Error& error) {
    if (error.fault() != Fault::user) throw;  // the conversion says better what is wrong with its input
  }
}

Uses read(const ConvertRequest& request, const PrepareOptions& prepare, DataKind from, DataKind to) {
  Uses uses;
  add_files(uses, "IN", request.input, from);
  if (from == DataKind::image_records) {
    const Uses records = uses;
    for (const Use& use : records) add(uses, "the index of IN", formats::image::index_path(use.path));
  }
  if (request.text.second) add_files(uses, "--second", *request.text.second, from);
  add(uses, "--stop-words", request.text.stop_words);
  add_vocabulary(uses, "--vocabulary", request.text.vocabulary, to);
  add(uses, "--classes", request.boxes.classes_file);
  add(uses, "--label-map", request.boxes.label_map);
  if (request.boxes.palette != "voc" && request.boxes.palette != "none") add(uses, "--palette", request.boxes.palette);
  add(uses, "--categories-from", request.series.categories_from);
  add(uses, "--apply-encoding", prepare.apply_encoding);
  return uses;
}

}  // namespace

void refuse_shared_paths(const ConvertRequest& request, const PrepareOptions& prepare, DataKind from, DataKind to) {
  const Uses outputs = written(request, prepare, to);
  std::map<std::string, const Use*> taken;
  for (const Use& use : outputs) {
    const std::string identity = identity_of(use.path);
    if (identity.empty()) continue;
    const auto [other, fresh] = taken.emplace(identity, &use);
    if (fresh) continue;
    throw user_error("{} {} and {} {} are the same file, which can hold only one of them; give another name", use.flag,
                     smtrain::quoted(use.path), other->second->flag, smtrain::quoted(other->second->path));
  }
  if (std::none_of(outputs.begin(), outputs.end(), [](const Use& use) { return is_there(use.path); })) return;
  for (const Use& use : read(request, prepare, from, to)) {
    const auto output = taken.find(identity_of(use.path));
    if (output == taken.end()) continue;
    throw user_error("{} {} is read and {} {} is written, and both are the same file; write to another name", use.flag, smtrain::quoted(use.path),
                     output->second->flag, smtrain::quoted(output->second->path));
  }
}

}  // namespace smtrain::run
