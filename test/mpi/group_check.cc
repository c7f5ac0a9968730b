// The MPI module under a launcher: mpirun -n 3 group_check [BYTES PER MESSAGE] [BYTES OF THE LARGEST].
// Prints one line on rank 0 and exits 0 when every rank has seen what it should.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/error.h"
#include "dist/connect.h"

namespace {

using namespace smtrain;

class Printed final : public Log {
 public:
  void write(Level, std::string_view line) override { text += std::string(line) + "\n"; }
  std::string text;
};

void expect(bool holds, const char* what) {
  if (!holds) throw internal_error("{}", what);
}

double value(int rank, std::size_t i) { return 1.0 / static_cast<double>(3 * i + 7 + 1000 * static_cast<std::size_t>(rank)); }

void check_sums(dist::Group& group, std::size_t n) {
  std::vector<double> values(n), sums(n);
  for (std::size_t i = 0; i < n; ++i) {
    values[i] = value(group.rank(), i);
    for (int r = 0; r < group.size(); ++r) sums[i] = r == 0 ? value(0, i) : sums[i] + value(r, i);
  }
  group.allreduce(values);
  expect(n == 0 || std::memcmp(values.data(), sums.data(), n * sizeof(double)) == 0, "sums are not those of rank order");
}

void check_bytes(dist::Group& group, std::size_t n) {
  std::vector<unsigned char> bytes(n);
  const int root = group.size() - 1;
  const auto byte = [](std::size_t i) { return static_cast<unsigned char>(i * 2654435761u >> 13); };
  if (group.rank() == root) {
    for (std::size_t i = 0; i < n; ++i) bytes[i] = byte(i);
  }
  group.broadcast(std::as_writable_bytes(std::span(bytes)), root);
  for (std::size_t i = 0; i < n; ++i) expect(bytes[i] == byte(i), "a broadcast lost bytes");
}

void check_texts(dist::Group& group) {
  const std::string own = "rank " + std::to_string(group.rank());
  const std::vector<std::string> all = group.share(own);
  expect(all.size() == static_cast<std::size_t>(group.size()), "too few texts");
  const auto collected = group.collect(std::as_bytes(std::span(own)));
  expect(collected.size() == (group.is_root() ? all.size() : 0), "collected on the wrong rank");
  for (std::size_t r = 0; r < all.size(); ++r) {
    expect(all[r] == "rank " + std::to_string(r), "texts are out of order");
    if (group.is_root()) expect(std::memcmp(collected[r].data(), all[r].data(), all[r].size()) == 0, "collected bytes differ");
  }
}

}  // namespace

int main(int argc, char** argv) {
  dist::GroupOptions options;
  if (argc > 1) options.max_message = std::strtoull(argv[1], nullptr, 10);
  const std::size_t largest = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1'000'003;
  Printed log;
  try {
    const std::unique_ptr<dist::Group> group = dist::connect(dist::launch(), log, options);
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{5}, std::size_t{5000}, largest / 8}) check_sums(*group, n);
    check_bytes(*group, largest);
    check_texts(*group);
    group->barrier();
    if (group->is_root()) std::printf("%d ranks agree; %s", group->size(), log.text.c_str());
    group->leave();
    return 0;
  } catch (const Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    std::_Exit(1);
  }
}
