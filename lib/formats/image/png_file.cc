// The functions between setjmp and longjmp hold nothing that has a destructor: libpng leaves them without unwinding.
#include "formats/image/png_file.h"

#include <cstring>

#include "base/error.h"

namespace smtrain::formats::image {
namespace {

// Of text and profiles, which are not looked at.
constexpr png_alloc_size_t kMaxChunkBytes = png_alloc_size_t{1} << 20;

[[noreturn]] void leave(png_structp png, png_const_charp message) {
  auto& reporter = *static_cast<PngReporter*>(png_get_error_ptr(png));
  std::strncpy(reporter.message, message, sizeof reporter.message - 1);
  std::longjmp(reporter.back, 1);
}

void pass_over(png_structp, png_const_charp) {}

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { png_destroy_write_struct(&png_, &info_); }

  bool write(const PngRows& rows) {
    if (setjmp(reporter_.back) != 0) return false;
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, &reporter_, leave, pass_over);
    info_ = png_ == nullptr ? nullptr : png_create_info_struct(png_);
    if (info_ == nullptr) return false;
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_write_fn(png_, this, append, nullptr);
    if (rows.level) png_set_compression_level(png_, *rows.level);
    png_set_IHDR(png_, info_, rows.width, rows.height, 8, rows.color_type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (!rows.palette.empty()) png_set_PLTE(png_, info_, rows.palette.data(), static_cast<int>(rows.palette.size()));
    png_write_info(png_, info_);
    for (std::uint32_t y = 0; y < rows.height; ++y) png_write_row(png_, rows.pixels + y * rows.row_bytes);
    png_write_end(png_, nullptr);
    return true;
  }
  const char* message() const { return reporter_.message; }

 private:
  static void append(png_structp png, png_bytep bytes, png_size_t count) {
    try {
      static_cast<Writer*>(png_get_io_ptr(png))->out_.append(reinterpret_cast<const char*>(bytes), count);
    } catch (...) {  // nothing may pass through libpng
      png_error(png, "out of memory");
    }
  }

  std::string& out_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  PngReporter reporter_{};
};

}  // namespace

PngReader::~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }

template <class Step>
void PngReader::guarded(Step step) {
  if (setjmp(reporter_.back) != 0 || !step()) throw user_error("a PNG that cannot be decoded: {}", reporter_.message);
}

void PngReader::open() {
  guarded([this] {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reporter_, leave, pass_over);
    info_ = png_ == nullptr ? nullptr : png_create_info_struct(png_);
    if (info_ == nullptr) return false;
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // pixels have been counted
    png_set_chunk_malloc_max(png_, kMaxChunkBytes);
    png_set_read_fn(png_, this, read_bytes);
    png_read_info(png_, info_);
    color_type_ = png_get_color_type(png_, info_);
    bit_depth_ = png_get_bit_depth(png_, info_);
    return true;
  });
}

void PngReader::prepare(void (*transform)(png_structp png)) {
  guarded([this, transform] {
    transform(png_);
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  });
}

void PngReader::read(std::uint8_t* pixels) {
  guarded([this, pixels] {
    const std::uint32_t rows = height();
    const std::size_t row = row_bytes();
    for (int pass = 0; pass < passes_; ++pass) {
      for (std::uint32_t y = 0; y < rows; ++y) png_read_row(png_, pixels + y * row, nullptr);
    }
    png_read_end(png_, nullptr);
    return true;
  });
}

std::span<const png_color> PngReader::palette() const {
  png_colorp colors = nullptr;
  int count = 0;
  if (png_get_PLTE(png_, info_, &colors, &count) == 0 || color_type_ != PNG_COLOR_TYPE_PALETTE) return {};
  return {colors, static_cast<std::size_t>(count)};
}

void PngReader::read_bytes(png_structp png, png_bytep into, png_size_t count) {
  auto& self = *static_cast<PngReader*>(png_get_io_ptr(png));
  if (count > self.left_.size()) png_error(png, "the data ends too early; it is cut off");
  std::memcpy(into, self.left_.data(), count);
  self.left_ = self.left_.subspan(count);
}

void write_png(const PngRows& rows, std::string& out) {
  Writer writer(out);
  if (!writer.write(rows)) throw user_error("cannot be written as a PNG: {}", writer.message());
}

}  // namespace smtrain::formats::image
