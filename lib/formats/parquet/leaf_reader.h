// LeafReader: the pages of one leaf column, as levels and values.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "formats/parquet/metadata.h"
#include "formats/parquet/schema.h"
#include "formats/parquet/value_decoder.h"

namespace smtrain::formats::parquet {

/// Memory for a page, not cleared, from a few that a thread keeps: fresh memory costs more than decompressing into it. One
/// thread.
class PageBuffer {
 public:
  PageBuffer() = default;
  PageBuffer(PageBuffer&&) = default;
  PageBuffer& operator=(PageBuffer&&) = default;
  ~PageBuffer();
  /// At least so many bytes, whose content is lost.
  std::span<char> resize(std::size_t bytes);

 private:
  std::unique_ptr<char[]> memory_;
  std::size_t size_ = 0;
};

/// Reads pages that follow each other, a dictionary page perhaps first. Sizes in them are checked before anything is allocated; a
/// page's checksum too, when it has one. One thread.
class LeafReader {
 public:
  static constexpr std::size_t kMost = 1024;

  /// Some entries of one page: one per row where there are no lists.
  struct Entries {
    std::size_t count = 0;
    std::size_t values = 0;                      ///< those whose definition level is max_definition
    const std::uint8_t* definition = nullptr;    ///< null when max_definition is 0
    const std::uint8_t* repetition = nullptr;    ///< null when max_repetition is 0
    const void* data = nullptr;  ///< `values` of them, as value_size() has it; numbers not aligned; valid until the next call
  };

  /// `pages` must outlive it.
  LeafReader(const LeafType& type, Codec codec, std::span<const char> pages) : type_(type), codec_(codec), pages_(pages) {}

  /// The next entries, at most min(n, kMost), fewer where a page ends; count is 0 behind the last page. Throws user Errors
  /// without a place.
  Entries read(std::size_t n);
  /// Passes over n entries; whole pages unseen. For leaves without lists, whose entries are rows. Throws when there are fewer.
  void skip(std::size_t n);

  const LeafType& type() const { return type_; }

 private:
  bool next_page();
  bool next_header();
  static std::span<const char> checked(const PageHeader& header, std::span<const char> body);
  std::span<const char> unpacked(std::span<const char> compressed, std::size_t size, PageBuffer& into) const;
  void open_dictionary();
  const Dictionary* dictionary();
  void open_page();
  void open_v1();
  void open_v2();

  const LeafType type_;
  const Codec codec_;
  std::span<const char> pages_;  // from the page that follows the one at hand

  PageHeader header_;
  std::span<const char> body_;   // of that page, as stored
  bool pending_ = false;         // a data page's header is read, the page not opened
  PageBuffer page_, dictionary_page_;
  Dictionary dictionary_;
  PageHeader dictionary_header_;
  std::span<const char> dictionary_body_;  // until a page needs it
  bool has_dictionary_ = false, opened_dictionary_ = false;

  struct Levels;
  std::shared_ptr<Levels> levels_;
  std::unique_ptr<ValueDecoder> values_;
  std::size_t left_ = 0;         // entries of the page
  std::vector<std::uint8_t> definition_, repetition_;
  std::unique_ptr<std::uint64_t[]> data_;
};

}  // namespace smtrain::formats::parquet
