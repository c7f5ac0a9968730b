#include "formats/io/byte_stream.h"

#include <libdeflate.h>
#include <sys/stat.h>
#include <zstd.h>

#include <catch2/catch.hpp>
#include <algorithm>
#include <csignal>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include "base/signals.h"
#include "formats/scratch_folder.h"
#include "formats/table_help.h"

using namespace smtrain;
using namespace smtrain::formats;
using Catch::Matchers::Contains;

namespace {

std::string gzipped(const std::string& text) {
  const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> c(libdeflate_alloc_compressor(6),
                                                                                        libdeflate_free_compressor);
  std::string out(libdeflate_gzip_compress_bound(c.get(), text.size()), '\0');
  out.resize(libdeflate_gzip_compress(c.get(), text.data(), text.size(), out.data(), out.size()));
  return out;
}

std::string zstd_packed(const std::string& text, bool checksum = true, int window_log = 0) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> c(ZSTD_createCCtx(), ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(c.get(), ZSTD_c_checksumFlag, checksum);
  ZSTD_CCtx_setParameter(c.get(), ZSTD_c_contentSizeFlag, window_log == 0);
  if (window_log != 0) ZSTD_CCtx_setParameter(c.get(), ZSTD_c_windowLog, window_log);
  std::string out(ZSTD_compressBound(text.size()) + 64, '\0');
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  // Begun without an end in sight, so that the size of the window is what was asked for.
  if (window_log != 0) ZSTD_compressStream2(c.get(), &to, &in, ZSTD_e_flush);
  REQUIRE(ZSTD_compressStream2(c.get(), &to, &in, ZSTD_e_end) == 0);
  out.resize(to.pos);
  return out;
}

std::string skippable_frame(const std::string& content) {
  std::string out = "\x5A\x2A\x4D\x18";
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(content.size() >> shift);
  return out + content;
}

std::string random_text(std::size_t size) {
  std::mt19937 random(static_cast<unsigned>(size));
  std::string text;
  while (text.size() < size) text += std::to_string(random() % 1000) + ',';
  text.resize(size);
  return text;
}

std::string drain(ByteStream& stream, std::size_t step) {
  std::string out;
  std::string piece(step, '\0');
  while (true) {
    const std::size_t got = stream.read(std::span(piece.data(), piece.size()));
    out.append(piece, 0, got);
    if (got < step) return out;
  }
}

struct OneFile {
  ScratchFolder folder;
  InputFile file;
  explicit OneFile(const std::string& bytes) {
    folder.write("data.bin", bytes);
    file = {folder / "data.bin", "train/data.bin", true, bytes.size()};
  }
};

std::string content(const std::string& bytes, std::size_t step = 100000) {
  const OneFile one(bytes);
  return drain(*open_bytes(one.file), step);
}

std::string refusal(const std::string& bytes) {
  return error_of([&] { content(bytes); });
}

}  // namespace

TEST_CASE("byte stream: plain files of every small size, read in pieces of any size, and sought", "[formats][byte_stream]") {
  for (const std::size_t size : {0u, 1u, 3u, 4u, 5u, 1000u}) {
    const std::string text = random_text(size);
    for (const std::size_t step : {1u, 3u, 4u, 7u, 5000u}) CHECK(content(text, step) == text);
  }
  const std::string text = random_text(3000000);
  const OneFile one(text);
  const std::unique_ptr<ByteStream> stream = open_bytes(one.file);
  CHECK(stream->compression() == "");
  CHECK_FALSE(stream->slow());
  CHECK(drain(*stream, 1 << 20) == text);
  CHECK(stream->consumed() == text.size());
  REQUIRE(stream->can_seek());
  for (const std::size_t offset : {0u, 2u, 4u, 1234567u, 3000000u}) {
    stream->seek(offset);
    CHECK(stream->consumed() == offset);
    CHECK(drain(*stream, 1 << 20) == text.substr(offset));
  }
}

TEST_CASE("byte stream: gzip and zstd are seen by content and read on through members and frames", "[formats][byte_stream]") {
  const std::string a = random_text(2500000), b = random_text(1234), empty;
  for (const std::size_t step : {std::size_t{1000}, std::size_t{1} << 20, std::size_t{10000000}}) {
    CHECK(content(gzipped(a), step) == a);
    CHECK(content(gzipped(a) + gzipped(empty) + gzipped(b) + gzipped(a), step) == a + b + a);
    CHECK(content(zstd_packed(a), step) == a);
    CHECK(content(skippable_frame("x") + zstd_packed(a) + skippable_frame("") + zstd_packed(empty) + zstd_packed(b, false), step) == a + b);
  }
  CHECK(content(gzipped(empty)).empty());
  CHECK(content(zstd_packed(empty)).empty());
  const OneFile one(gzipped(a));
  const std::unique_ptr<ByteStream> stream = open_bytes(one.file);
  CHECK(stream->compression() == "gzip");
  CHECK(stream->slow());
  CHECK_FALSE(stream->can_seek());
  drain(*stream, 1000);
  CHECK(stream->consumed() == one.file.size);
}

TEST_CASE("byte stream: gzip members that straddle every boundary of reading", "[formats][byte_stream]") {
  // Members around the 1 MiB at which compressed bytes are read, shifted byte by byte.
  std::string big((std::size_t{1} << 20) + 5000, '\0');
  std::mt19937 random(5);
  for (char& c : big) c = static_cast<char>(random());
  const std::string first = gzipped(big.substr(0, (1 << 20) - 60)), second = gzipped("second"), third = gzipped("third");
  for (std::size_t cut = 0; cut < 48; ++cut) {
    const std::string text = big.substr(cut, (1 << 20) - 400 - cut);
    const std::string packed = gzipped(text) + gzipped(random_text(cut)) + second + third;
    CAPTURE(cut);
    CHECK((content(packed, 1 << 22) == text + random_text(cut) + "secondthird"));
  }
}

TEST_CASE("byte stream: truncated at any byte, compressed data is refused", "[formats][byte_stream]") {
  const std::string text = random_text(300);
  for (const std::string& packed : {gzipped(text), zstd_packed(text), zstd_packed(text, false)})
    for (std::size_t size = 4; size < packed.size(); ++size) {
      CAPTURE(size);
      CHECK_THAT(refusal(packed.substr(0, size)), Contains("train/data.bin: ") && Contains("truncated"));
    }
}

TEST_CASE("byte stream: damage is refused with the compressed offset", "[formats][byte_stream]") {
  const std::string text = random_text(100000);
  std::string packed = gzipped(text);
  packed[packed.size() - 6] ^= 1;
  CHECK_THAT(refusal(packed), Contains("train/data.bin: gzip data at compressed offset ") && Contains("checksum"));
  packed = gzipped(text);
  packed[packed.size() - 1] ^= 1;
  CHECK_THAT(refusal(packed), Contains("checksum or length"));
  for (std::size_t at = 20; at < 2000; at += 97) {
    packed = gzipped(text);
    packed[at] ^= 0x55;
    CHECK_THAT(refusal(packed), Contains("gzip data at compressed offset"));
    packed = zstd_packed(text);
    packed[at] ^= 0x55;
    CHECK_THAT(refusal(packed), Contains("zstd data at compressed offset"));
  }
}

TEST_CASE("byte stream: anything behind the compressed data is refused, zeros too", "[formats][byte_stream]") {
  const std::string gzip = gzipped("1,2\n"), zstd = zstd_packed("1,2\n");
  for (const std::string& tail : {std::string("x"), std::string(1, '\0'), std::string(4096, '\0'), std::string("1,2,3\n"), std::string("\x1F")}) {
    CHECK_THAT(refusal(gzip + tail), Contains("offset " + std::to_string(gzip.size())) && Contains("something else follows"));
    CHECK_THAT(refusal(zstd + tail), Contains("offset " + std::to_string(zstd.size())) && Contains("something else follows"));
  }
  CHECK_THAT(refusal(gzip + zstd), Contains("something else follows"));
}

TEST_CASE("byte stream: a zstd window beyond 128 MiB is refused, 128 MiB is read", "[formats][byte_stream]") {
  const std::string text = random_text(1000);
  CHECK(content(zstd_packed(text, true, 27)) == text);
  CHECK_THAT(refusal(zstd_packed(text, true, 28)), Contains("its window is larger than 128 MiB"));
}

TEST_CASE("byte stream: a FIFO is read to its end, plain and compressed", "[formats][byte_stream]") {
  const std::string text = random_text(300000);
  for (const std::string& bytes : {text, gzipped(text), zstd_packed(text)}) {
    const ScratchFolder folder;
    REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
    std::thread writer([&] { std::ofstream(folder / "pipe", std::ios::binary) << bytes; });
    const std::unique_ptr<ByteStream> stream = open_bytes({folder / "pipe", "pipe", false, std::nullopt});
    CHECK(stream->slow());
    CHECK_FALSE(stream->can_seek());
    CHECK((drain(*stream, 65536) == text));
    writer.join();
  }
}

TEST_CASE("byte stream: what cannot be opened is the user's fault", "[formats][byte_stream]") {
  const ScratchFolder folder;
  CHECK_THAT(error_of([&] { open_bytes({folder / "none", "none", true, std::nullopt}); }), Contains("none") && Contains("No such file"));
  CHECK_THAT(error_of([&] { open_bytes({folder.path(), "folder", true, std::nullopt}); }), Contains("directory"));
}

TEST_CASE("byte stream: a request to stop ends the reading", "[formats][byte_stream]") {
  const OneFile one(gzipped(random_text(5000000)));
  const std::unique_ptr<ByteStream> stream = open_bytes(one.file);
  std::string piece(1000, '\0');
  stream->read(std::span(piece.data(), piece.size()));
  request_stop(SIGTERM);
  CHECK_THROWS_AS(drain(*stream, 1 << 20), Error);
  request_stop(0);
}
