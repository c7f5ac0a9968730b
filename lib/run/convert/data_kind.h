// What data is, beyond its format: decides which conversion serves.
#pragma once

#include <string>
#include <vector>

#include "run/requests.h"

namespace smtrain::run {

enum class DataKind {
  table,          ///< rows of numbers, in any format of tables
  model,          ///< a model tarball
  documents,      ///< text, a document per line
  sentences,      ///< BlazingText's lines, with or without __label__ words
  translations,   ///< seq2seq's records of token ids
  pairs,          ///< Object2Vec's pairs of token ids
  counts,         ///< word counts by document, a table for NTM and LDA
  series,         ///< DeepAR's records
  image_folder,   ///< images, a class per folder
  image_list,     ///< .lst
  image_records,  ///< .rec of MXNet
  manifest,       ///< augmented manifest, JSON Lines
  boxes,          ///< the service's JSON per image
  voc,            ///< Pascal VOC's XML per image
  coco,           ///< COCO's one JSON
  masks,          ///< segmentation masks, PNG per image
};

/// "boxes", as --from and --to name it.
const char* name_of(DataKind kind);
/// "boxes as JSON per image", for messages.
const char* words_for(DataKind kind);
std::vector<std::string> data_kind_names();

/// By --from; else by what lies at the path. Throws a user Error that lists the kinds for an unknown name.
DataKind input_kind(const ConvertRequest& request);

/// By --to when it names a kind; else by the output's suffix, in the light of what comes in.
DataKind output_kind(const ConvertRequest& request, DataKind input);

}  // namespace smtrain::run
