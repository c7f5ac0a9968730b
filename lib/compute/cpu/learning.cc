#include "compute/cpu/learning.h"

#include <algorithm>
#include <cmath>

#include "compute/cpu/threads.h"

namespace smtrain::compute {
namespace {

constexpr std::size_t kMostChunks = 256, kLeastChunkRows = 64;
constexpr std::size_t kWork = std::size_t{1} << 14;   // numbers below which waking a thread costs more than it saves
constexpr std::size_t kSlowWork = kWork / 4;          // those that take a loss or a step each
constexpr std::size_t kStepNumbers = 4096;            // parameters of one task
constexpr std::size_t kAhead = 4;                     // touched rows fetched in advance
constexpr std::size_t kNarrow = 16, kGathered = 256;  // rows of fewer numbers are gathered, so that kernels see long spans

template <class T>
const T* or_null(const Mat& m) {
  return m.empty() ? nullptr : m.at<T>();
}

}  // namespace

const LearningKernels& learning_kernels(KernelLevel level) {
#if defined(__x86_64__)
  if (level == KernelLevel::avx512) return kLearningAvx512;
  if (level == KernelLevel::avx2) return kLearningAvx2;
#endif
  (void)level;
  return kLearningBaseline;
}

void standardize(const LearningKernels& kernels, const Mat& x, const Mat& shift, const Mat& scale, const Mat& y, int threads) {
  [[maybe_unused]] const int team = team_size(threads, x.rows * x.cols / kWork);
#pragma omp parallel for num_threads(team) if (team > 1) schedule(static)
  for (std::size_t i = 0; i < x.rows; ++i) {
    if (y.dtype == DType::f64) {
      kernels.standardize_f64(x.at<float>(i), or_null<double>(shift), or_null<double>(scale), x.cols, y.at<double>(i));
    } else {
      kernels.standardize(x.at<float>(i), or_null<float>(shift), or_null<float>(scale), x.cols, y.at<float>(i));
    }
  }
}

// Chunks of rows follow from the shape alone, and their sums are added in order.
void Learning::derive_loss(const LossRule& rule, const Mat& labels, const Mat& weights, const Mat& positive, const Mat& bias,
                           const Mat& z, const Mat& bias_gradient, const Mat& loss) {
  const std::size_t models = loss.cols, width = z.cols + models;
  const std::size_t chunk = std::max(kLeastChunkRows, (z.rows + kMostChunks - 1) / kMostChunks);
  const std::size_t chunks = (z.rows + chunk - 1) / chunk;
  sums_.assign(chunks * width, 0.0);
  const int team = team_size(threads_, std::min(chunks, z.rows * z.cols / kSlowWork));
  scratch_.resize(static_cast<std::size_t>(team) * 4 * models);
#pragma omp parallel for num_threads(team) if (team > 1) schedule(dynamic, 1)
  for (std::size_t c = 0; c < chunks; ++c) {
    const std::size_t first = c * chunk;
    ScoreRows rows{z.at<float>(first), std::min(chunk, z.rows - first), models, z.ld, labels.at<float>(first), nullptr,
                   or_null<float>(positive), bias.at<float>()};
    if (!weights.empty()) rows.weights = weights.at<float>(first);
    double* sums = sums_.data() + c * width;
    kernels_.derive_loss(rule, rows, scratch_.data() + static_cast<std::size_t>(thread_number()) * 4 * models, sums, sums + z.cols);
  }
  for (std::size_t c = 0; c < chunks; ++c) {
    const double* sums = sums_.data() + c * width;
    for (std::size_t m = 0; m < models; ++m) loss.at<double>()[m] += sums[z.cols + m];
    if (c == 0) continue;
    for (std::size_t j = 0; j < z.cols; ++j) sums_[j] += sums[j];
  }
  for (std::size_t j = 0; j < z.cols; ++j) bias_gradient.at<float>()[j] += static_cast<float>(sums_[j]);
}

void Learning::step(const StepRule& rule, const Mat& columns, const Parameters& all, const std::vector<std::uint32_t>* touched) {
  const std::size_t rows = touched == nullptr ? all.t.rows : touched->size(), p = all.t.cols;
  const bool narrow = p < kNarrow;
  repeats_ = narrow ? kGathered / p : 1;
  columns_.resize(3 * repeats_ * p);
  for (std::size_t row = 0; row < 3; ++row) {
    const float* const from = columns.at<float>(row);
    float* to = columns_.data() + row * repeats_ * p;
    for (std::size_t i = 0; i < repeats_; ++i) {
      for (std::size_t j = 0; j < p; ++j) *to++ = from[columns.cols == 1 ? 0 : j];
    }
  }
  const double n = static_cast<double>(rule.step);
  const double correction = std::sqrt(1 - std::pow(rule.beta_2, n)) / (1 - std::pow(rule.beta_1, n));
  const std::size_t block = narrow ? repeats_ * std::max<std::size_t>(1, kStepNumbers / kGathered) : std::max<std::size_t>(1, kStepNumbers / p);
  const std::size_t blocks = (rows + block - 1) / block;
  [[maybe_unused]] const int team = team_size(threads_, std::min(blocks, rows * p / kSlowWork));
#pragma omp parallel for num_threads(team) if (team > 1) schedule(static)
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::size_t begin = b * block, end = std::min(begin + block, rows);
    if (narrow && touched != nullptr) {
      step_narrow(rule, correction, all, *touched, begin, end);
    } else {
      step_rows(rule, correction, all, touched, begin, end);
    }
  }
}

// Rows that lie side by side are one span, as long as the repeated columns reach.
void Learning::step_rows(const StepRule& rule, double correction, const Parameters& all, const std::vector<std::uint32_t>* touched,
                         std::size_t begin, std::size_t end) const {
  const std::size_t p = all.t.cols, width = repeats_ * p;
  const auto packed = [&](const Mat& x) { return x.empty() || x.ld == p; };
  const auto at = [](const Mat& x, std::size_t row) { return x.empty() ? nullptr : x.at<float>(row); };
  const bool together = touched == nullptr && packed(all.g) && packed(all.t) && packed(all.m) && packed(all.v) && packed(all.trail);
  const std::size_t at_once = together ? repeats_ : 1;
  for (std::size_t i = begin; i < end; i += at_once) {
    const std::size_t row = touched == nullptr ? i : (*touched)[i], count = std::min(at_once, end - i);
    if (touched != nullptr && i + kAhead < end) {
      for (const Mat* x : {&all.g, &all.t, &all.m, &all.v, &all.trail}) {
        if (!x->empty()) fetch_row(x->at<float>((*touched)[i + kAhead]), p);
      }
    }
    kernels_.step(rule, correction,
                  {count * p, columns_.data(), columns_.data() + width, columns_.data() + 2 * width, at(all.g, row), at(all.t, row),
                   at(all.m, row), at(all.v, row), at(all.trail, row)});
  }
}

void Learning::step_narrow(const StepRule& rule, double correction, const Parameters& parameters,
                           const std::vector<std::uint32_t>& touched, std::size_t begin, std::size_t end) const {
  const std::size_t p = parameters.t.cols, width = repeats_ * p;
  float spans[5][kGathered];
  const Mat* const all[] = {&parameters.g, &parameters.t, &parameters.m, &parameters.v, &parameters.trail};
  for (std::size_t first = begin; first < end; first += repeats_) {
    const std::size_t count = std::min(repeats_, end - first);
    const std::uint32_t* const rows = touched.data() + first;
    const auto each = [&](const auto& move) {
      for (std::size_t k = 0; k < 5; ++k) {
        if (all[k]->empty()) continue;
        float *const from = all[k]->at<float>(), *const span = spans[k];
        const std::size_t ld = all[k]->ld;
        for (std::size_t i = 0; i < count; ++i) {
          for (std::size_t j = 0; j < p; ++j) move(from[rows[i] * ld + j], span[i * p + j]);
        }
      }
    };
    each([](float& parameter, float& gathered) { gathered = parameter; });
    kernels_.step(rule, correction,
                  {count * p, columns_.data(), columns_.data() + width, columns_.data() + 2 * width, spans[0], spans[1], spans[2], spans[3],
                   parameters.trail.empty() ? nullptr : spans[4]});
    each([](float& parameter, float& gathered) { parameter = gathered; });
  }
}

}  // namespace smtrain::compute
