#include "formats/manifest/augmented_manifest.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "base/random.h"
#include "formats/scratch_folder.h"

using namespace smtrain;
using namespace smtrain::formats;
using Catch::Contains;

namespace {

const std::vector<std::string> kClass = {"source-ref", "class"};

std::vector<std::string> texts(const std::string& line, const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const Attribute& attribute : parse_manifest_line(line, names, "m:1").attributes) out.push_back(attribute.text);
  return out;
}

template <class Record>
std::vector<Record> all(RecordStream<Record>& stream) {
  std::vector<Record> out, some;
  while (stream.next(some)) out.insert(out.end(), some.begin(), some.end());
  return out;
}

std::vector<AttributeSample> wire_samples(const std::string& path, const std::vector<std::string>& names, int threads) {
  AttributeCutter cutter(names, 1 << 20);
  RecordStream<AttributeSample> stream(
      expand_path(path), cutter, [&](const RawBlock& block, std::vector<AttributeSample>& out) { cutter.parse(block, out); },
      {threads, 4096, 1 << 20});
  return all(stream);
}

}  // namespace

TEST_CASE("manifest: attributes come in the order of the names, as they are sent", "[formats][manifest]") {
  const std::string line = R"({"class": [1, 0, 1], "x": 1.5, "s": "a\"b", "source-ref": "s3://b/x.jpg", "o": {"k": [ 1 ]}})";
  CHECK(texts(line, {"source-ref", "class"}) == std::vector<std::string>{"s3://b/x.jpg", "[1,0,1]"});
  CHECK(texts(line, {"s", "o", "x", "source-ref"}) == std::vector<std::string>{"a\"b", R"({"k":[1]})", "1.5", "s3://b/x.jpg"});
  const ManifestLine parsed = parse_manifest_line(line, kClass, "m:1");
  CHECK(parsed.attributes[0].reference);
  CHECK_FALSE(parsed.attributes[1].reference);
}

TEST_CASE("manifest: class names come from the metadata of the label", "[formats][manifest]") {
  const std::string line =
      R"({"source-ref":"x.jpg","boxes":{},"boxes-metadata":{"class-map":{"0":"cat","12":"dog","x":"no"},"job-name":"j"}})";
  CHECK(class_map_of(parse_manifest_line(line, std::vector<std::string>{"source-ref", "boxes"}, "m:1")) ==
        std::map<std::int64_t, std::string>{{0, "cat"}, {12, "dog"}});
  CHECK(class_map_of(parse_manifest_line(R"({"source-ref":"x","class":"0"})", kClass, "m:1")).empty());
}

TEST_CASE("manifest: names are guessed where one guess is left", "[formats][manifest]") {
  const auto guess = [](const std::string& line) { return guess_attributes(line, "m:1"); };
  CHECK(guess(R"({"class":"0","class-metadata":{},"source-ref":"x"})") == kClass);
  CHECK(guess(R"({"city-ref":"m.png","city-ref-metadata":{},"source-ref":"x"})") ==
        std::vector<std::string>{"source-ref", "city-ref"});
  CHECK_THROWS_WITH(guess(R"({"a":"0","b":"1","source-ref":"x"})"),
                    Contains("m:1: cannot tell") && Contains("\"a\", \"b\", \"source-ref\"") && Contains("--attribute-names"));
  CHECK_THROWS_WITH(guess(R"({"a-ref":"0","b-ref":"1"})"), Contains("cannot tell"));
  CHECK_THROWS_WITH(guess("[1]"), Contains("m:1: expected a JSON object"));
}

TEST_CASE("manifest: what is wrong is named with its line", "[formats][manifest]") {
  CHECK_THROWS_WITH(texts(R"({"source-ref":"x","klass":"0"})", kClass),
                    Contains("m:1: has no attribute \"class\"") && Contains("\"source-ref\", \"klass\""));
  CHECK_THROWS_WITH(texts(R"({"source-ref":3,"class":"0"})", kClass),
                    Contains("attribute \"source-ref\" is 3; expected the URI"));
  CHECK_THROWS_WITH(texts("{", kClass), Contains("m:1: expected a JSON object on each line"));
  CHECK_THROWS_WITH(check_attribute_names(std::vector<std::string>{}), Contains("expected 1 to 16"));
  CHECK_THROWS_WITH(check_attribute_names(std::vector<std::string>(17, "a")), Contains("17 attribute names"));
  CHECK_THROWS_WITH(check_attribute_names(std::vector<std::string>{"a", "a"}), Contains("twice"));
}

TEST_CASE("manifest: lines and what they refer to are read in order for any number of threads", "[formats][manifest]") {
  const ScratchFolder folder;
  std::string manifest = "\xEF\xBB\xBF";
  for (int i = 0; i < 500; ++i) {
    const std::string name = fmt::format("images/{}.jpg", i);
    folder.write(name, fmt::format("bytes of {}", i));
    manifest += fmt::format("{{\"source-ref\":\"{}\",\"class\":{}}}\n{}", i % 2 == 0 ? "s3://b/" + name : name, i,
                            i % 7 == 0 ? "\r\n" : "");
  }
  const std::string path = folder.write("m.manifest", manifest);
  for (const int threads : {1, 3}) {
    ManifestReader reader(expand_path(path), {}, {threads, 2048, 1 << 20});
    CHECK(reader.names() == kClass);
    std::vector<ManifestLine> lines;
    int i = 0;
    while (reader.next(lines)) {
      for (const ManifestLine& line : lines) {
        const AttributeSample sample = read_sample(line, folder.path(), {{"s3://b", folder.path()}}, 1 << 20);
        CHECK(sample.values == std::vector<std::string>{fmt::format("bytes of {}", i), std::to_string(i)});
        ++i;
      }
    }
    CHECK(i == 500);
  }
}

TEST_CASE("manifest: a reference that leads nowhere is named with its line", "[formats][manifest]") {
  const ScratchFolder folder;
  const auto read = [&](const std::string& uri, std::size_t limit = 100) {
    read_sample(parse_manifest_line(fmt::format(R"({{"source-ref":"{}","class":1}})", uri), kClass, "m:7"), folder.path(),
                {{"s3://mapped", folder / "data"}}, limit);
  };
  folder.write("data/large", std::string(101, 'x'));
  CHECK_THROWS_WITH(read("none.jpg"), Contains("m:7: ") && Contains("none.jpg"));
  CHECK_THROWS_WITH(read("s3://b/x.jpg"), Contains("m:7: ") && Contains("--map s3://b=FOLDER"));
  CHECK_THROWS_WITH(read("s3://mapped/../x"), Contains("m:7: ") && Contains("leads out of"));
  CHECK_THROWS_WITH(read("s3://mapped/large"), Contains("m:7: ") && Contains("too large"));
  CHECK_THROWS_WITH(read(""), Contains("m:7: is empty"));
}

TEST_CASE("manifest: samples survive the way through attribute records", "[formats][manifest]") {
  const ScratchFolder folder;
  RandomStream draw(5, "samples");
  const std::vector<std::string> names = {"source-ref", "class", "more"};
  std::vector<AttributeSample> samples(300);
  std::string wire;
  for (AttributeSample& sample : samples) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      std::string value(draw.below(100), '\0');
      for (char& c : value) c = static_cast<char>(draw.below(256));
      if (draw.below(4) == 0) value += "\x0A\x23\xD7\xCE";
      sample.values.push_back(value);
    }
    append_attribute_records(wire, sample);
  }
  const std::string path = folder.write("wire", wire);
  for (const int threads : {1, 3}) {
    const std::vector<AttributeSample> read = wire_samples(path, names, threads);
    REQUIRE(read.size() == samples.size());
    for (std::size_t i = 0; i < read.size(); ++i) CHECK(read[i].values == samples[i].values);
  }
}

TEST_CASE("manifest: a stream that ends within a sample is refused", "[formats][manifest]") {
  const ScratchFolder folder;
  std::string wire;
  append_attribute_records(wire, {"", {"image", "1"}});
  const std::string two = wire;
  append_attribute_records(wire, {"", {"image of the second"}});
  CHECK_THROWS_WITH(wire_samples(folder.write("a", wire), kClass, 1),
                    Contains("sample 2") && Contains("AttributeNames has 2 names but the stream ended after \"source-ref\""));
  CHECK_THROWS_WITH(wire_samples(folder.write("b", two.substr(0, 21)), kClass, 1),
                    Contains("sample 1") && Contains("in the middle of a record"));
  CHECK_THROWS_WITH(wire_samples(folder.write("c", "{\"instances\":[]}"), kClass, 1),
                    Contains("expected the recordIO magic word"));
}
