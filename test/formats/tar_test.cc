#include "formats/archive/tar.h"

#include <libdeflate.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>

#include "base/error.h"
#include "formats/raw_tar.h"

using namespace smtrain;
using namespace smtrain::formats;
using namespace smtrain::test;
using Catch::Matchers::Contains;
using Members = std::map<std::string, std::string>;

namespace {

constexpr std::uint64_t kLimit = std::uint64_t{1} << 30;
constexpr TarCompression kAll[] = {TarCompression::none, TarCompression::gzip, TarCompression::zstd};

std::string pack(const Members& members, TarCompression compression, std::int64_t time = 0) {
  std::vector<std::pair<std::string, std::string_view>> list(members.begin(), members.end());
  std::string out;
  write_tar(list, compression, time, [&](std::string_view bytes) { out += bytes; });
  return out;
}

Members unpack(const std::string& bytes, std::uint64_t limit = kLimit) { return read_tar_bytes(bytes, "m.tar", limit); }

std::string refusal(const std::string& bytes, std::uint64_t limit = kLimit) {
  try {
    unpack(bytes, limit);
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::user);
    CHECK_THAT(error.what(), Contains("m.tar"));
    return error.what();
  }
  return "no error";
}

/// An error of the user or the very members: nothing else may come of damaged bytes.
bool refused_or_equal(const std::string& bytes, const Members& expected) {
  try {
    return unpack(bytes) == expected;
  } catch (const Error& error) {
    return error.fault() == Fault::user;
  }
}

std::string gzip(std::string_view bytes) {
  libdeflate_compressor* c = libdeflate_alloc_compressor(6);
  std::string out(libdeflate_gzip_compress_bound(c, bytes.size()), '\0');
  out.resize(libdeflate_gzip_compress(c, bytes.data(), bytes.size(), out.data(), out.size()));
  libdeflate_free_compressor(c);
  return out;
}

std::string zstd(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3));
  return out;
}

std::string noise(std::size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

/// Bytes that shrink, then some that do not, over several chunks and no multiple of anything.
Members large_members() {
  std::string text;
  while (text.size() < 3'000'001) text += "line " + std::to_string(text.size() % 977) + "\n";
  return {{"a", text}, {"b", noise(5'000'003, 1)}, {"c", std::string(2'500'000, '\0')}, {"empty", ""}};
}

}  // namespace

TEST_CASE("tar: what is written is read back, in each compression", "[formats][tar]") {
  const TarCompression compression = kAll[GENERATE(0, 1, 2)];
  const Members small{{"manifest.json", "{}"}, {"folder/model_algo-1", std::string("\0\x01\xff", 3)}, {"empty", ""}};
  CHECK(unpack(pack(small, compression)) == small);
  const Members large = large_members();
  CHECK((unpack(pack(large, compression)) == large));
}

TEST_CASE("tar: long names and names beyond ASCII come back", "[formats][tar]") {
  const Members members{{std::string(180, 'n') + "/" + std::string(120, 'm'), "long"}, {"mod\xc3\xa8le-\xe2\x82\xac", "utf-8"}};
  CHECK(unpack(pack(members, TarCompression::gzip)) == members);
}

TEST_CASE("tar: the bytes depend on the members and the time alone", "[formats][tar]") {
  const TarCompression compression = kAll[GENERATE(0, 1, 2)];
  const Members members = large_members();
  const std::string first = pack(members, compression);
  const mode_t mask = umask(0077);
  const std::filesystem::path folder = std::filesystem::current_path();
  std::filesystem::current_path("/");
  const std::string second = pack(members, compression);
  umask(mask);
  std::filesystem::current_path(folder);
  CHECK((first == second));
  CHECK((first != pack(members, compression, 1'000'000'000)));
}

TEST_CASE("tar: a header holds mode 0644, owner 0 without a name, and the time", "[formats][tar]") {
  const std::string bytes = pack({{"x", "data"}}, TarCompression::none, 0777);
  REQUIRE(bytes.size() == 10240);
  CHECK(bytes.substr(0, 2) == std::string("x\0", 2));
  CHECK(bytes.substr(100, 7) == "000644 ");
  CHECK(bytes.substr(108, 7) == "000000 ");
  CHECK(bytes.substr(116, 7) == "000000 ");
  CHECK(bytes.substr(124, 12) == "00000000004 ");
  CHECK(bytes.substr(136, 12) == "00000000777 ");
  CHECK(bytes.substr(265, 64) == std::string(64, '\0'));
  CHECK(bytes.substr(512, 5) == std::string("data\0", 5));
}

TEST_CASE("tar: gzip is one member with a fixed header", "[formats][tar]") {
  const std::string bytes = pack(large_members(), TarCompression::gzip);
  CHECK(bytes.substr(0, 10) == std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10));
  std::string plain(16'000'000, '\0');
  std::size_t used = 0;
  std::size_t made = 0;
  libdeflate_decompressor* d = libdeflate_alloc_decompressor();
  const auto result = libdeflate_gzip_decompress_ex(d, bytes.data(), bytes.size(), plain.data(), plain.size(), &used, &made);
  libdeflate_free_decompressor(d);
  CHECK(result == LIBDEFLATE_SUCCESS);
  CHECK(used == bytes.size());
  plain.resize(made);
  CHECK((plain == pack(large_members(), TarCompression::none)));
}

TEST_CASE("tar: what a sink throws comes out of write_tar", "[formats][tar]") {
  const TarCompression compression = kAll[GENERATE(0, 1, 2)];
  const std::string data = noise(20'000'000, 2);
  int calls = 0;
  const auto sink = [&](std::string_view) {
    if (++calls == 2) throw machine_error("disk full");
  };
  CHECK_THROWS_WITH(write_tar({{"a", data}}, compression, 0, sink), "disk full");
  CHECK(calls == 2);
}

TEST_CASE("tar: several gzip members and zstd frames are one stream", "[formats][tar]") {
  const Members members = large_members();
  const std::string plain = pack(members, TarCompression::none);
  std::string gz;
  std::string zst;
  for (std::size_t at = 0, n = 1; at < plain.size(); at += n, n = n * 3 + 1) {
    gz += gzip(plain.substr(at, n));
    zst += zstd(plain.substr(at, n));
  }
  CHECK((unpack(gz) == members));
  CHECK((unpack(zst) == members));
  CHECK_THAT(refusal(gz + "garbage"), Contains("something else follows the compressed data"));
  CHECK_THAT(refusal(zst + "garbage"), Contains("something else follows the compressed data"));
}

TEST_CASE("tar: folders are skipped and names normalised", "[formats][tar]") {
  const std::string bytes = raw_member({.name = "./", .type = '5'}) + raw_member({.name = "./a", .data = "1"}) +
                            raw_member({.name = "b/", .type = '5'}) + raw_member({.name = "b//./c", .data = "2"}) + raw_end();
  CHECK(unpack(bytes) == Members{{"a", "1"}, {"b/c", "2"}});
}

TEST_CASE("tar: hostile members are refused by name", "[formats][tar]") {
  const auto only = [](const RawMember& member) {
    return refusal(raw_member({.name = "ok", .data = "1"}) + raw_member(member) + raw_end());
  };
  CHECK(only({.name = "../x"}) == "m.tar: member \"../x\" leads out of the archive");
  CHECK(only({.name = "a/../../x"}) == "m.tar: member \"a/../../x\" leads out of the archive");
  CHECK(only({.name = "/abs"}) == "m.tar: member \"/abs\" leads out of the archive");
  CHECK(only({.name = "../dir/", .type = '5'}) == "m.tar: member \"../dir/\" leads out of the archive");
  CHECK(only({.name = "s", .type = '2', .target = "/etc/passwd"}) == "m.tar: member \"s\" is a symbolic link");
  CHECK(only({.name = "h", .type = '1', .target = "ok"}) == "m.tar: member \"h\" is a hard link");
  CHECK(only({.name = "c", .type = '3'}) == "m.tar: member \"c\" is a device");
  CHECK(only({.name = "d", .type = '4'}) == "m.tar: member \"d\" is a device");
  CHECK(only({.name = "f", .type = '6'}) == "m.tar: member \"f\" is a FIFO");
  CHECK(only({.name = "./ok", .data = "2"}) == "m.tar: member \"./ok\" is there twice");
}

TEST_CASE("tar: names given in pax fields are checked as well", "[formats][tar]") {
  const RawMember fields{.name = "pax", .data = pax_field("path", "../escape"), .type = 'x'};
  const std::string bytes = raw_member(fields) + raw_member({.name = "good", .data = "1"}) + raw_end();
  CHECK_THAT(refusal(bytes), Contains("\"../escape\" leads out of the archive"));
}

TEST_CASE("tar: a sparse member is refused, however large it says it is", "[formats][tar]") {
  const std::string text = pax_field("GNU.sparse.major", "0") + pax_field("GNU.sparse.minor", "1") +
                           pax_field("GNU.sparse.size", "1000000") + pax_field("GNU.sparse.map", "999999,1");
  const std::string bytes = raw_member({.name = "p", .data = text, .type = 'x'}) + raw_member({.name = "big", .data = "1"}) + raw_end();
  CHECK_THAT(refusal(bytes), Contains("member \"big\" is a sparse file"));
}

TEST_CASE("tar: a declared size beyond the limit or beyond the bytes is refused", "[formats][tar]") {
  const std::string lie = raw_member({.name = "big", .data = "1", .size = 0700'0000'0000}) + raw_end();
  CHECK_THAT(refusal(lie), Contains("more than the limit of"));
  CHECK_THAT(refusal(lie, ~std::uint64_t{0}), Contains("\"big\""));
  const Members members{{"a", std::string(600, 'a')}, {"b", std::string(600, 'b')}};
  CHECK(unpack(pack(members, TarCompression::none), 1200) == members);
  CHECK_THAT(refusal(pack(members, TarCompression::none), 1199), Contains("more than the limit of"));
}

TEST_CASE("tar: a bomb stops at the limit", "[formats][tar]") {
  const std::string zeros(200'000'000, '\0');
  const TarCompression compression = kAll[GENERATE(1, 2)];
  const std::string bomb = pack({{"zeros", zeros}}, compression);
  CHECK(bomb.size() < 1'000'000);
  CHECK_THAT(refusal(bomb, 1'000'000), Contains("more than the limit of"));
  // Behind the end mark, where no member declares a size.
  const std::string tail = raw_member({.name = "a", .data = "1"}) + zeros;
  CHECK_THAT(refusal(compression == TarCompression::gzip ? gzip(tail) : zstd(tail), 1'000'000), Contains("more than the limit of"));
}

TEST_CASE("tar: more than 1000 members are refused", "[formats][tar]") {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += raw_member({.name = std::to_string(i)});
  CHECK(unpack(bytes + raw_end()).size() == 1000);
  CHECK_THAT(refusal(bytes + raw_member({.name = "one more"}) + raw_end()), Contains("more than 1000 members"));
}

TEST_CASE("tar: other files are named for what they are", "[formats][tar]") {
  const auto what = [](std::string head) { return refusal(head + std::string(600, 'x')); };
  CHECK_THAT(what("PK\x03\x04"), Contains("a zip archive, not a tar archive; expected .tar, .tar.gz or .tar.zst"));
  CHECK_THAT(what(std::string("\x12\x01\0\0\0\0\0\0", 8)),
             Contains("an MXNet array list (a bare model_algo-1)") && Contains("tar -czf model.tar.gz model_algo-1"));
  CHECK_THAT(what("{\"a\": 1"), Contains("JSON text"));
  CHECK_THAT(what("1,2,3\n"), Contains(": text, not a tar archive"));
  CHECK_THAT(what(std::string("\x28\0\0\0\0\0\0\0{\"w\"", 12)), Contains("a safetensors file"));
  CHECK_THAT(refusal(gzip("1,2,3\n4,5,6\n")), Contains("gzip data, and in it text, not a tar archive"));
  CHECK_THAT(refusal(zstd("PK\x03\x04 and more")), Contains("zstd data, and in it a zip archive"));
  CHECK(refusal("") == "m.tar: is empty; expected a tar archive");
  CHECK_THROWS_WITH(read_tar("/nowhere/model.tar", kLimit), Contains("/nowhere/model.tar"));
}

TEST_CASE("tar: an archive cut between two members is refused", "[formats][tar]") {
  // The last member's bytes look like an end mark.
  const std::string bytes = raw_member({.name = "a", .data = "1"}) + raw_member({.name = "b", .data = std::string(1024, '\0')});
  CHECK_THAT(refusal(bytes), Contains("the tar archive is cut off, its end mark is missing"));
  CHECK_THAT(refusal(bytes.substr(0, 1024)), Contains("its end mark is missing"));
  CHECK(unpack(bytes + raw_end()).size() == 2);
}

TEST_CASE("tar: every truncation is refused and names the file", "[formats][tar]") {
  const TarCompression compression = kAll[GENERATE(1, 2)];
  const std::string bytes = pack({{"a", noise(300, 3)}, {"b", "text"}}, compression);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    CAPTURE(n);
    REQUIRE(refusal(bytes.substr(0, n)) != "no error");
  }
}

TEST_CASE("tar: truncation within a member names it", "[formats][tar]") {
  const std::string bytes = pack({{"a", noise(3000, 4)}}, TarCompression::none);
  CHECK_THAT(refusal(bytes.substr(0, 2000)), Contains("\"a\""));
  const std::string packed = pack({{"a", noise(3'000'000, 4)}}, TarCompression::gzip);
  CHECK_THAT(refusal(packed.substr(0, 2'000'000)), Contains("it is truncated") && Contains("in member \"a\""));
}

TEST_CASE("tar: every flipped bit is an error or changes nothing", "[formats][tar]") {
  const TarCompression compression = kAll[GENERATE(1, 2)];
  const Members members{{"a", noise(100, 5)}, {"b", "text"}};
  const std::string bytes = pack(members, compression);
  std::string flipped = bytes;
  for (std::size_t i = 0; i < 8 * bytes.size(); ++i) {
    CAPTURE(i);
    flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ 1 << i % 8);
    REQUIRE(refused_or_equal(flipped, members));
    flipped[i / 8] = bytes[i / 8];
  }
}

TEST_CASE("tar: every flipped bit of a plain archive is an error or an archive", "[formats][tar]") {
  const std::string bytes = pack({{"a", "some"}, {"b", "text"}}, TarCompression::none).substr(0, 3072);
  std::string flipped = bytes;
  for (std::size_t i = 0; i < 8 * bytes.size(); ++i) {
    flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ 1 << i % 8);
    CAPTURE(i);
    REQUIRE_NOTHROW([&] {
      try {
        unpack(flipped);
      } catch (const Error& error) {
        if (error.fault() != Fault::user) throw;
      }
    }());
    flipped[i / 8] = bytes[i / 8];
  }
}
