// .lst: which images there are and what they show, a line each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/record_stream.h"

namespace smtrain::formats::image {

struct ListedImage {
  std::uint64_t index = 0;
  std::vector<float> labels;
  std::string path;  ///< relative to the folder of the images, / between its parts
};

/// "5<TAB>1<TAB>dogs/a.jpg": an index, one or more numbers, a path. Throws a user Error, without a place.
ListedImage parse_list_line(std::string_view line);

/// Appends the line; whole labels without a point. Throws a user Error for a path that no line can hold (a tab or line end in
/// it).
void append_list_line(std::string& out, const ListedImage& image);

/// The file that a listed path means, below `root`. Throws a user Error, without a place, for one that leads out of it.
std::string path_below(const std::string& root, std::string_view path);

/// A line and where it stands.
struct PlacedImage {
  std::string source;
  std::uint64_t line = 0;
  ListedImage image;
};
std::string place_of(const PlacedImage& image);

/// The lines of some lists in order. Throws user Errors with file and line. Not thread-safe.
class ImageListReader {
 public:
  ImageListReader(std::vector<InputFile> files, int threads);
  ImageListReader(const ImageListReader&) = delete;
  ImageListReader& operator=(const ImageListReader&) = delete;

  bool next(PlacedImage& image);
  /// Throws a user Error when two of the lines so far have one index.
  void check_unique() const;

  const BlockTeam& team() const { return stream_.team(); }
  void cancel() { stream_.cancel(); }

 private:
  LineCutter cutter_;
  RecordStream<PlacedImage> stream_;
  std::vector<PlacedImage> lines_;
  std::size_t at_ = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> seen_;  // index, line
};

}  // namespace smtrain::formats::image
