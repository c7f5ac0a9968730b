#include "formats/parquet/page_codec.h"

#include <libdeflate.h>
#include <snappy.h>
#include <zstd.h>

#include <memory>

#include "base/error.h"
#include "formats/io/compress.h"

namespace smtrain::formats::parquet {
namespace {

bool decompress_snappy(std::span<const char> in, std::span<char> out) {
  std::size_t size = 0;
  return snappy::GetUncompressedLength(in.data(), in.size(), &size) && size == out.size() &&
         snappy::RawUncompress(in.data(), in.size(), out.data());
}

bool decompress_gzip(std::span<const char> in, std::span<char> out) {
  static thread_local const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> context(
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  if (!context) throw machine_error("out of memory for gzip");
  // Several members may follow each other.
  for (;;) {
    std::size_t taken = 0, made = 0;
    const libdeflate_result result =
        libdeflate_gzip_decompress_ex(context.get(), in.data(), in.size(), out.data(), out.size(), &taken, &made);
    if (result != LIBDEFLATE_SUCCESS || taken == 0) return false;
    in = in.subspan(taken);
    out = out.subspan(made);
    if (in.empty()) return out.empty();
  }
}

bool decompress_zstd(std::span<const char> in, std::span<char> out) {
  static thread_local const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) throw machine_error("out of memory for zstd");
  const std::size_t size = ZSTD_decompressDCtx(context.get(), out.data(), out.size(), in.data(), in.size());
  return !ZSTD_isError(size) && size == out.size();
}

bool decompressed(Codec codec, std::span<const char> in, std::span<char> out) {
  switch (codec) {
    case Codec::snappy: return decompress_snappy(in, out);
    case Codec::gzip: return decompress_gzip(in, out);
    case Codec::zstd: return decompress_zstd(in, out);
    default:
      throw user_error("pages compressed with {} cannot be read; write the file with snappy, gzip, zstd or without compression",
                       name_of(codec));
  }
}

}  // namespace

bool can_decompress(Codec codec) {
  return codec == Codec::uncompressed || codec == Codec::snappy || codec == Codec::gzip || codec == Codec::zstd;
}

void decompress_page(Codec codec, std::span<const char> in, std::span<char> out) {
  if (!decompressed(codec, in, out)) throw user_error("a page of {} data is damaged", name_of(codec));
}

void compress_page(Codec codec, std::span<const char> in, std::string& out) {
  switch (codec) {
    case Codec::uncompressed: out.append(in.data(), in.size()); return;
    case Codec::gzip: append_compressed(Compression::gzip, in, out); return;
    case Codec::zstd: append_compressed(Compression::zstd, in, out); return;
    case Codec::snappy: {
      const std::size_t before = out.size();
      std::size_t size = 0;
      out.resize(before + snappy::MaxCompressedLength(in.size()));
      snappy::RawCompress(in.data(), in.size(), out.data() + before, &size);
      out.resize(before + size);
      return;
    }
    default: throw internal_error("pages are not written with {}", name_of(codec));
  }
}

}  // namespace smtrain::formats::parquet
