// What of a conversion is preparation: columns, encodings, order, parts. Private to conversions and cmd/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "formats/encoding/encoding_plan.h"

namespace smtrain::run {

struct PrepareOptions {
  formats::EncodingPlan encoding;
  std::optional<std::string> save_encoding, apply_encoding;

  bool shuffle = false;
  std::optional<std::string> split;     ///< "train=0.8,test=0.2"
  std::optional<std::int64_t> folds, shards, tail;
  std::optional<std::string> stratify, group;
  std::optional<std::string> manifest;

  /// Whether a CSV is to be read as text and encoded.
  bool encodes() const {
    const formats::EncodingPlan& p = encoding;
    return p.columns || p.drop || p.label || p.one_hot || p.ordinal || !p.missing.empty() || !p.missing_texts.empty() ||
           save_encoding || apply_encoding;
  }
  /// Where an encoding that is found goes; "" for nowhere: standard output and parts with paths of their own have no place beside them.
  std::string encoding_file(const std::string& output) const {
    if (save_encoding) return *save_encoding;
    return output == "-" || output.find("{}") != std::string::npos ? "" : output + ".encoding.json";
  }
  /// Whether there is more than one output.
  bool parts() const { return split || folds || shards || tail; }
  bool any() const { return encodes() || shuffle || parts() || stratify || group || manifest; }
};

}  // namespace smtrain::run
