// The functions between setjmp and longjmp hold nothing that has a destructor: libpng leaves them without unwinding.
#include <png.h>

#include <csetjmp>
#include <cstring>

#include "base/error.h"
#include "formats/image/mask.h"

namespace smtrain::formats::image {
namespace {

constexpr png_alloc_size_t kMaxChunkBytes = png_alloc_size_t{1} << 20;

struct Reporter {
  std::jmp_buf back;
  char message[256];
};

[[noreturn]] void leave(png_structp png, png_const_charp message) {
  auto& reporter = *static_cast<Reporter*>(png_get_error_ptr(png));
  std::strncpy(reporter.message, message, sizeof reporter.message - 1);
  std::longjmp(reporter.back, 1);
}

void pass_over(png_structp, png_const_charp) {}

class MaskDecoder {
 public:
  explicit MaskDecoder(std::span<const char> bytes) : left_(bytes) {}
  MaskDecoder(const MaskDecoder&) = delete;
  MaskDecoder& operator=(const MaskDecoder&) = delete;
  ~MaskDecoder() { png_destroy_read_struct(&png_, &info_, nullptr); }

  bool start() {
    if (setjmp(reporter_.back) != 0) return false;
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reporter_, leave, pass_over);
    info_ = png_ == nullptr ? nullptr : png_create_info_struct(png_);
    if (info_ == nullptr) return false;
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // pixels have been counted
    png_set_chunk_malloc_max(png_, kMaxChunkBytes);
    png_set_check_for_invalid_index(png_, -1);  // an index is a label, whether it has a colour or not
    png_set_read_fn(png_, this, read_bytes);
    png_read_info(png_, info_);
    type_ = png_get_color_type(png_, info_);
    depth_ = png_get_bit_depth(png_, info_);
    if (!single_channel()) return true;
    png_set_packing(png_);
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }
  bool single_channel() const { return depth_ <= 8 && (type_ == PNG_COLOR_TYPE_PALETTE || type_ == PNG_COLOR_TYPE_GRAY); }
  int type() const { return type_; }
  int depth() const { return depth_; }
  std::uint32_t width() const { return png_get_image_width(png_, info_); }
  std::uint32_t height() const { return png_get_image_height(png_, info_); }
  std::size_t row_bytes() const { return png_get_rowbytes(png_, info_); }
  const char* message() const { return reporter_.message; }

  bool read(std::uint8_t* labels) {
    if (setjmp(reporter_.back) != 0) return false;
    const std::uint32_t rows = height();
    const std::size_t row = row_bytes();
    for (int pass = 0; pass < passes_; ++pass) {
      for (std::uint32_t y = 0; y < rows; ++y) png_read_row(png_, labels + y * row, nullptr);
    }
    png_read_end(png_, nullptr);
    return true;
  }

  std::vector<Color> palette() const {
    png_colorp colors = nullptr;
    int count = 0;
    if (png_get_PLTE(png_, info_, &colors, &count) == 0 || type_ != PNG_COLOR_TYPE_PALETTE) return {};
    std::vector<Color> out;
    for (int i = 0; i < count; ++i) out.push_back({colors[i].red, colors[i].green, colors[i].blue});
    return out;
  }

 private:
  static void read_bytes(png_structp png, png_bytep into, png_size_t count) {
    auto& self = *static_cast<MaskDecoder*>(png_get_io_ptr(png));
    if (count > self.left_.size()) png_error(png, "the data ends too early; it is cut off");
    std::memcpy(into, self.left_.data(), count);
    self.left_ = self.left_.subspan(count);
  }

  std::span<const char> left_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  int type_ = 0, depth_ = 0, passes_ = 1;
  Reporter reporter_{};
};

class MaskEncoder {
 public:
  explicit MaskEncoder(std::string& out) : out_(out) {}
  MaskEncoder(const MaskEncoder&) = delete;
  MaskEncoder& operator=(const MaskEncoder&) = delete;
  ~MaskEncoder() { png_destroy_write_struct(&png_, &info_); }

  // `colors`: 256 of them, or nullptr for grey.
  bool write(const Mask& mask, const png_color* colors) {
    if (setjmp(reporter_.back) != 0) return false;
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, &reporter_, leave, pass_over);
    info_ = png_ == nullptr ? nullptr : png_create_info_struct(png_);
    if (info_ == nullptr) return false;
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_write_fn(png_, this, append, nullptr);
    png_set_IHDR(png_, info_, mask.width, mask.height, 8, colors != nullptr ? PNG_COLOR_TYPE_PALETTE : PNG_COLOR_TYPE_GRAY,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (colors != nullptr) png_set_PLTE(png_, info_, colors, 256);
    png_write_info(png_, info_);
    for (std::uint32_t y = 0; y < mask.height; ++y) png_write_row(png_, mask.labels.data() + std::size_t{y} * mask.width);
    png_write_end(png_, nullptr);
    return true;
  }
  const char* message() const { return reporter_.message; }

 private:
  static void append(png_structp png, png_bytep bytes, png_size_t count) {
    try {
      static_cast<MaskEncoder*>(png_get_io_ptr(png))->out_.append(reinterpret_cast<const char*>(bytes), count);
    } catch (...) {  // nothing may pass through libpng
      png_error(png, "out of memory");
    }
  }

  std::string& out_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  Reporter reporter_{};
};

const char* words_for_type(int type) {
  switch (type) {
    case PNG_COLOR_TYPE_GRAY: return "grey levels";
    case PNG_COLOR_TYPE_GRAY_ALPHA: return "grey and alpha";
    case PNG_COLOR_TYPE_RGB: return "colours";
    case PNG_COLOR_TYPE_RGB_ALPHA: return "colours and alpha";
    default: return "palette indices";
  }
}

}  // namespace

Mask decode_mask(std::span<const char> bytes, std::uint64_t max_pixels) {
  const ImageInfo seen = read_image_info(bytes, max_pixels);
  if (seen.kind != ImageKind::png)
    throw user_error("a {}, expected a PNG; a lossy format would change labels", name_of(seen.kind));
  MaskDecoder decoder(bytes);
  if (!decoder.start()) throw user_error("a PNG that cannot be decoded: {}", decoder.message());
  if (!decoder.single_channel()) {
    throw user_error(
        "a PNG of {} of {} bits, expected one channel of at most 8 bits; smtrain convert --palette FILE turns colours into "
        "labels",
        words_for_type(decoder.type()), decoder.depth());
  }
  Mask mask;
  mask.width = decoder.width();
  mask.height = decoder.height();
  if (decoder.row_bytes() != mask.width)
    throw internal_error("a mask of {} bytes per row, expected {}", decoder.row_bytes(), mask.width);
  mask.labels.resize(std::size_t{mask.width} * mask.height);
  if (!decoder.read(mask.labels.data())) throw user_error("a PNG that cannot be decoded: {}", decoder.message());
  mask.palette = decoder.palette();
  return mask;
}

std::string encode_mask(const Mask& mask) {
  std::string out;
  std::array<png_color, 256> colors{};
  for (std::size_t i = 0; i < std::min<std::size_t>(256, mask.palette.size()); ++i)
    colors[i] = {mask.palette[i].red, mask.palette[i].green, mask.palette[i].blue};
  MaskEncoder encoder(out);
  if (!encoder.write(mask, mask.palette.empty() ? nullptr : colors.data()))
    throw user_error("cannot be written as a PNG: {}", encoder.message());
  return out;
}

}  // namespace smtrain::formats::image
