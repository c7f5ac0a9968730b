// How fast one core decodes a JPEG, or makes one to decode.
//
//   jpeg_rate --make FILE        a picture of 12 megapixels with smooth parts, edges and noise
//   jpeg_rate FILE [PASSES]      one line of JSON: megapixels, and CPU seconds of the quickest and the median pass
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/random.h"
#include "formats/image/decode.h"

namespace {

using namespace smtrain;
using namespace smtrain::formats::image;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void make(const std::string& path) {
  Pixels pixels;
  pixels.resize(4000, 3000);
  RandomStream draw(1, "picture");
  for (std::uint32_t y = 0; y < pixels.height; ++y) {
    for (std::uint32_t x = 0; x < pixels.width; ++x) {
      const double edge = (x / 97 + y / 61) % 5 == 0 ? 60 : 0, noise = 10 * draw.uniform();
      const double wave = 60 * std::sin(0.01 * x) * std::cos(0.013 * y);
      for (int c = 0; c < 3; ++c) pixels.row(y)[3 * x + static_cast<unsigned>(c)] = static_cast<std::uint8_t>(std::clamp(110 + wave * (1 - 0.4 * c) + edge + noise, 0.0, 255.0));
    }
  }
  AtomicFile file(path);
  file.write(encode_image(pixels, {ImageKind::jpeg, 90}));
  file.commit();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--make") {
    make(argv[2]);
    return 0;
  }
  if (argc < 2) {
    std::fprintf(stderr, "usage: jpeg_rate --make FILE | jpeg_rate FILE [PASSES]\n");
    return 2;
  }
  const std::string bytes = read_file(argv[1]);
  const int passes = argc > 2 ? std::atoi(argv[2]) : 7;
  std::vector<double> seconds;
  Pixels pixels;
  for (int pass = 0; pass <= passes; ++pass) {
    const double start = cpu_seconds();
    decode_image(bytes, {}, pixels);
    if (pass > 0) seconds.push_back(cpu_seconds() - start);  // the first pass fetches the memory
  }
  std::sort(seconds.begin(), seconds.end());
  std::printf("{\"megapixels\": %.3f, \"best\": %.6f, \"median\": %.6f, \"sum\": %d}\n", 1e-6 * pixels.width * pixels.height, seconds.front(),
              seconds[seconds.size() / 2], pixels.rgb[pixels.rgb.size() / 2]);
  return 0;
}
