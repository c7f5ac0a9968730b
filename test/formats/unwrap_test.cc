#include "formats/recordio/unwrap.h"

#include <catch2/catch.hpp>
#include <random>

#include "base/error.h"
#include "formats/recordio/framing.h"

using namespace smtrain;
using namespace smtrain::formats;
using Catch::Matchers::Contains;

namespace {

const std::string kMagic = std::string("\x0A\x23\xD7\xCE", 4);

std::string wrapped(const std::vector<std::string>& objects, bool split = false) {
  std::string out;
  for (const std::string& object : objects) recordio::append_frame(out, object, split);
  return out;
}

// All bytes of the unwrapped stream, read `step` at a time.
std::string unwrapped(const std::string& bytes, std::size_t step = 1 << 16) {
  const auto stream = recordio::unwrap(open_bytes_in_memory(bytes, "objects"), "objects");
  std::string out, buffer(step, '\0');
  for (std::size_t got = step; got == step;) {
    got = stream->read(buffer);
    out.append(buffer, 0, got);
  }
  return out;
}

}  // namespace

TEST_CASE("unwrap: objects follow each other, each with a newline at its end", "[formats]") {
  CHECK(unwrapped(wrapped({"1,2\n", "3,4", "5,6\n7,8"})) == "1,2\n3,4\n5,6\n7,8\n");
  CHECK(unwrapped(wrapped({"", "1,2", ""})) == "1,2\n");
  CHECK(unwrapped("").empty());
  CHECK(unwrapped(wrapped({"{\"features\": [1]}"})) == "{\"features\": [1]}\n");
}

TEST_CASE("unwrap: protobuf records stay as they are", "[formats]") {
  const std::string record("\x0A\x0D\x0A\x06values\x12\x03\x12\x01\x02", 15);
  CHECK(unwrapped(wrapped({record, record})) == wrapped({record, record}));
}

TEST_CASE("unwrap: files of records that were wrapped again come out as files of records", "[formats]") {
  const std::string file = wrapped({std::string("\x0A\x0D\x0A\x06values\x12\x03\x12\x01\x02", 15)});
  CHECK(unwrapped(wrapped({file, file})) == file + file);
}

TEST_CASE("unwrap: split records are joined", "[formats]") {
  const std::string object = "1,2\n" + kMagic + "3,4\n" + kMagic + kMagic + "56";
  CHECK(unwrapped(wrapped({"0,0\n", object}, true)) == "0,0\n" + object + "\n");
}

TEST_CASE("unwrap: any size of object and of read", "[formats]") {
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 100; ++trial) {
    std::vector<std::string> objects;
    std::string expected;
    for (std::size_t i = 0; i < 1 + random() % 5; ++i) {
      std::string object = "9";
      object.resize(random() % (trial % 10 == 0 ? 20000 : 40), '7');
      objects.push_back(object);
      expected += object + (object.empty() ? "" : "\n");
    }
    const std::string bytes = wrapped(objects);
    CHECK(unwrapped(bytes) == expected);
    CHECK(unwrapped(bytes, 1 + random() % 7) == expected);
  }
}

TEST_CASE("unwrap: what is no sequence of records is refused with the place", "[formats]") {
  const std::string good = wrapped({"1,2\n"});
  CHECK_THROWS_WITH(unwrapped(good + "1,2\n3,4\n"), Contains("objects, byte 12 (object 1): expected the recordIO magic word"));
  CHECK_THROWS_WITH(unwrapped("1,2\n3,4\n5,6\n"), Contains("byte 0") && Contains("RecordWrapperType"));
  CHECK_THROWS_WITH(unwrapped(wrapped({"1,2\n3,4\n"}).substr(0, 12)), Contains("ends in the middle"));
  CHECK_THROWS_WITH(unwrapped(good + good.substr(0, 5)), Contains("ends in the middle"));
  std::string flag = wrapped({"1,2\n", "3,4\n"});
  flag[12 + 7] = '\x40';
  CHECK_THROWS_WITH(unwrapped(flag), Contains("continuation flag"));
  CHECK(unwrapped(wrapped({"1,2"}).substr(0, 11)) == "1,2\n");  // only the padding is missing
}
