// Any bytes as what a worker says to the tracker: it is introduced to the others or refused, and hears a bounded answer.
#include <cstdint>
#include <cstring>
#include <map>

#include "algos/xgboost/tracker_protocol.h"
#include "base/error.h"
#include "fuzz_help.h"

using namespace smtrain;
using namespace smtrain::xgboost;
using fuzz::require;

namespace {

class Bytes final : public Wire {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  void read(std::span<std::byte> into) override {
    if (into.size() > size_) throw machine_error("the connection was closed");
    std::memcpy(into.data(), data_, into.size());
    data_ += into.size();
    size_ -= into.size();
  }
  void write(std::span<const std::byte> bytes) override { heard += bytes.size(); }
  std::size_t heard = 0;

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const int workers = 1 + data[0] % 40, rank = data[1] % workers;
  Bytes wire(data + 2, size - 2);
  std::map<int, Address> listening;
  for (int other = 0; other < rank; ++other) listening[other] = {"127.0.0.1", 5000 + other};
  try {
    const Hello hello = read_hello(wire);
    require(hello.rank >= -1 && hello.task.size() <= 256 && hello.command.size() <= 256);
    if (hello.command == "print") require(read_message(wire).size() <= std::size_t{64} << 10);
    if (hello.command != "start") return 0;
    const int port = introduce(wire, rank, workers, listening);
    require(port >= 1 && port <= 65535);
  } catch (const Error& e) {
    require(e.fault() == Fault::machine);
  }
  // The place, and the addresses of at most five links in each of at most sixteen rounds.
  require(wire.heard <= 4 * (1 + 7 + 5) + 16 * (8 + 5 * (12 + 9)));
  return 0;
}
