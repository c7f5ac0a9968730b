#include "formats/image/image_info.h"

#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.h"
#include "base/text.h"
#include "formats/content_type.h"

namespace smtrain::formats::image {
namespace {

using Bytes = std::span<const unsigned char>;
using namespace std::string_view_literals;

constexpr std::string_view kJpegStart = "\xFF\xD8\xFF"sv, kPngStart = "\x89PNG\r\n\x1A\n"sv, kExifStart = "Exif\0\0"sv;

// A block of 64 pixels takes a bit at the least; twice that leaves room for a file whose last bytes are missing.
constexpr std::uint64_t kJpegPixelsPerByte = 1024;
// What deflate can reach.
constexpr std::uint64_t kPngBytesPerByte = 1032;

Bytes unsigned_bytes(std::span<const char> bytes) { return {reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()}; }

std::string_view text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::uint32_t big_endian(Bytes bytes, std::size_t at, std::size_t count) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < count; ++i) number = number << 8 | bytes[at + i];
  return number;
}

void check_size(const ImageInfo& info, std::uint64_t max_pixels) {
  const std::uint64_t pixels = std::uint64_t{info.width} * info.height;
  if (pixels == 0) throw user_error("a {} of {} x {} pixels, expected at least one", name_of(info.kind), info.width, info.height);
  if (pixels > max_pixels) {
    throw user_error("a {} of {} x {} pixels, expected at most {} in all (--max-image-pixels)", name_of(info.kind), info.width,
                     info.height, max_pixels);
  }
}

[[noreturn]] void refuse_few_bytes(const ImageInfo& info, std::size_t bytes) {
  throw user_error("a {} that says it has {} x {} pixels, which {} bytes cannot hold; it is cut off or a bomb", name_of(info.kind),
                   info.width, info.height, bytes);
}

// ---- EXIF ----------------------------------------------------------------------------------------------------------------

/// The orientation in a TIFF header with its first folder of tags; 1 when there is none that makes sense.
int exif_orientation(Bytes tiff) {
  if (tiff.size() < 8) return 1;
  const bool little = tiff[0] == 'I';
  const auto number = [&](std::size_t at, std::size_t count) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value |= std::uint32_t{tiff[at + i]} << 8 * (little ? i : count - 1 - i);
    return value;
  };
  const std::size_t folder = number(4, 4);
  if (folder > tiff.size() - 2) return 1;
  const std::size_t entries = number(folder, 2);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = folder + 2 + 12 * i;
    if (entry + 12 > tiff.size()) return 1;
    if (number(entry, 2) != 0x0112) continue;
    const std::uint32_t orientation = number(entry + 8, 2);
    return orientation >= 1 && orientation <= 8 ? static_cast<int>(orientation) : 1;
  }
  return 1;
}

// ---- JPEG ----------------------------------------------------------------------------------------------------------------

enum : unsigned { kSof0 = 0xC0, kSof15 = 0xCF, kDht = 0xC4, kJpg = 0xC8, kDac = 0xCC, kRst0 = 0xD0, kRst7 = 0xD7, kSoi = 0xD8, kEoi = 0xD9, kSos = 0xDA, kApp1 = 0xE1 };

/// Steps over the segments of a JPEG.
class JpegWalk {
 public:
  explicit JpegWalk(Bytes bytes) : bytes_(bytes), at_(2) {}

  /// Goes to the next marker and its segment, if it has one.
  void next() {
    const std::size_t marker = marker_from(at_);
    if (marker == bytes_.size()) refuse_end();
    marker_ = bytes_[marker];
    at_ = marker + 1;
    segment_ = {};
    if (marker_ == kEoi || marker_ == kSoi || marker_ <= 1 || (marker_ >= kRst0 && marker_ <= kRst7)) return;
    if (bytes_.size() - at_ < 2) refuse_end();
    const std::size_t length = big_endian(bytes_, at_, 2);
    if (length < 2) throw user_error("a JPEG whose segment at byte {} has length {}; it is damaged", at_ - 2, length);
    if (length > bytes_.size() - at_) refuse_end();
    segment_ = bytes_.subspan(at_ + 2, length - 2);
    at_ += length;
  }
  unsigned marker() const { return marker_; }
  Bytes segment() const { return segment_; }
  bool is_frame() const {
    return marker_ >= kSof0 && marker_ <= kSof15 && marker_ != kDht && marker_ != kJpg && marker_ != kDac;
  }
  bool is_arithmetic() const { return marker_ > kJpg; }

 private:
  /// The place of the next marker's code: behind 0xFF, which may be repeated. In scan data a 0xFF is followed by a zero.
  std::size_t marker_from(std::size_t at) const {
    while (at < bytes_.size()) {
      const void* const found = std::memchr(bytes_.data() + at, 0xFF, bytes_.size() - at);
      if (found == nullptr) break;
      at = static_cast<std::size_t>(static_cast<const unsigned char*>(found) - bytes_.data()) + 1;
      while (at < bytes_.size() && bytes_[at] == 0xFF) ++at;
      if (at < bytes_.size() && bytes_[at] != 0) return at;
    }
    return bytes_.size();
  }
  [[noreturn]] void refuse_end() const {
    throw user_error("a JPEG that ends after {} bytes without an end marker; it is cut off", bytes_.size());
  }

  Bytes bytes_, segment_;
  std::size_t at_;
  unsigned marker_ = 0;
};

void read_frame(Bytes segment, ImageInfo& info) {
  if (segment.size() < 6) throw user_error("a JPEG whose frame header has {} bytes, expected at least 6; it is damaged", segment.size());
  info.height = big_endian(segment, 1, 2);
  info.width = big_endian(segment, 3, 2);
  info.channels = segment[5];
}

/// Leaves the walk behind the frame header.
ImageInfo jpeg_info(JpegWalk& walk, std::size_t size, std::uint64_t max_pixels) {
  ImageInfo info;
  for (walk.next(); !walk.is_frame(); walk.next()) {
    if (walk.marker() == kSos || walk.marker() == kEoi) throw user_error("a JPEG without a frame header; it is damaged");
    if (walk.marker() == kApp1 && text_of(walk.segment()).starts_with(kExifStart)) {
      info.orientation = exif_orientation(walk.segment().subspan(kExifStart.size()));
    }
  }
  read_frame(walk.segment(), info);
  check_size(info, max_pixels);
  if (!walk.is_arithmetic() && std::uint64_t{info.width} * info.height > kJpegPixelsPerByte * size) refuse_few_bytes(info, size);
  return info;
}

void check_jpeg_rest(JpegWalk& walk) {
  bool scan = false;
  for (; walk.marker() != kEoi; walk.next()) scan = scan || walk.marker() == kSos;
  if (!scan) throw user_error("a JPEG without image data; it is damaged");
}

// ---- PNG -----------------------------------------------------------------------------------------------------------------

/// Steps over the chunks of a PNG.
class PngWalk {
 public:
  explicit PngWalk(Bytes bytes) : bytes_(bytes), at_(kPngStart.size()) {}

  void next() {
    if (bytes_.size() - at_ < 12) refuse_end();
    const std::size_t length = big_endian(bytes_, at_, 4);
    if (length > bytes_.size() - at_ - 12) refuse_end();
    start_ = at_;
    data_ = bytes_.subspan(at_ + 8, length);
    at_ += length + 12;
  }
  std::string_view type() const { return text_of(bytes_.subspan(start_ + 4, 4)); }
  Bytes data() const { return data_; }

  void check_sum() const {
    const std::uint32_t stored = big_endian(bytes_, start_ + 8 + data_.size(), 4);
    if (libdeflate_crc32(0, bytes_.data() + start_ + 4, data_.size() + 4) == stored) return;
    throw user_error("a PNG whose chunk {} at byte {} has a wrong checksum; it is damaged", smtrain::quoted(type()), start_);
  }

 private:
  [[noreturn]] void refuse_end() const {
    throw user_error("a PNG that ends after {} bytes without its last chunk; it is cut off", bytes_.size());
  }

  Bytes bytes_, data_;
  std::size_t at_, start_ = 0;
};

constexpr std::array<int, 7> kPngChannels = {1, 0, 3, 3, 2, 0, 4};  // by colour type; 0: there is none

std::uint64_t png_row_bytes(const ImageInfo& info, unsigned depth, unsigned colour) {
  const std::uint64_t samples = colour == 3 ? 1 : static_cast<std::uint64_t>(info.channels);
  return (info.width * samples * depth + 7) / 8 + 1;
}

/// Leaves the walk at the first chunk.
ImageInfo png_info(PngWalk& walk, std::size_t size, std::uint64_t max_pixels) {
  walk.next();
  const Bytes header = walk.data();
  if (walk.type() != "IHDR" || header.size() != 13) throw user_error("a PNG without a header; it is damaged");
  const unsigned depth = header[8], colour = header[9];
  if (colour >= kPngChannels.size() || kPngChannels[colour] == 0) {
    throw user_error("a PNG of colour type {}, expected 0, 2, 3, 4 or 6; it is damaged", colour);
  }
  ImageInfo info{ImageKind::png, big_endian(header, 0, 4), big_endian(header, 4, 4), kPngChannels[colour], 1};
  check_size(info, max_pixels);
  if (png_row_bytes(info, depth, colour) * info.height > kPngBytesPerByte * size) refuse_few_bytes(info, size);
  return info;
}

// It stands before the image data, if anywhere.
void look_for_orientation(PngWalk& walk, ImageInfo& info) {
  for (; walk.type() != "IDAT" && walk.type() != "IEND"; walk.next()) {
    if (walk.type() == "eXIf") info.orientation = exif_orientation(walk.data());
  }
}

void check_png_rest(PngWalk& walk, ImageInfo& info) {
  bool data = false;
  for (; walk.type() != "IEND"; walk.next()) {
    walk.check_sum();
    data = data || walk.type() == "IDAT";
    if (walk.type() == "eXIf") info.orientation = exif_orientation(walk.data());
  }
  if (!data) throw user_error("a PNG without image data; it is damaged");
}

[[noreturn]] void refuse_kind(std::span<const char> bytes) {
  std::string first;
  for (const unsigned char c : unsigned_bytes(bytes.first(std::min<std::size_t>(bytes.size(), 8)))) {
    first += fmt::format("{}{:02x}", first.empty() ? "" : " ", c);
  }
  throw user_error("looks like {}{}, expected a JPEG or PNG image", describe_content(bytes),
                   first.empty() ? "" : fmt::format(" (first bytes {})", first));
}

ImageInfo read_info(std::span<const char> bytes, std::uint64_t max_pixels, bool whole) {
  const std::optional<ImageKind> kind = image_kind(bytes);
  if (!kind) refuse_kind(bytes);
  if (*kind == ImageKind::jpeg) {
    JpegWalk walk(unsigned_bytes(bytes));
    const ImageInfo info = jpeg_info(walk, bytes.size(), max_pixels);
    if (whole) check_jpeg_rest(walk);
    return info;
  }
  PngWalk walk(unsigned_bytes(bytes));
  ImageInfo info = png_info(walk, bytes.size(), max_pixels);
  if (whole) check_png_rest(walk, info);
  else look_for_orientation(walk, info);
  return info;
}

}  // namespace

const char* name_of(ImageKind kind) { return kind == ImageKind::jpeg ? "JPEG" : "PNG"; }

const char* suffix_of(ImageKind kind) { return kind == ImageKind::jpeg ? ".jpg" : ".png"; }

std::optional<ImageKind> image_kind(std::span<const char> bytes) {
  const std::string_view text(bytes.data(), bytes.size());
  if (text.starts_with(kJpegStart)) return ImageKind::jpeg;
  if (text.starts_with(kPngStart)) return ImageKind::png;
  return std::nullopt;
}

bool has_image_suffix(std::string_view path) {
  const std::string lower = to_lower(path);
  return lower.ends_with(".jpg") || lower.ends_with(".jpeg") || lower.ends_with(".png");
}

ImageInfo read_image_info(std::span<const char> bytes, std::uint64_t max_pixels) { return read_info(bytes, max_pixels, false); }

ImageInfo check_image(std::span<const char> bytes, std::uint64_t max_pixels) { return read_info(bytes, max_pixels, true); }

}  // namespace smtrain::formats::image
