// Sources: what a channel's data consists of, and which part of it a host reads in an epoch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "run/training_job/request.h"

namespace smtrain::run::training_job {

/// Bytes that are streamed as one: a file, or the text of an augmented manifest's attribute.
struct Piece {
  std::string path;  ///< absolute; "" when `text` is what is meant
  std::string text;
};

/// What is sharded and shuffled: an object, or a line of an augmented manifest.
struct Entry {
  std::string name;           ///< of an object: its path below the channel's folder; of a line: "line 7"
  std::uint64_t bytes = 0;    ///< of an object
  std::vector<Piece> pieces;  ///< one, or one per attribute
};

struct Source {
  std::string prefix;  ///< what the names are relative to, as a URI ending in a slash
  std::optional<std::string> folder;  ///< when the source is one whole folder
  std::vector<Entry> entries;         ///< in listing order: byte-wise by name, or as a manifest lists them

  std::uint64_t bytes() const;
};

/// Looks at the channel's source. A prefix is a folder (its subtree, links followed), a file, or the beginning of several
/// paths (with a note). Manifests are read; `request` resolves their URIs. Throws a user Error when there is no object, when a
/// manifest is not one (with its line), or when two objects would have one name.
Source list_source(const Channel& channel, const TrainingJobRequest& request, Log& log);

/// A permutation of 0 … n-1 by a counter-based Fisher-Yates shuffle: of seed, channel and epoch alone.
std::vector<std::size_t> shuffled(std::size_t n, std::uint64_t seed, const std::string& channel, std::int64_t epoch);

/// The entries that host `host` of `hosts` reads in an epoch, in order: entry i of the epoch's order goes to host i mod hosts
/// where the channel is sharded; all hosts get all where it is not.
std::vector<std::size_t> entries_of(const Channel& channel, std::size_t entries, std::size_t host, std::size_t hosts,
                                    std::int64_t epoch);

}  // namespace smtrain::run::training_job
