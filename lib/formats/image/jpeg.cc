// The functions between setjmp and longjmp hold nothing that has a destructor: libjpeg leaves them without unwinding.
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <jpeglib.h>  // needs cstdio

#include <jerror.h>

#include "base/error.h"
#include "formats/image/codec.h"

namespace smtrain::formats::image {
namespace {

// A progressive image of many empty scans takes long and says nothing; real ones have about ten.
constexpr int kMaxScans = 100;

struct Reporter {
  jpeg_error_mgr manager;  // first: libjpeg hands out its address
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
  bool ended;  // libjpeg has run out of bytes and made up an end
};

Reporter& reporter_of(j_common_ptr codec) { return *reinterpret_cast<Reporter*>(codec->err); }

[[noreturn]] void leave(j_common_ptr codec) {
  Reporter& reporter = reporter_of(codec);
  reporter.manager.format_message(codec, reporter.message);
  std::longjmp(reporter.back, 1);
}

// Extra bytes, strange version numbers and the like harm nothing; what makes pixels up does.
bool is_damage(int code) {
  return code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE || code == JWRN_ARITH_BAD_CODE || code == JWRN_MUST_RESYNC;
}

void hear(j_common_ptr codec, int level) {
  if (level >= 0) return;
  Reporter& reporter = reporter_of(codec);
  if (reporter.manager.msg_code == JWRN_JPEG_EOF) reporter.ended = true;
  if (is_damage(reporter.manager.msg_code)) leave(codec);
}

void count_scans(j_common_ptr codec) {
  if (reinterpret_cast<j_decompress_ptr>(codec)->input_scan_number > kMaxScans) {
    Reporter& reporter = reporter_of(codec);
    std::snprintf(reporter.message, sizeof reporter.message, "more than %d scans", kMaxScans);
    std::longjmp(reporter.back, 1);
  }
}

void prepare(Reporter& reporter) {
  jpeg_std_error(&reporter.manager);
  reporter.manager.error_exit = leave;
  reporter.manager.emit_message = hear;
  reporter.ended = false;
}

class Decoder {
 public:
  explicit Decoder(std::span<const char> bytes) : bytes_(bytes) {
    prepare(reporter_);
    codec_.err = &reporter_.manager;
    progress_.progress_monitor = count_scans;
  }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() { jpeg_destroy_decompress(&codec_); }

  /// Reads the header; the size is that of the output then.
  bool start(int denominator) {
    if (setjmp(reporter_.back) != 0) return false;
    jpeg_create_decompress(&codec_);
    codec_.progress = &progress_;
    jpeg_mem_src(&codec_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
    jpeg_read_header(&codec_, TRUE);
    cmyk_ = codec_.jpeg_color_space == JCS_CMYK || codec_.jpeg_color_space == JCS_YCCK;
    codec_.out_color_space = cmyk_ ? JCS_CMYK : JCS_RGB;
    codec_.scale_num = 1;
    codec_.scale_denom = static_cast<unsigned>(denominator);
    jpeg_calc_output_dimensions(&codec_);
    return true;
  }
  std::uint32_t width() const { return codec_.output_width; }
  std::uint32_t height() const { return codec_.output_height; }
  bool cmyk() const { return cmyk_; }
  /// Adobe's programs store the complement of the inks.
  bool inverted() const { return codec_.saw_Adobe_marker != 0; }
  const char* message() const { return reporter_.message; }
  /// The scans of a progressive image have been read, but not to their end.
  bool cut_off() const { return cut_off_; }

  /// Rows of width() times 3 bytes, or 4 with cmyk(); `line` holds one of these.
  template <class OnRow>
  bool read(std::uint8_t* line, OnRow on_row) {
    if (setjmp(reporter_.back) != 0) return false;
    jpeg_start_decompress(&codec_);
    cut_off_ = reporter_.ended && jpeg_has_multiple_scans(&codec_);
    if (cut_off_) return false;
    while (codec_.output_scanline < codec_.output_height) {
      const JDIMENSION y = codec_.output_scanline;
      JSAMPROW row = line == nullptr ? on_row(y) : line;
      jpeg_read_scanlines(&codec_, &row, 1);
      if (line != nullptr) on_row(y);
    }
    return true;
  }

 private:
  std::span<const char> bytes_;
  jpeg_decompress_struct codec_{};
  jpeg_progress_mgr progress_{};
  Reporter reporter_{};
  bool cmyk_ = false, cut_off_ = false;
};

void rgb_of_inks(const std::uint8_t* inks, std::uint8_t* rgb, std::size_t count, bool inverted) {
  const unsigned flip = inverted ? 0 : 255;
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned light = inks[4 * i + 3] ^ flip;
    for (std::size_t c = 0; c < 3; ++c) rgb[3 * i + c] = static_cast<std::uint8_t>(((inks[4 * i + c] ^ flip) * light + 127) / 255);
  }
}

[[noreturn]] void refuse(const Decoder& decoder) {
  if (decoder.cut_off()) throw user_error("a JPEG that ends before its image does; it is cut off");
  throw user_error("a JPEG that cannot be decoded: {}", decoder.message());
}

class Encoder {
 public:
  Encoder() {
    prepare(reporter_);
    codec_.err = &reporter_.manager;
  }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
  ~Encoder() {
    jpeg_destroy_compress(&codec_);
    std::free(bytes_);
  }
  bool write(const Pixels& pixels, int quality) {
    if (setjmp(reporter_.back) != 0) return false;
    jpeg_create_compress(&codec_);
    jpeg_mem_dest(&codec_, &bytes_, &size_);
    codec_.image_width = pixels.width;
    codec_.image_height = pixels.height;
    codec_.input_components = 3;
    codec_.in_color_space = JCS_RGB;
    jpeg_set_defaults(&codec_);
    jpeg_set_quality(&codec_, quality, TRUE);
    jpeg_start_compress(&codec_, TRUE);
    while (codec_.next_scanline < codec_.image_height) {
      JSAMPROW row = const_cast<JSAMPROW>(pixels.row(codec_.next_scanline));
      jpeg_write_scanlines(&codec_, &row, 1);
    }
    jpeg_finish_compress(&codec_);
    return true;
  }
  std::string_view bytes() const { return {reinterpret_cast<const char*>(bytes_), size_}; }
  const char* message() const { return reporter_.message; }

 private:
  jpeg_compress_struct codec_{};
  Reporter reporter_{};
  unsigned char* bytes_ = nullptr;
  unsigned long size_ = 0;
};

}  // namespace

void decode_jpeg(std::span<const char> bytes, int denominator, Pixels& pixels) {
  Decoder decoder(bytes);
  if (!decoder.start(denominator)) refuse(decoder);
  pixels.resize(decoder.width(), decoder.height());
  bool whole;
  if (decoder.cmyk()) {
    std::vector<std::uint8_t> line(std::size_t{4} * pixels.width);
    whole = decoder.read(line.data(), [&](JDIMENSION y) {
      rgb_of_inks(line.data(), pixels.row(y), pixels.width, decoder.inverted());
      return nullptr;
    });
  } else {
    whole = decoder.read(nullptr, [&](JDIMENSION y) { return pixels.row(y); });
  }
  if (!whole) refuse(decoder);
}

void encode_jpeg(const Pixels& pixels, int quality, std::string& out) {
  Encoder encoder;
  if (!encoder.write(pixels, quality)) throw user_error("cannot be written as a JPEG: {}", encoder.message());
  out = encoder.bytes();
}

}  // namespace smtrain::formats::image
