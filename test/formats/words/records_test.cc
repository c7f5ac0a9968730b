// Sentences, pairs and translations: written, read, compared; refused.
#include <catch2/catch.hpp>

#include "formats/record_help.h"
#include "formats/recordio/framing.h"
#include "formats/recordio/record.h"
#include "formats/words/pairs.h"
#include "formats/words/sentences.h"
#include "formats/words/translations.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

template <class Record, class Reader, class... More>
std::vector<Record> read(const std::string& path, std::size_t block, More... more) {
  NullLog log;
  Reader reader(expand_path(path), more..., small_blocks(block), log);
  return all_of<Record>(reader);
}

template <class Record, class Reader, class... More>
std::string refusal(const std::string& bytes, More... more) {
  const ScratchFolder folder;
  const std::string path = folder.write("a", bytes), message = error_of([&] { read<Record, Reader>(path, 1 << 16, more...); });
  return message.starts_with(path) ? message.substr(path.size()) : message;
}

std::string pairs_refusal(const std::string& line) { return refusal<TokenPair, PairReader>("{\"in0\":[1],\"in1\":[2]}\n" + line); }
std::string json_refusal(const std::string& line) { return refusal<Sentence, SentenceReader>(line, SentenceReader::Form::json); }
std::string frames_refusal(const std::string& payload) {
  std::string bytes;
  recordio::append_frame(bytes, payload, false);
  return refusal<Translation, TranslationReader>(bytes);
}

std::string word(RandomStream& random) {
  std::string text;
  for (std::size_t n = 1 + random.below(8); n > 0; --n) text += std::string_view("abcdefghij.,\"\\{_")[random.below(16)];
  return text;
}

}  // namespace

TEST_CASE("sentences: labels may stand anywhere in the line", "[formats][words]") {
  const Sentence s = sentence_of("__label__1  bowled by\t__label__x the \v slower one .\r");
  CHECK(s.labels == std::vector<std::string>{"1", "x"});
  CHECK(s.words == "bowled by the slower one .");
  std::string line;
  append_sentence(line, s);
  CHECK(line == "__label__1 __label__x bowled by the slower one .\n");
  CHECK(sentence_of("__label__7").words.empty());
}

TEST_CASE("sentences: the forms of a manifest are read", "[formats][words]") {
  const ScratchFolder folder;
  const std::string path = folder.write("a.jsonl", R"({"source":"linux ready, for","label":1})" "\n" R"({"source":"bowled\nby","label":[1,3]})" "\n"
                                                   R"({"source":"__label__ stays","label":"4"})" "\n" R"({"source":"no label","label-metadata":{}})" "\n");
  const auto all = read<Sentence, SentenceReader>(path, 1 << 16, SentenceReader::Form::json);
  CHECK(all == std::vector<Sentence>{{{"1"}, "linux ready, for"}, {{"1", "3"}, "bowled by"}, {{"4"}, "__label__ stays"}, {{}, "no label"}});
  CHECK(json_refusal(R"({"label":1})").starts_with(":1: source: found nothing, expected a string as in {"));
  CHECK(json_refusal(R"({"source":"a","label":-1})") == ":1: label: found -1, expected an integer from 0");
  CHECK(json_refusal(R"({"source":"a","label":[0,"x"]})") == ":1: label[1]: found \"x\", expected an integer from 0");
  std::string out;
  CHECK(error_of([&] { append_sentence_json(out, {{"spam"}, "a"}); }).starts_with("label \"spam\": a manifest holds labels as integers"));
}

TEST_CASE("sentences: random ones come back from both forms at any block size", "[formats][words]") {
  const ScratchFolder folder;
  RandomStream random(41, "sentences");
  for (int round = 0; round < 20; ++round) {
    std::vector<Sentence> all(1 + random.below(40));
    std::string lines, json;
    for (Sentence& s : all) {
      for (std::size_t n = random.below(3); n > 0; --n) s.labels.push_back(std::to_string(random.below(1000)));
      for (std::size_t n = 1 + random.below(9); n > 0; --n) s.words += (s.words.empty() ? "" : " ") + word(random);
      append_sentence(lines, s);
      append_sentence_json(json, s);
    }
    const std::size_t block = 1 + random.below(300);
    CHECK(read<Sentence, SentenceReader>(folder.write("a.txt", lines), block, SentenceReader::Form::lines) == all);
    CHECK(read<Sentence, SentenceReader>(folder.write("a.jsonl", json), block, SentenceReader::Form::json) == all);
  }
}

TEST_CASE("pairs: problems name line and field", "[formats][words]") {
  CHECK(pairs_refusal(R"({"in0":[1]})").starts_with(":2: in1: the field is not there, expected an object such as {"));
  CHECK(pairs_refusal(R"({"in0":[],"in1":[1]})") == ":2: in0: an empty list, expected at least one token id");
  CHECK(pairs_refusal(R"({"in0":[1,-2],"in1":[1]})") == ":2: in0[1]: found -2, expected an integer from 0 to 2147483647");
  CHECK(pairs_refusal(R"({"in0":["a"],"in1":[1]})") == ":2: in0[0]: found \"a\", expected an integer from 0 to 2147483647");
  CHECK(pairs_refusal(R"({"in0":[1],"in1":2})") == ":2: in1: found 2, expected a list of integers");
  CHECK(pairs_refusal(R"({"in0":[1],"in1":[2],"label":"yes"})") == ":2: label: found \"yes\", expected a number");
}

TEST_CASE("pairs: random ones come back at any block size", "[formats][words]") {
  const ScratchFolder folder;
  RandomStream random(42, "pairs");
  const auto ids = [&] {
    std::vector<std::uint32_t> list(1 + random.below(12));
    for (std::uint32_t& id : list) id = static_cast<std::uint32_t>(random.below(random.below(2) == 0 ? 9 : 0x7FFFFFFF));
    return list;
  };
  std::vector<TokenPair> all(200);
  std::string text;
  for (TokenPair& pair : all) {
    pair = {ids(), ids(), std::nullopt};
    if (random.below(3) > 0) pair.label = random.below(2) == 0 ? static_cast<double>(random.below(30)) : random.normal();
    append_pair(text, pair);
  }
  const std::string path = folder.write("a.jsonl", text);
  for (const std::size_t block : {1, 100, 1000, 1 << 20}) CHECK(read<TokenPair, PairReader>(path, block) == all);
}

TEST_CASE("translations: a record has the bytes that the format describes", "[formats][words]") {
  std::string bytes;
  append_translation(bytes, {{5, 300}, {7}}, false);
  // Lengths are taken here from the parts: key 2 + 6, value 2 + tensor.
  const auto entry = [](const std::string& name, const std::string& packed) {
    const auto field = [](int tag, const std::string& content) { return std::string{static_cast<char>(tag), static_cast<char>(content.size())} + content; };
    return field(0x0a, field(0x0a, name) + field(0x12, field(0x3a, field(0x0a, packed))));
  };
  std::string expected;
  recordio::append_frame(expected, entry("source", "\x05\xac\x02") + entry("target", "\x07"), false);
  CHECK(bytes == expected);
}

TEST_CASE("translations: problems name record, byte and field", "[formats][words]") {
  const auto record = [](std::vector<std::int32_t> source, std::vector<std::int32_t> target, const char* name = "target") {
    std::string payload;
    const recordio::NamedIntegers features[] = {{"source", source}, {name, target}};
    recordio::append_integer_record(payload, features);
    return payload;
  };
  CHECK(frames_refusal(record({1}, {2}, "other")) == ", record 0 (byte 0): features: no key \"target\", expected integers under the keys \"source\" and \"target\"");
  CHECK(frames_refusal(record({1, -7}, {2})) == ", record 0 (byte 0): features.source.int32_tensor.values[1]: found -7, expected a token id from 0");
  CHECK(frames_refusal(record({1}, {})) == ", record 0 (byte 0): features.target.int32_tensor.values: no token, expected at least one");
  CHECK(frames_refusal("\x0a").find("expected a Record message") != std::string::npos);
  const float values[] = {1.5f};
  std::string floats;
  recordio::append_record(floats, values, nullptr, {});
  CHECK(frames_refusal(floats).find("features: no key \"source\"") != std::string::npos);
}

TEST_CASE("translations: random ones come back, in parts too, and all prefixes of a file are refused or shorter", "[formats][words]") {
  const ScratchFolder folder;
  RandomStream random(43, "translations");
  const auto ids = [&] {
    std::vector<std::int32_t> list(1 + random.below(12));
    for (std::int32_t& id : list) id = static_cast<std::int32_t>(random.below(random.below(2) == 0 ? 9 : 0x7FFFFFFF));
    return list;
  };
  for (const bool split : {false, true}) {
    std::vector<Translation> all(150);
    std::string bytes;
    for (Translation& t : all) append_translation(bytes, t = {ids(), ids()}, split);
    const std::string path = folder.write("a.rec", bytes);
    for (const std::size_t block : {1, 100, 1000, 1 << 20}) CHECK(read<Translation, TranslationReader>(path, block) == all);
  }
  std::string bytes;
  for (int i = 0; i < 3; ++i) append_translation(bytes, {{1, 2, 300}, {4}}, false);
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    const std::string path = folder.write("b.rec", bytes.substr(0, size));
    const std::string message = error_of([&] { read<Translation, TranslationReader>(path, 64); });
    if (message == "no error") CHECK((size % (bytes.size() / 3) == 0 || size % (bytes.size() / 3) + 4 > bytes.size() / 3));
    else CHECK(message.starts_with(path));
  }
}
