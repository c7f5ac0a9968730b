// How XGBoost's workers find each other: the words between one of them and the tracker. Numbers are int32 in the byte order of the
// machine, texts a length and bytes. A worker says
//   magic -> and hears magic; its rank (-1 before it has one), the number of workers it expects (-1: none), its task, a command
// and, where the command is "start", hears
//   its rank, its parent in the tree, the number of workers, its neighbours in the tree, its places before and behind in the ring
// and then, until it reports no error,
//   good links (count, ranks) -> to connect to (count), to wait for (count), address, port and rank of each to connect to -> errors (count)
// and at last says the port that it listens at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace smtrain::xgboost {

/// Bytes to and from one worker. read() fills all of `into`, write() takes all of `bytes`, or they throw.
class Wire {
 public:
  virtual ~Wire() = default;
  virtual void read(std::span<std::byte> into) = 0;
  virtual void write(std::span<const std::byte> bytes) = 0;
};

struct Hello {
  int rank = -1;
  std::string task;
  std::string command;  ///< "start", "print", "shutdown"
};

/// Throws a machine Error: another magic number, a text of more than 256 bytes, a rank below -1.
Hello read_hello(Wire& wire);

/// The text of a "print", at most 64 KiB of it.
std::string read_message(Wire& wire);

/// Where a worker stands: in a tree that sums are combined along, and in a ring of ascending ranks.
struct Place {
  int parent = -1;
  std::vector<int> neighbours;  ///< in the tree, ascending
  int before = -1, behind = -1; ///< in the ring; -1: alone
};
Place place_of(int rank, int size);

struct Address {
  std::string host;
  int port = 0;
};

/// Tells a worker its place and those whom it is to connect to: neighbours of a lower rank, which are in `listening`. Returns the port
/// where it waits for the others. Throws a machine Error when it says what no worker would.
int introduce(Wire& wire, int rank, int size, const std::map<int, Address>& listening);

}  // namespace smtrain::xgboost
