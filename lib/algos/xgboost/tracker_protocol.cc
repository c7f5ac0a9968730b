#include "algos/xgboost/tracker_protocol.h"

#include <algorithm>
#include <set>

#include "base/error.h"

namespace smtrain::xgboost {
namespace {

constexpr std::int32_t kMagic = 0xff99;
constexpr std::size_t kMostText = 256, kMostMessage = std::size_t{64} << 10;
constexpr int kMostRounds = 16;

std::int32_t read_int(Wire& wire) {
  std::int32_t value = 0;
  wire.read(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

std::int32_t read_count(Wire& wire, const char* what, std::size_t most) {
  const std::int32_t value = read_int(wire);
  if (value < 0 || static_cast<std::size_t>(value) > most) throw machine_error("{} is {}; expected 0 to {}", what, value, most);
  return value;
}

std::string read_text(Wire& wire, const char* what, std::size_t most) {
  std::string text(static_cast<std::size_t>(read_count(wire, what, most)), '\0');
  wire.read(std::as_writable_bytes(std::span(text)));
  return text;
}

void write_int(Wire& wire, std::int32_t value) { wire.write(std::as_bytes(std::span(&value, 1))); }

void write_text(Wire& wire, const std::string& text) {
  write_int(wire, static_cast<std::int32_t>(text.size()));
  wire.write(std::as_bytes(std::span(text)));
}

void tell_place(Wire& wire, int rank, int size, const Place& place) {
  write_int(wire, rank);
  write_int(wire, place.parent);
  write_int(wire, size);
  write_int(wire, static_cast<std::int32_t>(place.neighbours.size()));
  for (const int neighbour : place.neighbours) write_int(wire, neighbour);
  write_int(wire, place.before);
  write_int(wire, place.behind);
}

}  // namespace

Hello read_hello(Wire& wire) {
  const std::int32_t magic = read_int(wire);
  if (magic != kMagic) throw machine_error("magic number {:#x}; expected {:#x}", static_cast<std::uint32_t>(magic), kMagic);
  write_int(wire, kMagic);
  Hello hello;
  hello.rank = read_int(wire);
  if (hello.rank < -1) throw machine_error("rank {}; expected -1 or more", hello.rank);
  read_int(wire);  // the number of workers is not theirs to say
  hello.task = read_text(wire, "the length of the task's name", kMostText);
  hello.command = read_text(wire, "the length of the command", kMostText);
  return hello;
}

std::string read_message(Wire& wire) { return read_text(wire, "the length of the message", kMostMessage); }

Place place_of(int rank, int size) {
  Place place;
  place.parent = (rank + 1) / 2 - 1;
  for (const int neighbour : {place.parent, 2 * rank + 1, 2 * rank + 2}) {
    if (neighbour >= 0 && neighbour < size) place.neighbours.push_back(neighbour);
  }
  if (size > 1) {
    place.before = (rank + size - 1) % size;
    place.behind = (rank + 1) % size;
  }
  return place;
}

int introduce(Wire& wire, int rank, int size, const std::map<int, Address>& listening) {
  const Place place = place_of(rank, size);
  tell_place(wire, rank, size, place);
  std::set<int> links(place.neighbours.begin(), place.neighbours.end());
  for (const int other : {place.before, place.behind}) {
    if (other >= 0) links.insert(other);
  }
  for (int round = 0; round < kMostRounds; ++round) {
    std::set<int> missing = links;
    for (std::int32_t good = read_count(wire, "the number of good links", links.size()); good > 0; --good) {
      const std::int32_t other = read_int(wire);
      if (missing.erase(other) == 0) throw machine_error("a link to rank {}, which rank {} has none to", other, rank);
    }
    std::vector<int> reach;
    std::copy_if(missing.begin(), missing.end(), std::back_inserter(reach), [&](int other) { return listening.contains(other); });
    write_int(wire, static_cast<std::int32_t>(reach.size()));
    write_int(wire, static_cast<std::int32_t>(missing.size() - reach.size()));
    for (const int other : reach) {
      const Address& address = listening.at(other);
      write_text(wire, address.host);
      write_int(wire, address.port);
      write_int(wire, other);
    }
    if (read_count(wire, "the number of errors", reach.size()) > 0) continue;
    const std::int32_t port = read_int(wire);
    if (port < 1 || port > 65535) throw machine_error("port {}; expected 1 to 65535", port);
    return port;
  }
  throw machine_error("rank {} cannot reach the others", rank);
}

}  // namespace smtrain::xgboost
