// Tar archives built by hand from 512-byte headers, so that tests can say what no honest writer would.
#pragma once

#include <cstdio>
#include <cstring>
#include <string>

namespace smtrain::test {

struct RawMember {
  std::string name = {};
  std::string data = {};
  char type = '0';        // '0' file, '1' hard link, '2' symbolic link, '3' device, '5' folder, '6' FIFO, 'x' pax fields
  std::string target = {};  // of links
  long long size = -1;    // as declared; -1: the data's
};

inline std::string raw_header(const RawMember& member) {
  std::string block(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) { block.replace(at, text.size(), text); };
  const auto octal = [](unsigned long long value, int digits) {
    char text[32];
    std::snprintf(text, sizeof text, "%0*llo", digits, value);
    return std::string(text);
  };
  put(0, member.name);
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, octal(member.size < 0 ? member.data.size() : static_cast<unsigned long long>(member.size), 11));
  put(136, "00000000000");
  put(148, "        ");
  put(156, std::string(1, member.type));
  put(157, member.target);
  put(257, std::string("ustar\0" "00", 8));
  unsigned sum = 0;
  for (const unsigned char c : block) sum += c;
  put(148, octal(sum, 6) + std::string("\0 ", 2));
  return block;
}

inline std::string raw_member(const RawMember& member) {
  std::string out = raw_header(member) + member.data;
  out.append((512 - out.size() % 512) % 512, '\0');
  return out;
}

/// A field of a pax header: its length, in which the length itself counts, then "key=value".
inline std::string pax_field(const std::string& key, const std::string& value) {
  std::size_t length = key.size() + value.size() + 4;
  while (std::to_string(length).size() + key.size() + value.size() + 3 != length) ++length;
  return std::to_string(length) + " " + key + "=" + value + "\n";
}

inline std::string raw_end() { return std::string(1024, '\0'); }

}  // namespace smtrain::test
