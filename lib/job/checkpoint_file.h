// One checkpoint as bytes. All numbers little-endian:
//
//   0    8  "SMTCKPT\n"
//   8    4  version of the format, 1
//   12   4  number of entries
//   16   8  E, length of the entries in bytes
//   24   8  T, length of the tensors in bytes
//   32   E  entries: kind (1: 'f' fact, 's' soft fact, 'i' integer, 'd' double, 't' text), length of the name (4), the name,
// length of
//           the value (4), the value (i and d: 8 bytes)
//   32+E T  the tensors as safetensors
//   ...  4  CRC-32 of everything before
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "job/state.h"

namespace smtrain::job {

/// What a run is, so that its checkpoint serves no other: names as the user knows them, and their values.
struct Identity {
  std::map<std::string, std::string> facts;  ///< must agree: algorithm, hyperparameters, seed, start model, data, ...
  std::map<std::string, std::string> soft;   ///< may differ, then the result's last bits do: kernels, device, version

  /// "hyperparameter k: 10 in the checkpoint, 12 now" for each fact that differs or that only one of both has. Facts whose names
  /// begin with `found_later` are compared only where both have them.
  std::vector<std::string> differences(const Identity& saved, std::string_view found_later) const;
  std::vector<std::string> soft_differences(const Identity& saved) const;
};

struct Checkpoint {
  Identity identity;
  State state;
};

/// The same checkpoint gives the same bytes.
std::string write_checkpoint(const Checkpoint& checkpoint);

/// Lengths are checked against the bytes there are before anything is allocated. Throws a user Error that begins with `name` and
/// says what is wrong: no checkpoint, cut short, damaged (the checksum covers every byte), a newer format.
Checkpoint read_checkpoint(std::string_view bytes, const std::string& name);

}  // namespace smtrain::job
