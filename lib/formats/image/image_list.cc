#include "formats/image/image_list.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "base/text.h"
#include "formats/text/lines.h"
#include "formats/text/number.h"

namespace smtrain::formats::image {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxLineBytes = std::size_t{1} << 20;

std::uint64_t parse_index(std::string_view field) {
  std::uint64_t index = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), index);
  if (error == std::errc() && end == field.data() + field.size() && !field.empty()) return index;
  throw user_error("the index is {}, expected a whole number from 0", smtrain::quoted(field));
}

float parse_label(std::string_view field, std::size_t column) {
  float value = 0;
  field = trim(field);
  if (parse_number(field.data(), field.data() + field.size(), value) == NumberStatus::ok) return value;
  throw user_error("label {} is {}, expected a number", column, smtrain::quoted(field));
}

// As lists are written everywhere: 3 rather than 3.0.
void append_label(std::string& out, float label) {
  if (std::abs(label) < 1e6f && label == std::trunc(label)) fmt::format_to(std::back_inserter(out), "{}", static_cast<int>(label));
  else append_number(out, label);
}

void parse_block(const RawBlock& block, std::vector<PlacedImage>& images) {
  Lines lines(std::string_view(block.bytes.data(), block.bytes.size()), block.first_line);
  while (lines.next()) {
    try {
      images.push_back({*block.source, lines.number(), parse_list_line(lines.line())});
    } catch (const Error& e) {
      throw Error(e.fault(), fmt::format("{}: {}", line_place(*block.source, lines.number()), e.what()));
    }
  }
}

BlockTeamOptions team_options(int threads) {
  BlockTeamOptions options;
  options.threads = threads;
  options.max_record_bytes = kMaxLineBytes;
  return options;
}

}  // namespace

ListedImage parse_list_line(std::string_view line) {
  const std::vector<std::string_view> fields = split(line, '\t');
  if (fields.size() < 3) {
    throw user_error("{} column{} apart by tabs, expected at least 3: an index, a label, a path", fields.size(),
                     fields.size() == 1 ? "" : "s");
  }
  ListedImage image{parse_index(fields[0]), {}, std::string(fields.back())};
  if (image.path.empty()) throw user_error("the path is empty");
  for (std::size_t i = 1; i + 1 < fields.size(); ++i) image.labels.push_back(parse_label(fields[i], i));
  return image;
}

void append_list_line(std::string& out, const ListedImage& image) {
  if (image.path.find_first_of("\t\r\n") != std::string::npos || trim(image.path).size() != image.path.size()) {
    throw user_error("the path {} has a tab, a line end or blanks around it, which no image list can hold; rename the file",
                     smtrain::quoted(image.path));
  }
  fmt::format_to(std::back_inserter(out), "{}", image.index);
  for (const float label : image.labels) {
    out += '\t';
    append_label(out, label);
  }
  out += '\t' + image.path + '\n';
}

std::string path_below(const std::string& root, std::string_view path) {
  const fs::path base = fs::path(root).lexically_normal();
  const fs::path file = (fs::path(root) / fs::path(path)).lexically_normal();
  const fs::path inside = file.lexically_relative(base);
  if (path.find('\0') != std::string_view::npos || inside.empty() || *inside.begin() == "..") {
    throw user_error("the path {} leads out of {}; paths of a list are relative to the folder of the images (--root)",
                     smtrain::quoted(path), base.string());
  }
  return file.string();
}

std::string place_of(const PlacedImage& image) { return line_place(image.source, image.line); }

ImageListReader::ImageListReader(std::vector<InputFile> files, int threads)
    : cutter_(kMaxLineBytes), stream_(std::move(files), cutter_, parse_block, team_options(threads)) {}

bool ImageListReader::next(PlacedImage& image) {
  if (at_ == lines_.size()) {
    at_ = 0;
    if (!stream_.next(lines_)) return false;
  }
  image = std::move(lines_[at_++]);
  seen_.emplace_back(image.image.index, image.line);
  return true;
}

void ImageListReader::check_unique() const {
  auto sorted = seen_;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first == b.first; });
  if (twice == sorted.end()) return;
  const std::vector<InputFile>& files = stream_.team().files();
  throw user_error("{}: index {} is that of line {} too; expected each index once", line_place(files.back().name, (twice + 1)->second),
                   twice->first, twice->second);
}

}  // namespace smtrain::formats::image
