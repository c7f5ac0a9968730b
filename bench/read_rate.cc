// How fast the rows of a file reach the caller of a TableStream, beside the rate at which this machine copies memory.
//
//   read_rate FILE [THREADS [PASSES]]
//
// Each pass opens the file anew and takes every mini-batch; nothing is cached by us, so that the page cache serves all passes
// but the first, which is not counted. One line of JSON: bytes of the file, the best and the median rate in GB/s, GB per second
// of CPU time (which other work on the machine disturbs less), and copying by one thread and by THREADS threads.
#include <omp.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/memory.h"
#include "formats/table_stream.h"

namespace {

using namespace smtrain;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Pass {
  double seconds = 0;
  std::uint64_t rows = 0;
  double sum = 0;  // of one number of each batch, so that the work is not thrown away
};

Pass read_all(const std::string& path, int threads) {
  NullLog log;
  formats::TableStreamOptions options;
  const auto format = formats::format_by_suffix(path);
  options.table.type.format = format.value_or(formats::Format::recordio_protobuf);
  options.mini_batch_size = 5000;
  options.threads = threads;
  Pass pass;
  const auto start = Clock::now();
  const auto stream = formats::open_table_stream(path, false, options, log);
  for (formats::Batch batch; stream->next(batch);) {
    pass.rows += batch.rows;
    if (batch.dense != nullptr && batch.rows > 0) pass.sum += batch.dense[0];
  }
  pass.seconds = seconds_since(start);
  return pass;
}

// GB/s of bytes copied, the usual count: each byte once.
double copy_rate(int threads) {
  constexpr std::size_t kBytes = std::size_t{256} << 20, kPiece = std::size_t{1} << 20;
  const auto from = allocate_array<char>(kBytes), to = allocate_array<char>(kBytes);
  std::memset(from.get(), 1, kBytes);
  std::memset(to.get(), 2, kBytes);
  double best = 0;
  for (int repeat = 0; repeat < 7; ++repeat) {
    const auto start = Clock::now();
#pragma omp parallel for num_threads(threads) schedule(static)
    for (std::size_t i = 0; i < kBytes / kPiece; ++i) std::memcpy(to.get() + i * kPiece, from.get() + i * kPiece, kPiece);
    best = std::max(best, static_cast<double>(kBytes) / 1e9 / seconds_since(start));
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: read_rate FILE [THREADS [PASSES]]\n");
    return 2;
  }
  const std::string path = argv[1];
  const int threads = argc > 2 ? std::atoi(argv[2]) : omp_get_max_threads();
  const int passes = argc > 3 ? std::atoi(argv[3]) : 9;
  try {
    const double gb = static_cast<double>(std::filesystem::file_size(path)) / 1e9;
    Pass last = read_all(path, threads);
    std::vector<double> rates;
    const double cpu_before = cpu_seconds();
    for (int i = 0; i < passes; ++i) {
      last = read_all(path, threads);
      rates.push_back(gb / last.seconds);
    }
    const double per_cpu_second = gb * passes / (cpu_seconds() - cpu_before);
    std::sort(rates.begin(), rates.end());
    std::printf(R"({"gb":%.4f,"rows":%llu,"threads":%d,"best":%.3f,"median":%.3f,"per_cpu_second":%.3f,"copy_1":%.3f,"copy_n":%.3f,"check":%g})"
                "\n",
                gb, static_cast<unsigned long long>(last.rows), threads, rates.back(), rates[rates.size() / 2], per_cpu_second,
                copy_rate(1), copy_rate(threads), last.sum);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "read_rate: %s\n", error.what());
    return 1;
  }
}
