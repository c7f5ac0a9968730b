// Any bytes are an archive or a user Error; what was read is written, and read as the same again.
#include "formats/archive/zip.h"

#include "fuzz_help.h"

using namespace smtrain;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t kLimit = std::uint64_t{1} << 20;
  std::map<std::string, std::string> read;
  if (!fuzz::accepts([&] { read = formats::read_zip(fuzz::text_of(data, size), "fuzz", kLimit); })) return 0;
  std::uint64_t bytes = 0;
  std::vector<std::pair<std::string, std::string_view>> members;
  for (const auto& [name, member] : read) {
    fuzz::require(!name.empty() && name.front() != '/');
    bytes += member.size();
    // Other names are read, and never written.
    if (std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < '\x7f'; })) members.emplace_back(name, member);
  }
  fuzz::require(bytes <= kLimit);
  const std::map<std::string, std::string> written(members.begin(), members.end());
  fuzz::require(members.empty() || formats::read_zip(formats::write_zip(members), "again", kLimit) == written);
  return 0;
}
