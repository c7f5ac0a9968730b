// Compressed input as a stream: gzip and zstd are seen by their first bytes, their checksums verified.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace smtrain::formats {

/// Sequential decompressed bytes of a source. Not thread-safe.
class Decompressor {
 public:
  /// Fills the span as far as there are bytes; fewer only at the end.
  using Source = std::function<std::size_t(std::span<char>)>;

  virtual ~Decompressor() = default;
  /// Fills `into` as far as there are bytes; fewer only at the end. Throws a user Error that says what is wrong with the
  /// compressed data and where: "model.tar.gz: gzip data ends early after 512 bytes". Allocates at most a zstd window
  /// (128 MiB; frames that want a larger one are refused).
  virtual std::size_t read(std::span<char> into) = 0;
  /// "", "gzip" or "zstd".
  virtual std::string kind() const = 0;
};

/// `name` is for messages.
std::unique_ptr<Decompressor> make_decompressor(Decompressor::Source source, std::string name);

}  // namespace smtrain::formats
