// The functions between setjmp and longjmp hold nothing that has a destructor: libpng leaves them without unwinding.
#include <png.h>

#include <csetjmp>
#include <cstring>

#include "base/error.h"
#include "formats/image/codec.h"

namespace smtrain::formats::image {
namespace {

// Of text and profiles, which are not looked at.
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

class Decoder {
 public:
  explicit Decoder(std::span<const char> bytes) : left_(bytes) {}
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() { png_destroy_read_struct(&png_, &info_, nullptr); }

  bool start() {
    if (setjmp(reporter_.back) != 0) return false;
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reporter_, leave, pass_over);
    info_ = png_ == nullptr ? nullptr : png_create_info_struct(png_);
    if (info_ == nullptr) return false;
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // pixels have been counted
    png_set_chunk_malloc_max(png_, kMaxChunkBytes);
    png_set_read_fn(png_, this, read_bytes);
    png_read_info(png_, info_);
    png_set_palette_to_rgb(png_);
    png_set_expand_gray_1_2_4_to_8(png_);
    png_set_strip_16(png_);
    png_set_strip_alpha(png_);
    png_set_gray_to_rgb(png_);
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }
  std::uint32_t width() const { return png_get_image_width(png_, info_); }
  std::uint32_t height() const { return png_get_image_height(png_, info_); }
  std::size_t row_bytes() const { return png_get_rowbytes(png_, info_); }
  const char* message() const { return reporter_.message; }

  bool read(Pixels& pixels) {
    if (setjmp(reporter_.back) != 0) return false;
    for (int pass = 0; pass < passes_; ++pass) {
      for (std::uint32_t y = 0; y < pixels.height; ++y) png_read_row(png_, pixels.row(y), nullptr);
    }
    png_read_end(png_, nullptr);
    return true;
  }

 private:
  static void read_bytes(png_structp png, png_bytep into, png_size_t count) {
    auto& self = *static_cast<Decoder*>(png_get_io_ptr(png));
    if (count > self.left_.size()) png_error(png, "the data ends too early; it is cut off");
    std::memcpy(into, self.left_.data(), count);
    self.left_ = self.left_.subspan(count);
  }

  std::span<const char> left_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  int passes_ = 1;
  Reporter reporter_{};
};

class Encoder {
 public:
  explicit Encoder(std::string& out) : out_(out) {}
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
  ~Encoder() { png_destroy_write_struct(&png_, &info_); }

  bool write(const Pixels& pixels, int level) {
    if (setjmp(reporter_.back) != 0) return false;
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, &reporter_, leave, pass_over);
    info_ = png_ == nullptr ? nullptr : png_create_info_struct(png_);
    if (info_ == nullptr) return false;
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_write_fn(png_, this, append, nullptr);
    png_set_compression_level(png_, level);
    png_set_IHDR(png_, info_, pixels.width, pixels.height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png_, info_);
    for (std::uint32_t y = 0; y < pixels.height; ++y) png_write_row(png_, pixels.row(y));
    png_write_end(png_, nullptr);
    return true;
  }
  const char* message() const { return reporter_.message; }

 private:
  static void append(png_structp png, png_bytep bytes, png_size_t count) {
    try {
      static_cast<Encoder*>(png_get_io_ptr(png))->out_.append(reinterpret_cast<const char*>(bytes), count);
    } catch (...) {  // nothing may pass through libpng
      png_error(png, "out of memory");
    }
  }

  std::string& out_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  Reporter reporter_{};
};

}  // namespace

void decode_png(std::span<const char> bytes, Pixels& pixels) {
  Decoder decoder(bytes);
  if (!decoder.start()) throw user_error("a PNG that cannot be decoded: {}", decoder.message());
  pixels.resize(decoder.width(), decoder.height());
  if (decoder.row_bytes() != pixels.row_bytes()) {
    throw internal_error("a PNG of {} bytes per row, expected {}", decoder.row_bytes(), pixels.row_bytes());
  }
  if (!decoder.read(pixels)) throw user_error("a PNG that cannot be decoded: {}", decoder.message());
}

void encode_png(const Pixels& pixels, int level, std::string& out) {
  out.clear();
  Encoder encoder(out);
  if (!encoder.write(pixels, level)) throw user_error("cannot be written as a PNG: {}", encoder.message());
}

}  // namespace smtrain::formats::image
