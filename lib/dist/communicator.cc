#include "dist/communicator.h"

namespace smtrain::dist {
namespace {

class SingleProcess final : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void allreduce(std::span<double>) override {}
  void broadcast(std::span<std::byte>, int) override {}
  void barrier() override {}
  std::vector<std::string> share(std::string_view text) override { return {std::string(text)}; }
  std::vector<std::vector<std::byte>> collect(std::span<const std::byte> bytes) override { return {{bytes.begin(), bytes.end()}}; }
};

}  // namespace

std::unique_ptr<Communicator> make_single_process() { return std::make_unique<SingleProcess>(); }

}  // namespace smtrain::dist
