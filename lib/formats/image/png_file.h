// PNG by libpng, for images and masks alike: what it reports by longjmp and messages becomes user Errors here.
#pragma once

#include <png.h>

#include <csetjmp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace smtrain::formats::image {

/// Where libpng leaves for when it has something to say.
struct PngReporter {
  std::jmp_buf back;
  char message[256];
};

/// Reads one PNG in the order of its functions. `bytes` must outlive it; their size and bounds have been checked by the caller
/// (read_image_info). Throws a user Error, without a place, for data that is cut off or damaged.
class PngReader {
 public:
  explicit PngReader(std::span<const char> bytes) : left_(bytes) {}
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader();

  /// Reads what stands before the pixels.
  void open();
  /// As the file has them, whatever prepare() asks for.
  int color_type() const { return color_type_; }
  int bit_depth() const { return bit_depth_; }
  std::uint32_t width() const { return png_get_image_width(png_, info_); }
  std::uint32_t height() const { return png_get_image_height(png_, info_); }

  /// `transform` sets up what libpng shall make of the pixels. It may be left by longjmp: nothing in it has a destructor.
  void prepare(void (*transform)(png_structp png));
  /// Of a row as read() writes it, after prepare().
  std::size_t row_bytes() const { return png_get_rowbytes(png_, info_); }
  /// `pixels`: room for height() rows of row_bytes(), no gaps.
  void read(std::uint8_t* pixels);
  /// The colours of the file's palette; empty without one. They live as long as this reader.
  std::span<const png_color> palette() const;

 private:
  template <class Step>
  void guarded(Step step);
  static void read_bytes(png_structp png, png_bytep into, png_size_t count);

  std::span<const char> left_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  int color_type_ = 0, bit_depth_ = 0, passes_ = 1;
  PngReporter reporter_{};
};

/// What write_png() writes: height rows of row_bytes, no gaps, of 8 bits a sample.
struct PngRows {
  const std::uint8_t* pixels = nullptr;
  std::uint32_t width = 0, height = 0;
  std::size_t row_bytes = 0;
  int color_type = PNG_COLOR_TYPE_GRAY;
  std::span<const png_color> palette;  ///< of PNG_COLOR_TYPE_PALETTE
  std::optional<int> level;            ///< 0 to 9, deflate's; libpng's choice without it
};

/// Appends a PNG to `out`. Throws a user Error, without a place, for what libpng refuses.
void write_png(const PngRows& rows, std::string& out);

}  // namespace smtrain::formats::image
