#include "formats/parquet/leaf_reader.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "formats/parquet/page_codec.h"
#include "formats/parquet/rle.h"

namespace smtrain::formats::parquet {
namespace {

// Nothing compresses a page further than this; what claims to is damaged, or a bomb. Snappy's limit is 64 : 1 or so, deflate's
// 1032 : 1; zstd has none, but pages are small.
constexpr std::size_t kLargestRatio = 4096, kAlwaysFine = std::size_t{16} << 20;

// What a thread keeps of buffers nobody uses.
constexpr std::size_t kKept = std::size_t{64} << 20;
constexpr std::size_t kSmallestBuffer = std::size_t{64} << 10;

struct Kept {
  std::vector<std::pair<std::unique_ptr<char[]>, std::size_t>> buffers;
  std::size_t bytes = 0;
};

Kept& kept() {
  static thread_local Kept kept;
  return kept;
}

}  // namespace

PageBuffer::~PageBuffer() {
  Kept& k = kept();
  if (memory_ == nullptr || k.bytes + size_ > kKept) return;
  k.bytes += size_;
  k.buffers.emplace_back(std::move(memory_), size_);
}

std::span<char> PageBuffer::resize(std::size_t bytes) {
  if (memory_ != nullptr && size_ >= bytes) return {memory_.get(), size_};
  std::vector<std::pair<std::unique_ptr<char[]>, std::size_t>>& buffers = kept().buffers;
  // The smallest that will do: a small page in a large buffer would leave none for the next large page.
  auto found = buffers.end();
  for (auto buffer = buffers.begin(); buffer != buffers.end(); ++buffer) {
    if (buffer->second >= bytes && (found == buffers.end() || buffer->second < found->second)) found = buffer;
  }
  if (found != buffers.end()) {
    memory_ = std::move(found->first);
    size_ = found->second;
    kept().bytes -= size_;
    buffers.erase(found);
  } else {
    size_ = std::max(bytes, kSmallestBuffer);
    memory_ = std::make_unique_for_overwrite<char[]>(size_);
  }
  return {memory_.get(), size_};
}

struct LeafReader::Levels {
  RleReader definition, repetition;
};

bool LeafReader::next_header() {
  while (!pages_.empty()) {
    std::size_t used = 0;
    header_ = read_page_header(pages_, used);
    const auto size = static_cast<std::size_t>(header_.compressed_page_size);
    if (size > pages_.size() - used) throw user_error("a page of {} bytes where {} are left", size, pages_.size() - used);
    body_ = pages_.subspan(used, size);
    pages_ = pages_.subspan(used + size);
    if (header_.type == PageType::dictionary) {
      if (has_dictionary_) throw user_error("a column has two dictionaries");
      dictionary_header_ = header_;
      dictionary_body_ = body_;
      has_dictionary_ = true;
    }
    if (header_.type == PageType::data || header_.type == PageType::data_v2) {
      pending_ = true;
      return true;
    }
  }
  return false;
}

bool LeafReader::next_page() {
  if (!pending_ && !next_header()) return false;
  pending_ = false;
  open_page();
  return true;
}

std::span<const char> LeafReader::checked(const PageHeader& header, std::span<const char> body) {
  if (header.crc && *header.crc != crc32_gzip_refl(0, reinterpret_cast<const unsigned char*>(body.data()), body.size())) {
    throw user_error("the checksum of a page is wrong; the file is damaged, copy it again");
  }
  return body;
}

std::span<const char> LeafReader::unpacked(std::span<const char> compressed, std::size_t size, PageBuffer& into) const {
  if (codec_ == Codec::uncompressed) {
    if (compressed.size() != size) throw user_error("a page of {} bytes, expected {}", compressed.size(), size);
    return compressed;
  }
  if (size > kAlwaysFine && size / kLargestRatio > compressed.size()) {
    throw user_error("a page of {} bytes claims to unfold to {}; it is damaged", compressed.size(), size);
  }
  const std::span<char> out = into.resize(size).first(size);
  if (size > 0) decompress_page(codec_, compressed, out);
  return out;
}

void LeafReader::open_dictionary() {
  const PageHeader& header = dictionary_header_;
  const std::span<const char> bytes =
      unpacked(checked(header, dictionary_body_), static_cast<std::size_t>(header.uncompressed_page_size), dictionary_page_);
  dictionary_ = make_dictionary(type_, header.encoding, bytes, static_cast<std::size_t>(header.num_values));
  opened_dictionary_ = true;
}

// Opened for the first page that needs it: the others may be many.
const Dictionary* LeafReader::dictionary() {
  const bool needed = header_.encoding == Encoding::plain_dictionary || header_.encoding == Encoding::rle_dictionary;
  if (!needed || !has_dictionary_) return nullptr;
  if (!opened_dictionary_) open_dictionary();
  return &dictionary_;
}

void LeafReader::open_page() {
  levels_ = std::make_shared<Levels>();
  left_ = static_cast<std::size_t>(header_.num_values);
  if (header_.type == PageType::data) open_v1();
  else open_v2();
}

void LeafReader::open_v1() {
  std::span<const char> bytes =
      unpacked(checked(header_, body_), static_cast<std::size_t>(header_.uncompressed_page_size), page_);
  const auto take_levels = [&](int most, Encoding encoding, const char* what) -> RleReader {
    if (most == 0) return {};
    if (encoding != Encoding::rle)
      throw user_error("{} levels in the encoding {} cannot be read; write the file again", what, name_of(encoding));
    std::uint32_t size = 0;
    if (bytes.size() >= 4) std::memcpy(&size, bytes.data(), 4);
    if (bytes.size() < 4 || size > bytes.size() - 4)
      throw user_error("{} levels of {} bytes in a page of {}", what, size, bytes.size());
    const RleReader reader(bytes.subspan(4, size), bit_width_of(static_cast<unsigned>(most)));
    bytes = bytes.subspan(4 + size);
    return reader;
  };
  levels_->repetition = take_levels(type_.max_repetition, header_.repetition_level_encoding, "repetition");
  levels_->definition = take_levels(type_.max_definition, header_.definition_level_encoding, "definition");
  values_ = make_value_decoder(type_, header_.encoding, bytes, left_, dictionary());
}

// Levels stand before the values, never compressed.
void LeafReader::open_v2() {
  const std::span<const char> bytes = checked(header_, body_);
  const auto repetition = static_cast<std::size_t>(header_.repetition_levels_byte_length);
  const auto definition = static_cast<std::size_t>(header_.definition_levels_byte_length);
  const auto size = static_cast<std::size_t>(header_.uncompressed_page_size);
  if (repetition + definition > std::min(bytes.size(), size)) {
    throw user_error("levels of {} bytes in a page of {}", repetition + definition, bytes.size());
  }
  levels_->repetition = RleReader(bytes.first(repetition), bit_width_of(type_.max_repetition));
  levels_->definition = RleReader(bytes.subspan(repetition, definition), bit_width_of(type_.max_definition));
  std::span<const char> values = bytes.subspan(repetition + definition);
  // A page of nulls alone may have no compressed bytes at all.
  if (header_.is_compressed && !values.empty()) values = unpacked(values, size - repetition - definition, page_);
  values_ = make_value_decoder(type_, header_.encoding, values, left_, dictionary());
}

LeafReader::Entries LeafReader::read(std::size_t n) {
  while (left_ == 0) {
    if (!next_page()) return {};
  }
  Entries out;
  out.count = out.values = std::min({n, left_, kMost});
  const auto take_levels = [&](RleReader& reader, std::uint8_t most, std::vector<std::uint8_t>& levels) {
    levels.resize(kMost);
    reader.read(levels.data(), out.count);
    std::uint8_t largest = 0;
    for (std::size_t i = 0; i < out.count; ++i) largest = std::max(largest, levels[i]);
    if (largest > most)
      throw user_error("the data are damaged: a level above {}", most);
    return levels.data();
  };
  if (type_.max_repetition > 0) out.repetition = take_levels(levels_->repetition, type_.max_repetition, repetition_);
  if (type_.max_definition > 0) {
    out.definition = take_levels(levels_->definition, type_.max_definition, definition_);
    out.values = static_cast<std::size_t>(std::count(out.definition, out.definition + out.count, type_.max_definition));
  }
  out.data = values_->view(out.values);
  if (out.data == nullptr) {
    if (!data_) data_ = std::make_unique_for_overwrite<std::uint64_t[]>(kMost * 2);  // of the largest values, texts
    values_->read(out.values, data_.get());
    out.data = data_.get();
  }
  left_ -= out.count;
  return out;
}

void LeafReader::skip(std::size_t n) {
  while (n > 0) {
    if (left_ == 0) {
      if (!pending_ && !next_header()) throw user_error("a column ends {} rows early", n);
      const auto rows = static_cast<std::size_t>(header_.num_values);
      if (rows <= n) {
        pending_ = false;
        n -= rows;
        continue;
      }
    }
    const Entries passed = read(n);
    n -= passed.count;
  }
}

}  // namespace smtrain::formats::parquet
