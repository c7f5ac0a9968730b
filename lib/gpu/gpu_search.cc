// The nearest rows on the GPU.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "compute/checks.h"
#include "gpu/gpu_backend.h"
#include "gpu/mat_memory.h"

namespace smtrain::gpu {

using compute::Closeness;
using compute::DType;
using compute::Mat;
using compute::Queue;

namespace {

constexpr std::size_t kPieceBytes = std::size_t{256} << 20, kSpareRows = 16;

struct SearchScratch {
  SearchScratch(std::size_t n, std::size_t parts, std::size_t room)
      : squares(layout.place<double>(n)), list_scores(layout.place<float>(parts * n * room)),
        list_ids(layout.place<std::int32_t>(parts * n * room)), held(layout.place<std::uint32_t>(parts * n)),
        keys(layout.place<double>(n * parts * room)), unsure(layout.place<std::uint32_t>(n)) {}

  Layout layout;
  std::size_t squares, list_scores, list_ids, held, keys, unsure;
};

}  // namespace

class GpuBackend::DevicePoints final : public Backend::Points {
 public:
  const GpuBackend* owner = nullptr;
  Mat rows, squares;
  Closeness closeness = Closeness::distance;
  const float* shift() const { return closeness == Closeness::distance ? rows.at<float>() : nullptr; }
};

void GpuBackend::measure_squares(const Mat& x, const float* shift, double* squares, const char* what) {
  ShiftedSquares kernel;
  kernel.x = x.at<float>();
  kernel.n = x.rows;
  kernel.d = x.cols;
  kernel.ldx = x.ld;
  kernel.shift = shift;
  kernel.squares = squares;
  device_->run(kernel, what);
}

std::unique_ptr<compute::Backend::Points> GpuBackend::make_points(Queue&, const Mat& rows, Closeness closeness) {
  const auto lock = enter();
  check(compute::make_points_problem(rows));
  auto points = std::make_unique<DevicePoints>();
  points->owner = this;
  points->rows = rows;
  points->closeness = closeness;
  points->squares = reserve(rows.rows, 1, DType::f64, "make_points");
  measure_squares(rows, points->shift(), points->squares.at<double>(), "make_points");
  return points;
}

void GpuBackend::top_nearest(Queue&, const Mat& x, const Points& points, const Mat& ids, const Mat& scores) {
  const char* op = "top_nearest";
  const auto lock = enter();
  const auto* own = dynamic_cast<const DevicePoints*>(&points);
  if (own == nullptr || own->owner != this) fail(Fault::internal, fmt::format("{}: the points are of another backend", op));
  check(compute::top_nearest_problem(own->rows.rows, own->rows.cols, x, ids, scores));
  SearchArguments a;
  a.d = x.cols;
  a.ldx = x.ld;
  a.c = own->rows.at<float>();
  a.rows = own->rows.rows;
  a.ldc = own->rows.ld;
  a.shift = own->shift();
  a.c_squares = own->squares.at<double>();
  a.slack = static_cast<double>(a.d + 96) * std::exp2(-24);
  a.k = ids.cols;
  a.ld_ids = ids.ld;
  a.ld_scores = scores.ld;
  a.room = std::min(a.rows, a.k + std::max(kSpareRows, a.k / 2));
  const std::size_t parts = plan_nearest(x.rows, a.rows).parts;
  a.parts = std::clamp<std::size_t>(a.rows / a.room, 1, parts);
  const std::size_t per_query = a.parts * (a.room * 16 + 4) + 12;
  const std::size_t piece = std::clamp<std::size_t>(kPieceBytes / per_query, 1, std::size_t{1} << 16);
  for (std::size_t first = 0; first < x.rows; first += piece) {
    a.n = std::min(piece, x.rows - first);
    a.x = x.at<float>(first);
    a.ids = ids.at<std::int32_t>(first);
    a.scores = scores.at<float>(first);
    Mat rows = x;  // a module links nothing of the core, which row_range is of
    rows.offset += first * x.ld;
    rows.rows = a.n;
    search_piece(a, rows);
  }
}

void GpuBackend::search_piece(SearchArguments a, const Mat& x) {
  const char* op = "top_nearest";
  const SearchScratch places(a.n, a.parts, a.room);
  char* memory = scratch(places.layout.bytes(), op);
  measure_squares(x, a.shift, at<double>(memory, places.squares), op);
  a.x_squares = at<double>(memory, places.squares);
  a.list_scores = at<float>(memory, places.list_scores);
  a.list_ids = at<std::int32_t>(memory, places.list_ids);
  a.held = at<std::uint32_t>(memory, places.held);
  a.keys = at<double>(memory, places.keys);
  a.unsure = at<std::uint32_t>(memory, places.unsure);
  device_->run(SearchTile{a}, op);
  device_->run(SearchFinish{a}, op);
  device_->run(SearchAll{a}, op);
}

}  // namespace smtrain::gpu
