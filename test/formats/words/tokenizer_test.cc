#include "formats/words/tokenizer.h"

#include <catch2/catch.hpp>

#include <vector>

#include "base/random.h"
#include "formats/words/unicode.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

using Words = std::vector<std::string>;

Words tokens(std::string_view text, Tokens kind = Tokens::words, bool lower = true) {
  Words found;
  Tokenizer tokenizer(text, kind, lower);
  for (std::string_view token; tokenizer.next(token);) found.emplace_back(token);
  return found;
}

}  // namespace

TEST_CASE("tokenizer: words are letters, digits and the marks on them", "[formats][words]") {
  CHECK(tokens("The quick, brown fox-trot; isn't it?") == Words{"the", "quick", "brown", "fox-trot", "isn't", "it"});
  CHECK(tokens("ÄRGER über STRAẞE, Ωμέγα ЖУК") == Words{"ärger", "über", "straße", "ωμέγα", "жук"});
  CHECK(tokens("3.14, 1,000 and 2nd v2.") == Words{"3.14", "1,000", "and", "2nd", "v2"});
  CHECK(tokens("e\xCC\x81t\xC3\xA9") == Words{"e\xCC\x81t\xC3\xA9"});
  CHECK(tokens("rock 'n' roll - 'quoted' end.Next snake_case") == Words{"rock", "n", "roll", "quoted", "end", "next", "snake_case"});
  CHECK(tokens("東京タワー ひらがな") == Words{"東", "京", "タワー", "ひ", "ら", "が", "な"});
  CHECK(tokens("").empty());
  CHECK(tokens(" ... \t").empty());
  CHECK(tokens("a\xFF\xC3(b\xE2\x82") == Words{"a", "b"});
}

TEST_CASE("tokenizer: marks are tokens of their own where they are wanted", "[formats][words]") {
  CHECK(tokens("Ready for Prime-Time, Intel says.", Tokens::marks) == Words{"ready", "for", "prime-time", ",", "intel", "says", "."});
  CHECK(tokens("$5 (50%) …!\xC2\xA0?", Tokens::marks) == Words{"$", "5", "(", "50", "%", ")", "…", "!", "?"});
}

TEST_CASE("tokenizer: blanks of every kind set tokens apart, and the case may stay", "[formats][words]") {
  CHECK(tokens("  Two young,\tWhite\xC2\xA0males\xE3\x80\x80near. ", Tokens::blanks, false) == Words{"Two", "young,", "White", "males", "near."});
  CHECK(tokens("AB cd", Tokens::words, false) == Words{"AB", "cd"});
}

TEST_CASE("unicode: characters are read as they were written", "[formats][words]") {
  for (char32_t c = 1; c < 0x110000; c += c < 0x3000 ? 1 : 257) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    append_character(text, c);
    std::string_view rest = text;
    CHECK(next_character(rest) == c);
    CHECK(rest.empty());
  }
}

TEST_CASE("unicode: bytes that are no UTF-8 come one by one", "[formats][words]") {
  for (const std::string text : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE0\x80\x80", "\x80\xBF", "\xF8\x88\x80\x80\x80"}) {
    std::string_view rest = text;
    while (!rest.empty()) CHECK(next_character(rest) == kReplacement);
    CHECK(lower_case(text) == text);
  }
}

TEST_CASE("unicode: lower case of what has one, twice the same", "[formats][words]") {
  CHECK(lower_case("ÀÉÎÕÜ ÇŠŽ ΑΒΓ ДЖ Ā Ǆ 𐐀 İ") == "àéîõü çšž αβγ дж ā ǆ 𐐨 i");
  CHECK(lower_case("already ß ł") == "already ß ł");
  for (char32_t c = 1; c < 0x20000; ++c) {
    if (lower_of(lower_of(c)) != lower_of(c)) FAIL(static_cast<std::uint32_t>(c));
  }
}

TEST_CASE("tokenizer: of any bytes the tokens come in their order, and words have no blanks", "[formats][words]") {
  RandomStream random(7, "bytes");
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (std::size_t n = random.below(60); n > 0; --n) text += static_cast<char>(random.below(3) == 0 ? random.below(256) : 32 + random.below(90));
    for (const Tokens kind : {Tokens::words, Tokens::marks, Tokens::blanks}) {
      std::size_t at = 0;
      for (const std::string& token : tokens(text, kind, false)) {
        REQUIRE_FALSE(token.empty());
        CHECK(token.find(' ') == std::string::npos);
        at = text.find(token, at);
        REQUIRE(at != std::string::npos);
        at += token.size();
      }
    }
  }
}
