#include "formats/words/vocabulary.h"

#include <catch2/catch.hpp>

#include "formats/record_help.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

std::string refusal(const std::string& text) {
  const ScratchFolder folder;
  const std::string path = folder.write("v", text), message = error_of([&] { read_vocabulary(path); });
  return message.starts_with(path) ? message.substr(path.size()) : message;
}

}  // namespace

TEST_CASE("vocabulary: a line per word, or an object of words and ids", "[formats][words]") {
  const ScratchFolder folder;
  const Vocabulary lines = read_vocabulary(folder.write("vocab.txt", "\xEF\xBB\xBFthe\r\nof\n{x\nund"));
  CHECK(lines.words() == std::vector<std::string>{"the", "of", "{x", "und"});
  CHECK(lines.find("of") == 1u);
  CHECK(lines.find("off") == std::nullopt);
  CHECK(vocabulary_lines(lines) == "the\nof\n{x\nund\n");
  const Vocabulary json = read_vocabulary(folder.write("vocab.src.json", "{\"<pad>\": 0, \"<unk>\": 1, \"d\\u00e9j\\u00e0\": 7, \"\\\"\": 4}"));
  CHECK(json.size() == 4);
  CHECK(json.id_limit() == 8);
  CHECK(json.find("déjà") == 7u);
  CHECK(json.find("\"") == 4u);
  CHECK(json.words()[5].empty());
}

TEST_CASE("vocabulary: written and read again it is the same", "[formats][words]") {
  const ScratchFolder folder;
  const Vocabulary made({"the", "\"quoted\"", "naïve\\", "the"}, true);
  CHECK(made.find("<pad>") == 0u);
  CHECK(made.find("<unk>") == kUnknownId);
  CHECK(made.find("</s>") == 3u);
  CHECK(made.find("the") == kReservedIds);
  CHECK(made.size() == 7);
  const std::string json = vocabulary_json(made);
  CHECK(json.starts_with("{\n    \"<pad>\": 0,\n    \"<unk>\": 1,\n"));
  const Vocabulary back = read_vocabulary(folder.write("v.json", json));
  CHECK(back.words() == made.words());
  CHECK(vocabulary_json(back) == json);
}

TEST_CASE("vocabulary: faults of a file are told", "[formats][words]") {
  CHECK(refusal("").starts_with(": is empty, expected a word per line"));
  CHECK(refusal("a\n\nb\n") == ":2: an empty line, expected a word on every line");
  CHECK(refusal("a\nb\na\n") == ": the word \"a\" stands there twice");
  CHECK(refusal(R"({"a":0,"b":0})") == ": the words \"a\" and \"b\" have the same id 0");
  CHECK(refusal(R"({"a":0,"a":1})") == ": the word \"a\" stands there twice");
  CHECK(refusal(R"({"a":-1})") == ": word \"a\": found -1, expected an id from 0 to 99999999");
  CHECK(refusal(R"({"a":"b"})") == ": word \"a\": found \"b\", expected an id from 0 to 99999999");
  CHECK(refusal(R"({"a":90000000})") == ": word \"a\" has the id 90000000, with 1 words in all");
  CHECK(refusal(R"({"":0})") == ": an empty word has the id 0");
  CHECK(refusal(R"({"a":)").find("expected an object of words and their ids") != std::string::npos);
}

TEST_CASE("vocabulary: words are chosen by frequency, ties in reverse alphabetical order", "[formats][words]") {
  WordCounts counts, more;
  for (const char* word : {"b", "a", "c", "a", "the", "the", "the"}) counts.add(word);
  more.add("c");
  more.add("z", 5);
  counts.merge(more);
  CHECK(counts.tokens() == 13);
  const WordSet stop{"the"};
  CHECK(counts.chosen({}) == std::vector<std::string>{"z", "the", "c", "a", "b"});
  CHECK(counts.chosen({2, 0, &stop}) == std::vector<std::string>{"z", "c", "a"});
  CHECK(counts.chosen({1, 2, &stop}) == std::vector<std::string>{"z", "c"});
}
