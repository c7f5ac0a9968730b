// A log of clicks like those that advertising has: 39 fields of a row hashed into 2^20 features, and whether it was clicked.
//
//   make_clicks PATH ROWS [SEED [FIRST]]
//
// PATH ends in .pbr (recordIO-protobuf) or .libsvm; "-" writes recordIO to standard output. Rows FIRST … FIRST + ROWS - 1 of the
// log of SEED, so that rows which no training has seen are those behind it. 13 fields are counts, each one feature with the value
// log(1 + count), or another feature where the count is missing; 26 are categories drawn by Zipf's law from 3 to 10^7 of them, each
// a feature of value 1. Fields that fall on one feature add up. A row is clicked with the probability of a hidden logistic model of
// the features, whose bias makes that a quarter on average. One line of JSON on standard error says what this model itself would
// score: nothing that is learned can do better but by chance.
#include <omp.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/random.h"
#include "formats/table_sink.h"

namespace {

using namespace smtrain;

constexpr std::size_t kFeatures = std::size_t{1} << 20;
constexpr std::size_t kCounts = 13;
constexpr std::array<double, 26> kCategories = {1500, 600, 1e7, 2e6, 300, 24, 12000, 600, 3, 90000, 5700, 8e6, 3200,
                                                26, 15000, 5.5e6, 10, 5600, 2200, 4, 7e6, 18, 15, 290000, 100, 140000};
constexpr std::size_t kFields = kCounts + kCategories.size();
constexpr double kZipf = 1.15;
constexpr double kMissing = 0.2;       // share of the counts
constexpr double kClicked = 0.25;      // share of the rows
constexpr std::uint64_t kDraws = 96;   // of a row: each has its own, so that any thread may make any row
constexpr std::size_t kBatchRows = 32768, kTaskRows = 512;

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

std::uint32_t feature(std::size_t field, std::uint64_t value) {
  return static_cast<std::uint32_t>(mix(value * 64 + field + 0x9e3779b97f4a7c15u) % kFeatures);
}

double draw(RandomStream& random) { return (random.next_u32() + 0.5) * 0x1p-32; }

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

struct Row {
  std::array<std::uint32_t, kFields> keys;
  std::array<float, kFields> values;
  std::size_t size = 0;
  double score = 0;  // of the hidden model
  float label = 0;
};

class Clicks {
 public:
  explicit Clicks(std::uint64_t seed);
  Row row(std::uint64_t index) const { return make(clicks_, index); }

 private:
  Row make(RandomStream random, std::uint64_t index) const;
  void draw_fields(RandomStream& random, Row& row) const;

  RandomStream clicks_;
  std::vector<float> weights_;
  double bias_ = 0;
};

Clicks::Clicks(std::uint64_t seed) : clicks_(seed, "clicks"), weights_(kFeatures) {
  RandomStream random(seed, "clicks.model");
  for (float& weight : weights_) weight = static_cast<float>(0.25 * random.normal());
  constexpr std::uint64_t kSample = 20000;
  const RandomStream rehearsal(seed, "clicks.rehearsal");
  std::vector<double> scores;
  for (std::uint64_t i = 0; i < kSample; ++i) scores.push_back(make(rehearsal, i).score);
  double low = -20, high = 20;
  while (high - low > 1e-9) {
    bias_ = (low + high) / 2;
    double clicked = 0;
    for (const double score : scores) clicked += logistic(score + bias_);
    (clicked > kClicked * kSample ? high : low) = bias_;
  }
}

void Clicks::draw_fields(RandomStream& random, Row& row) const {
  std::array<std::pair<std::uint32_t, float>, kFields> cells;
  for (std::size_t field = 0; field < kCounts; ++field) {
    const bool missing = draw(random) < kMissing;
    const double bell = draw(random) + draw(random) + draw(random) + draw(random) - 2;  // nearly normal, of variance 1/3
    const double count = std::floor(std::exp(0.3 * static_cast<double>(field) + 2 * bell));
    cells[field] = missing ? std::pair{feature(field, 1), 1.0f} : std::pair{feature(field, 0), static_cast<float>(std::log1p(count))};
  }
  // The continuous law x^-s on [1, n + 1], turned over: its whole part follows Zipf's law closely.
  for (std::size_t i = 0; i < kCategories.size(); ++i) {
    const double end = std::pow(kCategories[i] + 1, 1 - kZipf);
    const double rank = std::pow(1 + draw(random) * (end - 1), 1 / (1 - kZipf));
    cells[kCounts + i] = {feature(kCounts + i, static_cast<std::uint64_t>(rank)), 1.0f};
  }
  std::sort(cells.begin(), cells.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [key, value] : cells) {
    if (row.size > 0 && row.keys[row.size - 1] == key) {
      row.values[row.size - 1] += value;
    } else {
      row.keys[row.size] = key;
      row.values[row.size++] = value;
    }
  }
}

Row Clicks::make(RandomStream random, std::uint64_t index) const {
  random.seek(index * kDraws);
  Row row;
  draw_fields(random, row);
  row.score = bias_;
  for (std::size_t i = 0; i < row.size; ++i) row.score += static_cast<double>(weights_[row.keys[i]] * row.values[i]);
  row.label = draw(random) < logistic(row.score) ? 1.0f : 0.0f;
  return row;
}

// What the hidden model scores on the rows so far; the area under its curve from fine bins of the score.
class Best {
 public:
  void add(const Row& row) {
    const auto bin = static_cast<std::size_t>(std::clamp((row.score + 16) / 32, 0.0, 1.0) * (kBins - 1));
    ++bins_[row.label > 0 ? 1 : 0][bin];
    loss_ += std::log1p(std::exp(row.label > 0 ? -row.score : row.score));
  }
  void print(std::uint64_t rows) const {
    double area = 0, below = 0, clicked = 0;
    for (std::size_t b = 0; b < kBins; ++b) {
      area += bins_[1][b] * (below + bins_[0][b] / 2);
      below += bins_[0][b];
      clicked += bins_[1][b];
    }
    std::fprintf(stderr, R"({"rows":%llu,"clicked":%.5f,"best_auc":%.5f,"best_loss":%.5f})" "\n", static_cast<unsigned long long>(rows),
                 clicked / static_cast<double>(rows), area / (below * clicked), loss_ / static_cast<double>(rows));
  }

 private:
  static constexpr std::size_t kBins = std::size_t{1} << 20;
  std::vector<double> bins_[2] = {std::vector<double>(kBins), std::vector<double>(kBins)};
  double loss_ = 0;
};

void write(formats::TableSink& sink, const std::vector<Row>& rows, std::size_t count, Best& best) {
  std::vector<std::uint64_t> indptr{0};
  std::vector<std::uint32_t> indices;
  std::vector<float> values, labels;
  for (std::size_t i = 0; i < count; ++i) {
    const Row& row = rows[i];
    indices.insert(indices.end(), row.keys.begin(), row.keys.begin() + static_cast<std::ptrdiff_t>(row.size));
    values.insert(values.end(), row.values.begin(), row.values.begin() + static_cast<std::ptrdiff_t>(row.size));
    indptr.push_back(indices.size());
    labels.push_back(row.label);
    best.add(row);
  }
  formats::Batch batch;
  batch.rows = count;
  batch.cols = kFeatures;
  batch.indptr = indptr.data();
  batch.indices = indices.data();
  batch.values = values.data();
  batch.labels = labels.data();
  batch.label_width = 1;
  sink.write(batch);
}

void make(const std::string& path, std::uint64_t count, std::uint64_t seed, std::uint64_t first) {
  formats::TableWriterOptions options;
  options.type.format = formats::format_by_suffix(path).value_or(formats::Format::recordio_protobuf);
  formats::TableSink sink(path, options, omp_get_max_threads());
  const Clicks clicks(seed);
  std::vector<Row> rows(kBatchRows);
  Best best;
  for (std::uint64_t done = 0; done < count; done += kBatchRows) {
    const auto some = static_cast<std::size_t>(std::min<std::uint64_t>(kBatchRows, count - done));
#pragma omp parallel for schedule(dynamic, kTaskRows)
    for (std::size_t i = 0; i < some; ++i) rows[i] = clicks.row(first + done + i);
    write(sink, rows, some, best);
  }
  sink.commit();
  best.print(count);
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int i, std::uint64_t otherwise) { return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise; };
  if (argc < 3 || argc > 5 || number(2, 0) == 0) {
    std::fprintf(stderr, "usage: make_clicks PATH ROWS [SEED [FIRST]]\n");
    return 2;
  }
  try {
    make(argv[1], number(2, 0), number(3, 1), number(4, 0));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_clicks: %s\n", error.what());
    return 1;
  }
}
