#include "formats/recordio/framing.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "formats/recordio_samples.h"

using namespace smtrain;
using namespace smtrain::formats::recordio;
using smtrain::formats::testing::bytes_of;
using smtrain::formats::testing::fixture;
using test::error_of;

namespace {

constexpr std::size_t kLimit = 1 << 20;

Frame frame_at(std::string_view bytes, bool at_end = true) {
  Frame frame;
  REQUIRE(read_frame(bytes, at_end, kLimit, "f", frame) == FrameState::complete);
  return frame;
}

std::string payload_of(std::string_view bytes, const Frame& frame) {
  return frame.split ? join(bytes.substr(0, frame.size)) : std::string(frame.payload.begin(), frame.payload.end());
}

std::vector<std::string> payloads_of(std::string_view bytes) {
  std::vector<std::string> payloads;
  while (!bytes.empty()) {
    const Frame frame = frame_at(bytes);
    payloads.push_back(payload_of(bytes, frame));
    bytes.remove_prefix(frame.size);
  }
  return payloads;
}

std::string refusal(std::string_view bytes, std::size_t limit = kLimit) {
  return error_of([&] {
    Frame frame;
    read_frame(bytes, true, limit, "x.pbr", frame);
  });
}

}  // namespace

TEST_CASE("framing: the payload of the worked example is split at the magic word", "[formats][recordio]") {
  std::string out;
  append_frame(out, bytes_of("41 41 41 41 0a 23 d7 ce 42 42"), true);
  CHECK(out == bytes_of("0a 23 d7 ce 04 00 00 20 41 41 41 41 0a 23 d7 ce 02 00 00 60 42 42 00 00"));
}

TEST_CASE("framing: the split fixture is read and written byte for byte", "[formats][recordio]") {
  const std::string file = fixture("framing_split.rec");
  const std::vector<std::string> payloads = payloads_of(file);
  CHECK(payloads == std::vector<std::string>{"plain", bytes_of("41 41 41 41 0a 23 d7 ce 42 42"),
                                             bytes_of("0a 23 d7 ce 43 43 43 43 0a 23 d7 ce")});
  std::string again;
  for (const std::string& payload : payloads) append_frame(again, payload, true);
  CHECK(again == file);
}

TEST_CASE("framing: an unsplit writer's magic word inside a payload is data", "[formats][recordio]") {
  const std::string payload = bytes_of("0a 23 d7 ce 43 43 43 43 0a 23 d7 ce 01");
  std::string out;
  append_frame(out, payload, false);
  CHECK(out.size() == 8 + 16);
  CHECK(payloads_of(out) == std::vector<std::string>{payload});
}

TEST_CASE("framing: random payloads full of magic words come back, split or not", "[formats][recordio]") {
  RandomStream random(7, "framing");
  for (int round = 0; round < 2000; ++round) {
    std::string payload;
    for (std::uint64_t n = random.below(6); n > 0; --n) {
      payload += random.below(2) == 0 ? bytes_of("0a 23 d7 ce") : std::string(random.below(6), 'x');
    }
    for (const bool split : {false, true}) {
      std::string out;
      append_frame(out, payload, split);
      CAPTURE(round, split);
      REQUIRE(out.size() % 4 == 0);
      REQUIRE(payloads_of(out) == std::vector<std::string>{payload});
    }
  }
}

TEST_CASE("framing: a frame cut off anywhere is incomplete, and only its padding may be missing", "[formats][recordio]") {
  std::string plain, split;
  append_frame(plain, "abcde", false);
  append_frame(split, bytes_of("41 41 41 41 0a 23 d7 ce 42"), true);
  for (const std::string& whole : {plain, split}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const std::string_view cut = std::string_view(whole).substr(0, size);
      Frame frame;
      CAPTURE(whole.size(), size);
      CHECK(read_frame(cut, false, kLimit, "f", frame) == FrameState::incomplete);
      const bool only_padding = size >= whole.size() - 3;
      REQUIRE(read_frame(cut, true, kLimit, "f", frame) == (only_padding ? FrameState::complete : FrameState::incomplete));
      if (only_padding) {
        CHECK(frame.missing_padding);
        CHECK(frame.size == size);
        CHECK(payload_of(cut, frame) == payload_of(whole, frame_at(whole)));
      }
    }
  }
}

TEST_CASE("framing: padding bytes are skipped without a look", "[formats][recordio]") {
  CHECK(payloads_of(bytes_of("0a 23 d7 ce 01 00 00 00 41 ff ee dd 0a 23 d7 ce 00 00 00 00")) ==
        std::vector<std::string>{"A", ""});
}

TEST_CASE("framing: what is no record is refused with its bytes", "[formats][recordio]") {
  CHECK_THAT(refusal("1,2,3\n"), Catch::StartsWith("x.pbr: found the bytes 31 2c 32 2c, expected the recordIO magic word 0a 23 d7 ce") &&
                                     Catch::Contains("CSV text"));
  CHECK_THAT(refusal("1"), Catch::StartsWith("x.pbr: found the bytes 31, expected"));
  CHECK_THAT(refusal(bytes_of("0a 23 d7 ce 00 00 00 40")), Catch::Contains("continuation flag 2"));
  CHECK_THAT(refusal(bytes_of("0a 23 d7 ce 00 00 00 e0")), Catch::Contains("continuation flag 7"));
  CHECK_THAT(refusal(bytes_of("0a 23 d7 ce 00 00 00 20 0a 23 d7 ce 00 00 00 00")),
             Catch::Contains("continuation flag 0 at byte 8 of the record, expected 2 or 3"));
  CHECK_THAT(refusal(bytes_of("0a 23 d7 ce 00 00 00 20 0b 23 d7 ce 00 00 00 00")), Catch::Contains("found the bytes 0b 23 d7 ce"));
}

TEST_CASE("framing: a payload above the limit is refused before it is there", "[formats][recordio]") {
  CHECK_THAT(refusal(bytes_of("0a 23 d7 ce 11 00 00 00"), 16), Catch::Contains("a payload of 17 bytes, expected at most 16"));
  CHECK_THAT(refusal(bytes_of("0a 23 d7 ce 08 00 00 20 41 41 41 41 41 41 41 41 0a 23 d7 ce 05 00 00 60"), 16),
             Catch::Contains("a payload of 17 bytes"));
}
