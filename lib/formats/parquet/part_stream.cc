#include "formats/parquet/part_stream.h"

#include <algorithm>

#include "base/error.h"
#include "formats/parquet/page_codec.h"

namespace smtrain::formats::parquet {

std::uint64_t PlannedPart::bytes() const {
  std::uint64_t total = heads.size();
  for (const FileRange& range : pages) total += range.bytes;
  return total;
}

FileSummary checked_summary(const FileMetadata& metadata, std::uint64_t file_size) {
  FileSummary summary{make_schema(metadata.schema), 0, metadata.row_groups.size(), metadata.created_by};
  const std::vector<Leaf>& leaves = summary.schema.leaves;
  for (const RowGroup& group : metadata.row_groups) {
    if (group.columns.size() != leaves.size())
      throw user_error("a row group of {} columns, expected {}", group.columns.size(), leaves.size());
    summary.rows += static_cast<std::uint64_t>(group.num_rows);
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      const ColumnChunk& chunk = group.columns[i];
      const auto begin = static_cast<std::uint64_t>(chunk.begin()),
                 size = static_cast<std::uint64_t>(chunk.total_compressed_size);
      if (begin > file_size || size > file_size - begin) {
        throw user_error("column {}: {} bytes at {} in a file of {}; it is damaged", leaves[i].name, size, begin, file_size);
      }
      if (chunk.type != leaves[i].type.type) throw user_error("column {}: its type is not that of the schema", leaves[i].name);
      if (leaves[i].type.max_repetition == 0 && chunk.num_values != group.num_rows) {
        throw user_error("column {}: {} values in a row group of {} rows", leaves[i].name, chunk.num_values, group.num_rows);
      }
    }
  }
  return summary;
}

namespace {

class PartStream final : public ByteStream {
 public:
  PartStream(const InputFile& file, std::unique_ptr<ByteStream> bytes, std::string_view head, PartCutter::Choose choose,
             std::size_t part_bytes)
      : name_(file.name), bytes_(std::move(bytes)), choose_(std::move(choose)), part_bytes_(part_bytes) {
    if (file.size && bytes_->can_seek()) size_ = *file.size;
    else files_.emplace(*bytes_, head);
  }

  std::size_t read(std::span<char> into) override {
    std::size_t done = 0;
    try {
      while (done < into.size()) {
        if (range_ == ranges_.size() && !next_part()) break;
        done += read_range(into.subspan(done));
      }
    } catch (const Error& e) {
      throw Error(e.fault(), fmt::format("{}: {}", name_, e.what()));
    }
    at_ += done;
    return done;
  }

  std::uint64_t consumed() const override { return size_ ? consumed_ : bytes_->consumed(); }
  std::string compression() const override { return bytes_->compression(); }
  bool slow() const override { return bytes_->slow(); }
  bool can_seek() const override { return size_.has_value(); }
  void cancel() override { bytes_->cancel(); }

  void seek(std::uint64_t offset) override {
    if (!size_) throw internal_error("{}: seek in a Parquet stream", name_);
    file_.reset();
    opened_ = false;
    first_row_ = 0;
    parts_ = GroupParts();
    ranges_.clear();
    range_ = 0;
    at_ = consumed_ = 0;
    while (at_ < offset) {
      if (!next_part()) throw user_error("{}: the file has become shorter while it was read", name_);
      std::uint64_t size = 0;
      for (const FileRange& range : ranges_) size += range.bytes;
      if (at_ + size > offset) throw internal_error("{}: a seek into a part", name_);
      at_ += size;
      range_ = ranges_.size();
    }
  }

 private:
  // The heads stand first, as a range of their own whose bytes are in heads_.
  std::size_t read_range(std::span<char> into) {
    FileRange& range = ranges_[range_];
    const std::size_t take = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), range.bytes));
    if (range_ == 0) {
      std::copy_n(heads_.data() + range.offset, take, into.data());
    } else {
      file_->read(range.offset, into.first(take));
      consumed_ += take;
    }
    range.offset += take;
    range.bytes -= take;
    if (range.bytes == 0) ++range_;
    return take;
  }

  bool open_file() {
    if (size_) {
      if (opened_) return false;
      file_ = file_bytes(*bytes_, *size_);
    } else {
      file_ = files_->next();
    }
    opened_ = true;
    if (!file_) return false;
    metadata_ = read_footer(*file_);
    summary_ = checked_summary(metadata_, file_->size());
    leaves_ = choose_(summary_, name_);
    for (const RowGroup& group : metadata_.row_groups) {
      for (const std::size_t leaf : leaves_) {
        const Codec codec = group.columns[leaf].codec;
        if (!can_decompress(codec)) {
          throw user_error(
              "column {} is compressed with {}, which cannot be read; write the file with snappy, gzip, zstd or without "
              "compression",
              summary_.schema.leaves[leaf].name, name_of(codec));
        }
      }
    }
    group_ = 0;
    return true;
  }

  bool next_part() {
    PlannedPart part;
    while (!parts_.next(part)) {
      if (!file_ || group_ == metadata_.row_groups.size()) {
        if (!open_file()) return false;
        continue;
      }
      const RowGroup& group = metadata_.row_groups[group_++];
      parts_ = GroupParts(*file_, summary_.schema, group, first_row_, leaves_, part_bytes_);
      first_row_ += static_cast<std::uint64_t>(group.num_rows);
    }
    heads_ = std::move(part.heads);
    ranges_.assign(1, {0, heads_.size()});
    for (const FileRange& range : part.pages) {
      if (range.bytes > 0) ranges_.push_back(range);
    }
    range_ = 0;
    return true;
  }

  const std::string name_;
  const std::unique_ptr<ByteStream> bytes_;
  const PartCutter::Choose choose_;
  const std::size_t part_bytes_;
  std::optional<std::uint64_t> size_;   // of a file that can be read at any place
  std::optional<FileCutter> files_;     // else

  bool opened_ = false;
  std::unique_ptr<FileBytes> file_;
  FileMetadata metadata_;
  FileSummary summary_;
  std::vector<std::size_t> leaves_;
  std::size_t group_ = 0;
  std::uint64_t first_row_ = 0;
  GroupParts parts_;
  std::string heads_;
  std::vector<FileRange> ranges_;
  std::size_t range_ = 0;
  std::uint64_t at_ = 0, consumed_ = 0;
};

}  // namespace

std::unique_ptr<ByteStream> make_part_stream(const InputFile& file, std::unique_ptr<ByteStream> bytes, std::string_view head,
                                             PartCutter::Choose choose, std::size_t part_bytes) {
  return std::make_unique<PartStream>(file, std::move(bytes), head, std::move(choose), part_bytes);
}

}  // namespace smtrain::formats::parquet
