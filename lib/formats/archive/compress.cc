#include "formats/archive/compress.h"

#include <libdeflate.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace smtrain::formats {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 20;
constexpr std::size_t kGroup = 16 * kChunk;
constexpr std::size_t kSample = std::size_t{32} << 10;
constexpr std::size_t kStoredBlock = 65535;  // the most that a stored block of deflate holds
constexpr int kZstdLevel = 3;

class PlainWriter final : public Compressor {
 public:
  explicit PlainWriter(Sink sink) : sink_(std::move(sink)) {}
  void write(std::string_view bytes) override { sink_(bytes); }
  void finish() override {}

 private:
  Sink sink_;
};

void append_u32(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(value >> shift & 0xff));
}

/// Raw deflate blocks that end at a byte boundary and are not the last of the stream, so that chunks can follow each other.
/// zlib rather than libdeflate, which knows only whole streams: several gzip members would do for gzip and Python's "r:gz",
/// but Python's "r|gz" stops after the first one.
std::string deflate_chunk(std::string_view bytes) {
  z_stream z{};
  // Level 1: on floats that shrink, level 6 takes three times as long to save 4 % more.
  if (deflateInit2(&z, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw machine_error("out of memory in zlib");
  std::string out(deflateBound(&z, bytes.size()) + 16, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&z, Z_SYNC_FLUSH);
  const bool whole = result == Z_OK && z.avail_in == 0 && z.avail_out > 0;
  out.resize(out.size() - z.avail_out);
  deflateEnd(&z);
  if (!whole) throw internal_error("zlib did not take {} bytes at once", bytes.size());
  return out;
}

std::string store_chunk(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + 5 * (bytes.size() / kStoredBlock + 1));
  for (std::size_t at = 0; at < bytes.size(); at += kStoredBlock) {
    const std::string_view block = bytes.substr(at, kStoredBlock);
    const auto length = static_cast<std::uint32_t>(block.size());
    out.push_back('\0');  // not final, stored
    append_u32(out, length | ~length << 16);
    out.append(block);
  }
  return out;
}

/// Looks at the middle of a chunk: a chunk that hardly shrinks is not worth 20 ms.
bool hardly_shrinks(std::string_view chunk) {
  const std::string_view sample = chunk.substr(chunk.size() / 2, kSample);
  return deflate_chunk(sample).size() * 10 > sample.size() * 9;
}

std::string gzip_chunk(std::string_view chunk) {
  return chunk.size() == kChunk && hardly_shrinks(chunk) ? store_chunk(chunk) : deflate_chunk(chunk);
}

class GzipWriter final : public Compressor {
 public:
  explicit GzipWriter(Sink sink) : sink_(std::move(sink)) {
    // Deflate, no flags, time 0, no extra flags, written on Unix.
    sink_(std::string_view("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10));
  }

  void write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const std::string_view part = bytes.substr(0, kGroup - group_.size());
      group_.append(part);
      bytes.remove_prefix(part.size());
      if (group_.size() == kGroup) flush();
    }
  }

  void finish() override {
    flush();
    std::string end("\x03\x00", 2);  // an empty last block
    append_u32(end, crc_);
    append_u32(end, static_cast<std::uint32_t>(size_));
    sink_(end);
  }

 private:
  void flush() {
    const std::size_t n = (group_.size() + kChunk - 1) / kChunk;
    std::vector<std::string> out(n);
    ExceptionTrap trap;
#pragma omp parallel for schedule(dynamic) if (n > 1)
    for (std::size_t i = 0; i < n; ++i) {
      trap.run(i, [&] { out[i] = gzip_chunk(std::string_view(group_).substr(i * kChunk, kChunk)); });
    }
    trap.rethrow();
    crc_ = libdeflate_crc32(crc_, group_.data(), group_.size());
    size_ += group_.size();
    group_.clear();
    for (const std::string& chunk : out) sink_(chunk);
  }

  Sink sink_;
  std::string group_;
  std::uint32_t crc_ = 0;
  std::uint64_t size_ = 0;
};

class ZstdWriter final : public Compressor {
 public:
  explicit ZstdWriter(Sink sink) : sink_(std::move(sink)), context_(ZSTD_createCCtx()), out_(ZSTD_CStreamOutSize(), '\0') {
    if (!context_) throw machine_error("out of memory in zstd");
    set(ZSTD_c_compressionLevel, kZstdLevel);
    set(ZSTD_c_checksumFlag, 1);
    group_.reserve(kChunk);
  }

  // In pieces of one size, since the places where zstd ends a block may depend on how its input comes.
  void write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const std::string_view part = bytes.substr(0, kChunk - group_.size());
      group_.append(part);
      bytes.remove_prefix(part.size());
      if (group_.size() == kChunk) flush(ZSTD_e_continue);
    }
  }
  void finish() override { flush(ZSTD_e_end); }

 private:
  void set(ZSTD_cParameter parameter, int value) { check(ZSTD_CCtx_setParameter(context_.get(), parameter, value)); }

  static std::size_t check(std::size_t result) {
    if (ZSTD_isError(result)) throw internal_error("zstd: {}", ZSTD_getErrorName(result));
    return result;
  }

  void flush(ZSTD_EndDirective directive) {
    ZSTD_inBuffer in{group_.data(), group_.size(), 0};
    bool done = false;
    while (!done) {
      ZSTD_outBuffer out{out_.data(), out_.size(), 0};
      const std::size_t left = check(ZSTD_compressStream2(context_.get(), &out, &in, directive));
      if (out.pos > 0) sink_(std::string_view(out_).substr(0, out.pos));
      done = directive == ZSTD_e_end ? left == 0 : in.pos == in.size;
    }
    group_.clear();
  }

  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  Sink sink_;
  std::unique_ptr<ZSTD_CCtx, Free> context_;
  std::string group_;
  std::string out_;
};

}  // namespace

std::unique_ptr<Compressor> make_compressor(TarCompression compression, Compressor::Sink sink) {
  switch (compression) {
    case TarCompression::gzip: return std::make_unique<GzipWriter>(std::move(sink));
    case TarCompression::zstd: return std::make_unique<ZstdWriter>(std::move(sink));
    case TarCompression::none: break;
  }
  return std::make_unique<PlainWriter>(std::move(sink));
}

}  // namespace smtrain::formats
