// The kernels of learning_kernels.h, written so that the compiler turns the loops over columns into vectors of the instruction set
// that the including source is compiled for. Everything here is local to that source.
#pragma once

#include "learning_kernels.h"

namespace smtrain::compute {
namespace {

inline float absolute(float x) { return __builtin_fabsf(x); }
inline float greater(float a, float b) { return a > b ? a : b; }
inline float lesser(float a, float b) { return a < b ? a : b; }

/// e^x within 2 units of the last place; x is taken within -87 … 88.
inline float exponential(float x) {
  x = lesser(greater(x, -87.0f), 88.0f);
  const float rounder = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
  const float whole = (x * 1.44269504f + rounder) - rounder;
  const float r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
  float sum = 1.9875691500e-4f;
  sum = sum * r + 1.3981999507e-3f;
  sum = sum * r + 8.3334519073e-3f;
  sum = sum * r + 4.1665795894e-2f;
  sum = sum * r + 1.6666665459e-1f;
  sum = sum * r + 5.0000001201e-1f;
  sum = sum * r * r + r + 1.0f;
  return sum * __builtin_bit_cast(float, (static_cast<std::int32_t>(whole) + 127) << 23);
}

/// log(1 + e) of 0 <= e <= 1, as 2 artanh(e / (2 + e)); within 3e-8.
inline float log_plus_one(float e) {
  const float s = e / (2.0f + e), q = s * s;
  float sum = 1.0f / 15;
  sum = sum * q + 1.0f / 13;
  sum = sum * q + 1.0f / 11;
  sum = sum * q + 1.0f / 9;
  sum = sum * q + 1.0f / 7;
  sum = sum * q + 1.0f / 5;
  sum = sum * q + 1.0f / 3;
  return 2.0f * (s + s * q * sum);
}

/// log(x) of x >= 1.
inline float logarithm(float x) {
  const std::int32_t bits = __builtin_bit_cast(std::int32_t, x);
  std::int32_t exponent = (bits >> 23) - 127;
  float mantissa = __builtin_bit_cast(float, (bits & 0x007FFFFF) | 0x3F800000);
  if (mantissa > 1.41421356f) {
    mantissa *= 0.5f;
    ++exponent;
  }
  const float s = (mantissa - 1) / (mantissa + 1), q = s * s;
  float sum = 1.0f / 11;
  sum = sum * q + 1.0f / 9;
  sum = sum * q + 1.0f / 7;
  sum = sum * q + 1.0f / 5;
  sum = sum * q + 1.0f / 3;
  return static_cast<float>(exponent) * 0.693147181f + 2.0f * (s + s * q * sum);
}

/// What one score costs, and its derivative.
struct Cost {
  float loss, slope;
};

struct Squared {
  Cost operator()(float f, float y, float) const {
    const float e = f - y;
    return {e * e, 2 * e};
  }
};
struct Absolute {
  Cost operator()(float f, float y, float) const {
    const float e = f - y;
    return {absolute(e), e > 0 ? 1.0f : e < 0 ? -1.0f : 0.0f};
  }
};
struct Quantile {
  float q;
  Cost operator()(float f, float y, float) const {
    const float e = f - y;
    return {e > 0 ? (1 - q) * e : -q * e, e > 0 ? 1 - q : e < 0 ? -q : 0.0f};
  }
};
struct Huber {
  float delta;
  Cost operator()(float f, float y, float) const {
    const float e = f - y, a = absolute(e), slope = lesser(greater(e, -delta), delta);
    return {a < delta ? 0.5f * e * e : delta * a - 0.5f * delta * delta, slope};
  }
};
struct EpsSquared {
  float square;  // epsilon^2
  Cost operator()(float f, float y, float) const {
    const float e = f - y, over = e * e - square;
    return {greater(over, 0.0f), over > 0 ? 2 * e : 0.0f};
  }
};
struct EpsAbsolute {
  float epsilon;
  Cost operator()(float f, float y, float) const {
    const float e = f - y, over = absolute(e) - epsilon;
    return {greater(over, 0.0f), over > 0 ? (e > 0 ? 1.0f : -1.0f) : 0.0f};
  }
};
struct Logistic {
  Cost operator()(float f, float y, float p) const {
    const float e = exponential(-absolute(f)), one = 1.0f / (1.0f + e), other = e * one, tail = log_plus_one(e);
    const float s = f > 0 ? one : other, rest = f > 0 ? other : one;  // s(f) and 1 - s(f), both without cancellation
    const float positive = p * y, negative = 1 - y;
    return {positive * (greater(-f, 0.0f) + tail) + negative * (greater(f, 0.0f) + tail), negative * s - positive * rest};
  }
};
struct Hinge {
  float upper, lower;  // (margin + 1) / 2, (margin - 1) / 2
  Cost operator()(float f, float y, float p) const {
    const float short_of = upper - f, beyond = f + lower, positive = p * y, negative = 1 - y;
    return {positive * greater(short_of, 0.0f) + negative * greater(beyond, 0.0f),
            (beyond > 0 ? negative : 0.0f) - (short_of > 0 ? positive : 0.0f)};
  }
};

template <class Judge>
void derive_each(const Judge& judge, const ScoreRows& rows, float* __restrict positive, double* __restrict bias_gradient,
                 double* __restrict loss) {
  const std::size_t models = rows.models;
  const float* __restrict bias = rows.bias;
  for (std::size_t m = 0; m < models; ++m) positive[m] = rows.positive == nullptr ? 1.0f : rows.positive[m];
  for (std::size_t i = 0; i < rows.rows; ++i) {
    float* __restrict z = rows.z + i * rows.ld;
    const float y = rows.labels[i], w = rows.weights == nullptr ? 1.0f : rows.weights[i];
    for (std::size_t m = 0; m < models; ++m) {
      const Cost cost = judge(z[m] + bias[m], y, positive[m]);
      const float slope = w * cost.slope;
      z[m] = slope;
      bias_gradient[m] += static_cast<double>(slope);
      loss[m] += static_cast<double>(w * cost.loss);
    }
  }
}

/// One row of softmax over contiguous scores of one model.
inline void soften_one(float* __restrict z, const float* __restrict bias, std::size_t classes, std::size_t label, float w,
                       double* __restrict bias_gradient, double* __restrict loss) {
  for (std::size_t c = 0; c < classes; ++c) z[c] += bias[c];
  float most = z[0];
  for (std::size_t c = 1; c < classes; ++c) most = greater(most, z[c]);
  const float own = z[label];
  for (std::size_t c = 0; c < classes; ++c) z[c] = exponential(z[c] - most);
  float sum = 0;
  for (std::size_t c = 0; c < classes; ++c) sum += z[c];
  const float scale = w / sum;
  *loss += static_cast<double>(w * (logarithm(sum) + (most - own)));
  for (std::size_t c = 0; c < classes; ++c) z[c] *= scale;
  z[label] -= w;
  for (std::size_t c = 0; c < classes; ++c) bias_gradient[c] += static_cast<double>(z[c]);
}

/// The same over the models of a row; scratch holds their maxima, own scores and sums.
inline void soften_many(float* __restrict z, const float* __restrict bias, std::size_t classes, std::size_t models, std::size_t label,
                        float w, float* __restrict scratch, double* __restrict bias_gradient, double* __restrict loss) {
  float *__restrict most = scratch, *__restrict own = scratch + models, *__restrict sum = scratch + 2 * models;
  for (std::size_t i = 0; i < classes * models; ++i) z[i] += bias[i];
  for (std::size_t m = 0; m < models; ++m) {
    most[m] = z[m];
    own[m] = z[label * models + m];
    sum[m] = 0;
  }
  for (std::size_t c = 1; c < classes; ++c) {
    for (std::size_t m = 0; m < models; ++m) most[m] = greater(most[m], z[c * models + m]);
  }
  for (std::size_t c = 0; c < classes; ++c) {
    float* __restrict at = z + c * models;
    for (std::size_t m = 0; m < models; ++m) {
      at[m] = exponential(at[m] - most[m]);
      sum[m] += at[m];
    }
  }
  for (std::size_t m = 0; m < models; ++m) {
    loss[m] += static_cast<double>(w * (logarithm(sum[m]) + (most[m] - own[m])));
    sum[m] = w / sum[m];
  }
  for (std::size_t c = 0; c < classes; ++c) {
    float* __restrict at = z + c * models;
    double* __restrict to = bias_gradient + c * models;
    const float minus = c == label ? w : 0.0f;
    for (std::size_t m = 0; m < models; ++m) {
      at[m] = at[m] * sum[m] - minus;
      to[m] += static_cast<double>(at[m]);
    }
  }
}

void soften(const LossRule& rule, const ScoreRows& rows, float* scratch, double* bias_gradient, double* loss) {
  for (std::size_t i = 0; i < rows.rows; ++i) {
    float* z = rows.z + i * rows.ld;
    const std::size_t label = static_cast<std::size_t>(rows.labels[i]);
    const float w = rows.weights == nullptr ? 1.0f : rows.weights[i];
    if (rows.models == 1) {
      soften_one(z, rows.bias, rule.classes, label, w, bias_gradient, loss);
    } else {
      soften_many(z, rows.bias, rule.classes, rows.models, label, w, scratch, bias_gradient, loss);
    }
  }
}

void derive_loss(const LossRule& rule, const ScoreRows& rows, float* scratch, double* bias_gradient, double* loss) {
  const auto each = [&](const auto& judge) { derive_each(judge, rows, scratch, bias_gradient, loss); };
  const float epsilon = static_cast<float>(rule.epsilon), margin = static_cast<float>(rule.margin);
  switch (rule.loss) {
    case Loss::squared: return each(Squared{});
    case Loss::absolute: return each(Absolute{});
    case Loss::quantile: return each(Quantile{static_cast<float>(rule.quantile)});
    case Loss::huber: return each(Huber{static_cast<float>(rule.delta)});
    case Loss::eps_squared: return each(EpsSquared{epsilon * epsilon});
    case Loss::eps_absolute: return each(EpsAbsolute{epsilon});
    case Loss::logistic: return each(Logistic{});
    case Loss::hinge: return each(Hinge{(margin + 1) / 2, (margin - 1) / 2});
    case Loss::softmax: return soften(rule, rows, scratch, bias_gradient, loss);
  }
}

template <class T>
void standardize_as(const float* __restrict x, const T* __restrict shift, const T* __restrict scale, std::size_t n, T* __restrict y) {
  if (shift == nullptr && scale == nullptr) {
    for (std::size_t j = 0; j < n; ++j) y[j] = static_cast<T>(x[j]);
  } else if (shift == nullptr) {
    for (std::size_t j = 0; j < n; ++j) y[j] = static_cast<T>(x[j]) * scale[j];
  } else if (scale == nullptr) {
    for (std::size_t j = 0; j < n; ++j) y[j] = static_cast<T>(x[j]) - shift[j];
  } else {
    for (std::size_t j = 0; j < n; ++j) y[j] = (static_cast<T>(x[j]) - shift[j]) * scale[j];
  }
}
void standardize(const float* x, const float* shift, const float* scale, std::size_t n, float* y) {
  standardize_as(x, shift, scale, n, y);
}
void standardize_f64(const float* x, const double* shift, const double* scale, std::size_t n, double* y) {
  standardize_as(x, shift, scale, n, y);
}

void add_scaled(float a, const float* __restrict x, std::size_t n, float* __restrict y) {
  for (std::size_t j = 0; j < n; ++j) y[j] += a * x[j];
}

// As many partial sums as hide the latency of an addition at every level, in an order that depends on n alone.
float dot(const float* __restrict x, const float* __restrict y, std::size_t n) {
  constexpr std::size_t kSums = 32;
  float sums[kSums] = {};
  std::size_t j = 0;
  for (; j + kSums <= n; j += kSums)
    for (std::size_t l = 0; l < kSums; ++l) sums[l] += x[j + l] * y[j + l];
  for (std::size_t l = 0; j + l < n; ++l) sums[l] += x[j + l] * y[j + l];
  for (std::size_t half = kSums / 2; half > 0; half /= 2)
    for (std::size_t l = 0; l < half; ++l) sums[l] += sums[l + half];
  return sums[0];
}

// What a step of each kind does to the moments m and v at the rescaled gradient g; returns by how much the parameter falls, at rate 1.
struct SgdMove {
  static constexpr bool kHasM = true, kHasV = false;
  float beta_1;
  float operator()(float g, float& m, float&) const { return m = beta_1 * m + g; }
};
struct AdamMove {
  static constexpr bool kHasM = true, kHasV = true;
  float beta_1, rest_1, beta_2, rest_2, epsilon, scale;
  float operator()(float g, float& m, float& v) const {
    m = beta_1 * m + rest_1 * g;
    v = beta_2 * v + rest_2 * (g * g);
    return scale * m / (__builtin_sqrtf(v) + epsilon);
  }
};
struct RmspropMove {
  static constexpr bool kHasM = false, kHasV = true;
  float beta_2, rest_2, epsilon;
  float operator()(float g, float&, float& v) const {
    v = beta_2 * v + rest_2 * (g * g);
    return g / (__builtin_sqrtf(v) + epsilon);
  }
};
struct AdagradMove {
  static constexpr bool kHasM = false, kHasV = true;
  float epsilon;
  float operator()(float g, float&, float& v) const {
    v += g * g;
    return g / (__builtin_sqrtf(v) + epsilon);
  }
};

/// Arrays are restricted as parameters: as local pointers, or captured by a lambda, they are taken to overlap, and the loop stays scalar.
template <class Move>
void step_span(const Move move, float rescale, float clip, float trail_weight, std::size_t n, const float* __restrict rate,
               const float* __restrict decay, const float* __restrict l1, float* __restrict gradient, float* __restrict t,
               float* __restrict m, float* __restrict v, float* __restrict trail) {
  for (std::size_t i = 0; i < n; ++i) {
    const float g = lesser(greater(rescale * gradient[i] + decay[i] * t[i], -clip), clip);
    float own_m = 0, own_v = 0;
    if constexpr (Move::kHasM) own_m = m[i];
    if constexpr (Move::kHasV) own_v = v[i];
    const float before = t[i], moved = before - rate[i] * move(g, own_m, own_v), threshold = rate[i] * l1[i];
    if constexpr (Move::kHasM) m[i] = own_m;
    if constexpr (Move::kHasV) v[i] = own_v;
    const float after = moved - lesser(greater(moved, -threshold), threshold);
    t[i] = after;
    gradient[i] = 0;
    if (trail != nullptr) trail[i] += trail_weight * (after - before);
  }
}

template <class Move>
void step_by(const StepRule& rule, const StepSpan& s, const Move& move) {
  const float clip = rule.clip > 0 ? static_cast<float>(rule.clip) : __builtin_inff();
  step_span(move, static_cast<float>(rule.rescale), clip, static_cast<float>(rule.trail_weight), s.n, s.rate, s.decay, s.l1, s.g, s.t, s.m,
            s.v, s.trail);
}

void step(const StepRule& rule, double correction, const StepSpan& s) {
  const float beta_1 = static_cast<float>(rule.beta_1), beta_2 = static_cast<float>(rule.beta_2);
  const float rest_1 = static_cast<float>(1 - rule.beta_1), rest_2 = static_cast<float>(1 - rule.beta_2);
  const float epsilon = static_cast<float>(rule.epsilon), scale = static_cast<float>(correction);
  switch (rule.kind) {
    case StepRule::Kind::sgd: return step_by(rule, s, SgdMove{beta_1});
    case StepRule::Kind::adam: return step_by(rule, s, AdamMove{beta_1, rest_1, beta_2, rest_2, epsilon, scale});
    case StepRule::Kind::rmsprop: return step_by(rule, s, RmspropMove{beta_2, rest_2, epsilon});
    case StepRule::Kind::adagrad: return step_by(rule, s, AdagradMove{epsilon});
  }
}

}  // namespace
}  // namespace smtrain::compute
