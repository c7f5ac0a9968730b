// Where row groups are cut into parts.
#include <algorithm>

#include "base/error.h"
#include "formats/parquet/part_stream.h"

namespace smtrain::formats::parquet {
namespace {

// Rows of a part take memory even where they take no bytes.
constexpr std::uint64_t kMostNumbers = std::uint64_t{1} << 25;
// Pages that are read a second time cost; so do parts that grow large.
constexpr std::uint64_t kWasteShare = 4, kLargestParts = 16;
// No chunk counts for more: sums over columns stay far from overflow, whatever a file claims.
constexpr std::uint64_t kMostWeight = std::uint64_t{1} << 40;

FileRange range_of(const ColumnChunk& chunk) {
  return {static_cast<std::uint64_t>(chunk.begin()), static_cast<std::uint64_t>(chunk.total_compressed_size)};
}

PageHeader header_at(FileBytes& file, std::uint64_t offset, std::uint64_t end, std::size_t& used) {
  constexpr std::size_t kUsual = 1024, kLargest = std::size_t{16} << 20;  // statistics of long texts stand in headers
  const auto read = [&](std::size_t most) {
    return read_page_header(file.read(offset, static_cast<std::size_t>(std::min<std::uint64_t>(end - offset, most))), used);
  };
  try {
    return read(kUsual);
  } catch (const Error&) {
    if (end - offset <= kUsual) throw;
    return read(kLargest);
  }
}

double share_of(std::uint64_t weight, std::uint64_t rows, std::uint64_t of_rows) {
  return static_cast<double>(weight) * static_cast<double>(rows) / static_cast<double>(of_rows);
}

}  // namespace

// By the headers of the pages; nullopt where they do not say how many rows they hold.
std::optional<std::vector<GroupParts::Page>> GroupParts::walk_pages(FileBytes& file, const ColumnChunk& chunk, bool lists) {
  std::vector<Page> pages;
  const FileRange whole = range_of(chunk);
  const std::uint64_t end = whole.offset + whole.bytes;
  std::uint64_t row = 0;
  for (std::uint64_t at = whole.offset; at < end;) {
    std::size_t used = 0;
    const PageHeader header = header_at(file, at, end, used);
    const std::uint64_t bytes = used + static_cast<std::uint64_t>(header.compressed_page_size);
    if (bytes > end - at) throw user_error("a page of {} bytes where {} are left", bytes, end - at);
    const bool v2 = header.type == PageType::data_v2;
    if (v2 || header.type == PageType::data) {
      if (lists && !v2) return std::nullopt;
      pages.push_back(
          {{at, bytes}, row, header.encoding == Encoding::plain_dictionary || header.encoding == Encoding::rle_dictionary});
      row += static_cast<std::uint64_t>(lists ? header.num_rows : header.num_values);
    }
    at += bytes;
  }
  return pages;
}

// By the index of pages, when there is one that fits the column.
std::optional<std::vector<GroupParts::Page>> GroupParts::indexed_pages(FileBytes& file, const ColumnChunk& chunk,
                                                                       std::uint64_t rows) {
  const auto offset = static_cast<std::uint64_t>(chunk.offset_index_offset),
             length = static_cast<std::uint64_t>(chunk.offset_index_length);
  if (offset == 0 || length == 0 || offset > file.size() || length > file.size() - offset) return std::nullopt;
  const FileRange whole = range_of(chunk);
  const std::uint64_t whole_end = whole.offset + whole.bytes;
  std::vector<Page> pages;
  std::uint64_t end = whole.offset;
  for (const PageLocation& location : read_offset_index(file.read(offset, static_cast<std::size_t>(length)))) {
    const Page page{{static_cast<std::uint64_t>(location.offset), static_cast<std::uint64_t>(location.compressed_page_size)},
                    static_cast<std::uint64_t>(location.first_row_index), true};
    const bool ascends = pages.empty() ? page.first_row == 0 : page.first_row > pages.back().first_row;
    if (!ascends || page.first_row >= rows || page.range.offset < end || page.range.offset > whole_end) return std::nullopt;
    end = page.range.offset + page.range.bytes;
    if (end > whole_end) return std::nullopt;
    pages.push_back(page);
  }
  if (pages.empty()) return std::nullopt;
  return pages;
}

GroupParts::GroupParts(FileBytes& file, const Schema& schema, const RowGroup& group, std::uint64_t first_row,
                       const std::vector<std::size_t>& leaves, std::size_t part_bytes)
    : first_row_(first_row), rows_(leaves.empty() ? 0 : static_cast<std::uint64_t>(group.num_rows)) {
  if (rows_ == 0) return;
  std::uint64_t weight = 0;
  for (const std::size_t index : leaves) {
    const ColumnChunk& chunk = group.columns[index];
    const Leaf& leaf = schema.leaves[index];
    Column& column = columns_.emplace_back();
    column.head.type = leaf.type;
    column.head.codec = chunk.codec;
    column.head.name_bytes = static_cast<std::uint32_t>(leaf.name.size());
    column.name = leaf.name;
    column.whole = range_of(chunk);
    column.weight = std::min(static_cast<std::uint64_t>(chunk.total_uncompressed_size), kMostWeight);
    weight += column.weight;
  }
  if (weight > 2 * part_bytes) {
    for (std::size_t i = 0; i < leaves.size(); ++i) find_pages(file, group.columns[leaves[i]], columns_[i]);
  }
  find_cuts(part_bytes);
}

void GroupParts::find_pages(FileBytes& file, const ColumnChunk& chunk, Column& column) const {
  try {
    auto pages = indexed_pages(file, chunk, rows_);
    if (!pages) pages = walk_pages(file, chunk, column.head.type.max_repetition > 0);
    if (!pages || pages->empty()) return;
    column.dictionary = {column.whole.offset, pages->front().range.offset - column.whole.offset};
    column.pages = std::move(*pages);
  } catch (const Error& e) {
    throw Error(e.fault(), fmt::format("column {}: {}", column.name, e.what()));
  }
}

// What of a column has to be read twice when the rows are cut at `row`: a page it lies in, a dictionary of both sides.
std::uint64_t GroupParts::waste_at(const Column& column, std::uint64_t row, std::uint64_t rows) {
  const auto after = std::upper_bound(column.pages.begin(), column.pages.end(), row,
                                      [](std::uint64_t r, const Page& p) { return r < p.first_row; });
  const Page& page = *std::prev(after);
  const std::uint64_t dictionary = page.dictionary ? column.dictionary.bytes : 0;
  if (page.first_row == row) return dictionary;
  const std::uint64_t next = after == column.pages.end() ? rows : after->first_row;
  return dictionary + static_cast<std::uint64_t>(share_of(column.weight, next - page.first_row, rows));
}

// Where the heaviest column's pages begin, unless too many others' do not.
void GroupParts::find_cuts(std::size_t part_bytes) {
  std::uint64_t weight = 0, last = 0;
  for (const Column& column : columns_) weight += column.weight;
  const auto heaviest =
      std::max_element(columns_.begin(), columns_.end(), [](const auto& a, const auto& b) { return a.weight < b.weight; });
  const bool known = std::all_of(columns_.begin(), columns_.end(), [](const Column& c) { return !c.pages.empty(); });
  for (const Page& page : known ? heaviest->pages : std::vector<Page>()) {
    if (page.first_row <= last || page.first_row >= rows_) continue;
    const double bytes = share_of(weight, page.first_row - last, rows_), wanted = static_cast<double>(part_bytes);
    if (bytes < wanted) continue;
    std::uint64_t waste = 0;
    for (const Column& column : columns_) waste += waste_at(column, page.first_row, rows_);
    if (static_cast<double>(waste * kWasteShare) > bytes && bytes < wanted * kLargestParts) continue;
    cuts_.push_back(last = page.first_row);
  }
  cuts_.push_back(rows_);
}

// The pages that hold the rows from at_ on, before `end`.
void GroupParts::add_column(const Column& column, std::uint64_t end, std::vector<ColumnHead>& heads, PlannedPart& part) const {
  ColumnHead& head = heads.emplace_back(column.head);
  head.skip_rows = at_;
  const std::size_t before = part.pages.size();
  if (column.pages.empty()) {
    part.pages.push_back(column.whole);
  } else {
    const auto by_row = [](const Page& page, std::uint64_t row) { return page.first_row < row; };
    const auto last = std::prev(std::lower_bound(column.pages.begin(), column.pages.end(), end, by_row));
    auto begin = std::lower_bound(column.pages.begin(), column.pages.end(), at_, by_row);
    if (begin == column.pages.end() || begin->first_row > at_) --begin;
    head.skip_rows = at_ - begin->first_row;
    if (std::any_of(begin, last + 1, [](const Page& page) { return page.dictionary; })) part.pages.push_back(column.dictionary);
    part.pages.push_back({begin->range.offset, last->range.offset + last->range.bytes - begin->range.offset});
  }
  for (std::size_t i = before; i < part.pages.size(); ++i) head.page_bytes += part.pages[i].bytes;
}

void GroupParts::write_heads(const std::vector<ColumnHead>& heads, std::uint64_t end, PlannedPart& part) const {
  PartHead head;
  head.rows = end - at_;
  head.first_row = first_row_ + at_;
  head.columns = heads.size();
  head.bytes = sizeof head + heads.size() * sizeof(ColumnHead);
  for (const ColumnHead& column : heads) head.bytes += column.name_bytes + column.page_bytes;
  part.heads.assign(reinterpret_cast<const char*>(&head), sizeof head);
  part.heads.append(reinterpret_cast<const char*>(heads.data()), heads.size() * sizeof(ColumnHead));
  for (const Column& column : columns_) part.heads += column.name;
}

bool GroupParts::next(PlannedPart& part) {
  if (cut_ == cuts_.size()) return false;
  const std::uint64_t most_rows = std::max<std::uint64_t>(kMostNumbers / columns_.size(), 1);
  const std::uint64_t end = std::min(cuts_[cut_], at_ + most_rows);
  std::vector<ColumnHead> heads;
  part.pages.clear();
  for (const Column& column : columns_) add_column(column, end, heads, part);
  write_heads(heads, end, part);
  at_ = end;
  if (end == cuts_[cut_]) ++cut_;
  return true;
}

}  // namespace smtrain::formats::parquet
