// Zip archives in memory: what the service packs model_algo-1 into for linear learner and factorization machines.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smtrain::formats {

/// Whether bytes begin as a zip archive with members does.
bool is_zip(std::string_view bytes);

/// Members in the given order, stored as they are, all of the earliest time that zip knows (1980-01-01): the same members give the
/// same bytes, whatever the clock and the time zone. Zip64 where sizes ask for it. Names are ASCII without blanks, relative and
/// not repeated: another is an internal error.
std::string write_zip(const std::vector<std::pair<std::string, std::string_view>>& members);

/// All files by normalised name ("./a" is "a"); stored or deflated. `name` is for messages. At most `limit` bytes in all and 1000
/// members; checksums are verified. Links, encrypted and repeated members, absolute names and ".." are refused with the member's
/// name. Folders are skipped. All refusals are user Errors that name the archive and, within it, the member.
std::map<std::string, std::string> read_zip(std::string_view bytes, const std::string& name, std::uint64_t limit);

}  // namespace smtrain::formats
