// Rows made standard, losses with their derivatives, and steps of parameters on the GPU.
#include <cmath>

#include "compute/checks.h"
#include "gpu/mat_memory.h"
#include "gpu/sparse_rows.h"

namespace smtrain::gpu {

using compute::DType;
using compute::Loss;
using compute::LossRule;
using compute::Mat;
using compute::Queue;
using compute::StepRule;

namespace {

template <class T>
Standardize<T> standardize_kernel(const Mat& x, const Mat& shift, const Mat& scale, const Mat& y) {
  Standardize<T> kernel;
  kernel.x = x.at<float>();
  kernel.n = x.rows;
  kernel.d = x.cols;
  kernel.ldx = x.ld;
  kernel.shift = or_null<T>(shift);
  kernel.scale = or_null<T>(scale);
  kernel.y = y.at<T>();
  kernel.ldy = y.ld;
  return kernel;
}

Judge judge_of(const LossRule& rule) {
  const auto epsilon = static_cast<float>(rule.epsilon), margin = static_cast<float>(rule.margin);
  switch (rule.loss) {
    case Loss::quantile: return {rule.loss, static_cast<float>(rule.quantile), 0};
    case Loss::huber: return {rule.loss, static_cast<float>(rule.delta), 0};
    case Loss::eps_squared: return {rule.loss, epsilon * epsilon, 0};
    case Loss::eps_absolute: return {rule.loss, epsilon, 0};
    case Loss::hinge: return {rule.loss, (margin + 1) / 2, (margin - 1) / 2};
    default: return {rule.loss, 0, 0};
  }
}

// Tiles of sums by column for derivatives and losses, and the losses of softmax before they are summed.
struct LossScratch {
  LossScratch(const LossRule& rule, const Mat& z, std::size_t models)
      : slope_tiles(layout.place<double>(ColumnTiles::row_tiles(z.rows) * z.cols)),
        loss_tiles(layout.place<double>(ColumnTiles::row_tiles(z.rows) * models)),
        losses(layout.place<float>(rule.loss == Loss::softmax ? z.rows * models : 0)) {}

  Layout layout;
  std::size_t slope_tiles, loss_tiles, losses;
};

StepArguments step_arguments(const StepRule& rule, const Mat& columns, const Mat& g, const Mat& t, const Mat& m, const Mat& v,
                             const Mat& trail) {
  const auto n = static_cast<double>(rule.step);
  StepArguments a;
  a.kind = rule.kind;
  a.beta_1 = static_cast<float>(rule.beta_1);
  a.rest_1 = static_cast<float>(1 - rule.beta_1);
  a.beta_2 = static_cast<float>(rule.beta_2);
  a.rest_2 = static_cast<float>(1 - rule.beta_2);
  a.epsilon = static_cast<float>(rule.epsilon);
  a.rescale = static_cast<float>(rule.rescale);
  if (rule.clip > 0) a.clip = static_cast<float>(rule.clip);
  a.correction = static_cast<float>(std::sqrt(1 - std::pow(rule.beta_2, n)) / (1 - std::pow(rule.beta_1, n)));
  a.columns = columns.at<float>();
  a.ld_columns = columns.ld;
  a.one_for_all = columns.cols == 1;
  a.d = t.rows;
  a.p = t.cols;
  a.g = g.at<float>();
  a.t = t.at<float>();
  a.m = or_null<float>(m);
  a.v = or_null<float>(v);
  a.ldg = g.ld;
  a.ldt = t.ld;
  a.ldm = m.ld;
  a.ldv = v.ld;
  a.trail = or_null<float>(trail);
  a.ldtrail = trail.ld;
  a.trail_weight = static_cast<float>(rule.trail_weight);
  return a;
}

}  // namespace

void GpuBackend::standardize(Queue&, const Mat& x, const Mat& shift, const Mat& scale, const Mat& y) {
  const auto lock = enter();
  check(standardize_problem(x, shift, scale, y));
  if (x.empty()) return;
  if (y.dtype == DType::f64) {
    device_->run(standardize_kernel<double>(x, shift, scale, y), "standardize");
  } else {
    device_->run(standardize_kernel<float>(x, shift, scale, y), "standardize");
  }
}

template <class T>
void GpuBackend::add_tiles(const double* tiles, std::size_t n, std::size_t width, T* to) {
  AddTiles<T> kernel;
  kernel.tiles = tiles;
  kernel.n = n;
  kernel.width = width;
  kernel.to = to;
  device_->run(kernel, "derive_loss");
}

void GpuBackend::sum_columns(const float* x, std::size_t n, std::size_t width, std::size_t ld, double* tiles) {
  SumTiles kernel;
  kernel.n = n;
  kernel.width = width;
  kernel.x = x;
  kernel.ldx = ld;
  kernel.tiles = tiles;
  device_->run(kernel, "derive_loss");
}

void GpuBackend::derive_loss(Queue&, const LossRule& rule, const Mat& labels, const Mat& weights, const Mat& positive, const Mat& bias,
                             const Mat& z, const Mat& bias_gradient, const Mat& loss) {
  const char* op = "derive_loss";
  const auto lock = enter();
  check(derive_loss_problem(rule, labels, weights, positive, bias, z, bias_gradient, loss));
  if (z.empty()) return;
  const std::size_t models = loss.cols;
  const LossScratch places(rule, z, models);
  char* memory = scratch(places.layout.bytes(), op);
  auto* slope_tiles = at<double>(memory, places.slope_tiles);
  auto* loss_tiles = at<double>(memory, places.loss_tiles);
  if (rule.loss == Loss::softmax) {
    Soften kernel;
    kernel.labels = labels.at<float>();
    kernel.weights = or_null<float>(weights);
    kernel.bias = bias.at<float>();
    kernel.n = z.rows;
    kernel.classes = rule.classes;
    kernel.models = models;
    kernel.z = z.at<float>();
    kernel.ldz = z.ld;
    kernel.losses = at<float>(memory, places.losses);
    device_->run(kernel, op);
    sum_columns(kernel.z, z.rows, z.cols, z.ld, slope_tiles);
    sum_columns(kernel.losses, z.rows, models, models, loss_tiles);
  } else {
    JudgeTiles kernel;
    kernel.n = z.rows;
    kernel.width = z.cols;
    kernel.judge = judge_of(rule);
    kernel.labels = labels.at<float>();
    kernel.weights = or_null<float>(weights);
    kernel.positive = or_null<float>(positive);
    kernel.bias = bias.at<float>();
    kernel.z = z.at<float>();
    kernel.ldz = z.ld;
    kernel.slope_tiles = slope_tiles;
    kernel.loss_tiles = loss_tiles;
    device_->run(kernel, op);
  }
  const std::size_t tiles = ColumnTiles::row_tiles(z.rows);
  add_tiles(slope_tiles, tiles, z.cols, bias_gradient.at<float>());
  add_tiles(loss_tiles, tiles, models, loss.at<double>());
}

void GpuBackend::step(Queue&, const StepRule& rule, const Mat& columns, const Mat& g, const Mat& t, const Mat& m, const Mat& v,
                      RowSet* touched, const Mat& trail) {
  const auto lock = enter();
  check(step_problem(rule, columns, g, t, m, v, trail));
  if (t.empty()) return;
  const StepArguments arguments = step_arguments(rule, columns, g, t, m, v, trail);
  if (touched == nullptr) return device_->run(StepAll{arguments}, "step");
  StepMarked kernel{arguments};
  kernel.marks = checked_set("step", *touched, t).marks.at<std::uint8_t>();
  device_->run(kernel, "step");
}

}  // namespace smtrain::gpu
