#include "gpu/gpu_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "compute/checks.h"
#include "gpu/mat_memory.h"

namespace smtrain::gpu {

using compute::CsrView;
using compute::DType;
using compute::Mat;
using compute::Op;
using compute::Queue;

namespace {

class DeviceBuffer final : public compute::Buffer {
 public:
  DeviceBuffer(Device& device, void* data, std::size_t bytes) : device_(device), data_(data), bytes_(bytes) {}
  ~DeviceBuffer() override { device_.free(data_); }
  void* data() const override { return data_; }
  std::size_t bytes() const override { return bytes_; }

 private:
  Device& device_;
  void* data_;
  std::size_t bytes_;
};

}  // namespace

class GpuBackend::DeviceCenters final : public Backend::Centers {
 public:
  const GpuBackend* owner = nullptr;
  std::size_t k = 0, d = 0;
  Mat rows, bias;
  bool ready = false;
};

// Rows of one operation, with weights or null.
struct GpuBackend::Rows {
  const float* x;
  std::size_t n, d, ld;
  const float* weights;
};

GpuBackend::GpuBackend(const HostServices& services, std::unique_ptr<Device> device, compute::DeviceInfo info)
    : services_(services), device_(std::move(device)), info_(std::move(info)), ring_(*device_), blocks_(*device_),
      cache_(*device_, blocks_), staged_(device_->make_event("start")) {}

GpuBackend::~GpuBackend() {
  try {
    device_->make_current();
    device_->wait(Lane::copy, "end");
    device_->wait(Lane::compute, "end");
  } catch (...) {
    // A device that failed has been reported by the operation that met it.
  }
  if (scratch_ != nullptr) device_->free(scratch_);
}

std::unique_lock<std::mutex> GpuBackend::enter() {
  std::unique_lock<std::mutex> lock(mutex_);
  device_->make_current();
  return lock;
}

void GpuBackend::fail(Fault fault, const std::string& problem) const {
  services_.fail(fault, problem);
  std::abort();  // fail throws
}

void GpuBackend::check(const std::string& problem) const {
  if (!problem.empty()) fail(Fault::internal, problem);
}

// Rows kept for later epochs yield to what is needed now: first those that no epoch will ask for.
template <class Allocate>
auto GpuBackend::with_room(const Allocate& allocate) {
  for (int attempt = 0;; ++attempt) {
    try {
      return allocate();
    } catch (...) {
      if (attempt == 2) throw;
    }
    attempt == 0 ? cache_.drop_dead() : cache_.give_up();
    blocks_.trim();
  }
}

bool GpuBackend::supports(Op op, DType type) const {
  return type == DType::f32 || (type == DType::f64 && (op == Op::gemm || op == Op::standardize));
}

void GpuBackend::wait(Queue&) {
  const auto lock = enter();
  device_->wait(Lane::compute, "wait");
}

Mat GpuBackend::allocate(std::size_t rows, std::size_t cols, DType type) {
  const auto lock = enter();
  return reserve(rows, cols, type, "allocate");
}

Mat GpuBackend::reserve(std::size_t rows, std::size_t cols, DType type, const char* what) {
  const std::size_t size = size_of(type);
  if (cols != 0 && rows > std::numeric_limits<std::ptrdiff_t>::max() / size / cols)
    fail(Fault::machine, fmt::format("cannot allocate {} x {} numbers of {} bytes", rows, cols, size));
  const std::size_t bytes = rows * cols * size;
  void* memory = with_room([&] { return device_->allocate(std::max<std::size_t>(bytes, 1), what); });
  return {std::make_shared<DeviceBuffer>(*device_, memory, bytes), 0, rows, cols, cols, type};
}

// The owner may go: the rows are in pinned memory when this returns. What was kept is ready for the compute lane, which has waited
// for its copy.
Mat GpuBackend::stage(Queue&, const float* host, std::size_t rows, std::size_t cols, std::size_t ld, std::shared_ptr<const void> owner) {
  const auto lock = enter();
  if (ld < cols) fail(Fault::internal, fmt::format("stage: {} numbers between rows of {}", ld, cols));
  const StagedPlace place{host, rows, cols, ld};
  if (auto kept = cache_.find(place, owner)) return {std::move(kept), 0, rows, cols, cols, DType::f32};
  cache_.drop_some_dead();
  const std::size_t row = cols * sizeof(float), bytes = rows * row;
  auto buffer = take_block(bytes, "stage");
  if (bytes > 0) {
    ring_.send(Lane::copy, buffer->data(), {row, row, rows}, host, ld * sizeof(float), "stage");
    hand_over("stage");
    cache_.keep(place, owner, buffer);
  }
  return {std::move(buffer), 0, rows, cols, cols, DType::f32};
}

std::shared_ptr<StagedBuffer> GpuBackend::take_block(std::size_t bytes, const char* what) {
  return std::make_shared<StagedBuffer>(blocks_, with_room([&] { return blocks_.take(bytes, what); }), bytes);
}

// What comes on the compute lane finds what the copy lane has brought.
void GpuBackend::hand_over(const char* what) {
  device_->record(*staged_, Lane::copy, what);
  device_->make_wait(Lane::compute, *staged_, what);
}

// On the compute lane: what was queued before may still read the matrix.
void GpuBackend::write(Queue&, const Mat& to, const void* from) {
  const auto lock = enter();
  check(any_problem("write", "to", to));
  if (!to.empty()) ring_.send(Lane::compute, start_of(to), block_of(to), from, row_bytes(to), "write");
}

void GpuBackend::read(Queue&, void* to, const Mat& from) {
  const auto lock = enter();
  check(any_problem("read", "from", from));
  if (!from.empty()) device_->download(Lane::compute, to, start_of(from), block_of(from), "read");
}

void GpuBackend::zero(Queue&, const Mat& m) {
  const auto lock = enter();
  check(any_problem("zero", "m", m));
  if (!m.empty()) device_->zero(Lane::compute, start_of(m), block_of(m), "zero");
}

void GpuBackend::densify(Queue&, const CsrView& from, const Mat& to) {
  const auto lock = enter();
  check(mat_problem("densify", "to", to, from.rows, from.cols, DType::f32));
  if (to.empty()) return;
  device_->zero(Lane::compute, start_of(to), block_of(to), "densify");
  spell_out(from, to);
}

// Numbers with their places go to the device in pieces of one pinned buffer.
void GpuBackend::spell_out(const CsrView& from, const Mat& to) {
  constexpr std::size_t most = PinnedRing::kBytes / 12;
  const std::uint64_t base = from.indptr[0];
  std::size_t row = 0;
  for (std::uint64_t first = 0, total = from.indptr[from.rows] - base; first < total; first += most) {
    const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(most, total - first)), bytes = count * 4;
    char* buffer = ring_.next("densify");
    auto* rows = at<std::uint32_t>(buffer, 0);
    auto* columns = at<std::uint32_t>(buffer, bytes);
    auto* values = at<float>(buffer, 2 * bytes);
    const std::size_t first_row = [&] {
      while (from.indptr[row + 1] - base <= first) ++row;
      return row;
    }();
    for (std::size_t i = 0; i < count; ++i) {
      while (from.indptr[row + 1] - base <= first + i) ++row;
      rows[i] = static_cast<std::uint32_t>(row - first_row);
      columns[i] = from.indices[first + i];
      values[i] = from.values[first + i];
      if (columns[i] >= from.cols)
        fail(Fault::internal, fmt::format("densify: row {} has column {} of {}", row, columns[i], from.cols));
    }
    char* memory = scratch(3 * bytes, "densify");
    device_->upload(Lane::compute, memory, {3 * bytes, 3 * bytes, 1}, buffer, "densify");
    ring_.sent(Lane::compute, "densify");
    SpellOut kernel;
    kernel.rows = at<std::uint32_t>(memory, 0);
    kernel.columns = at<std::uint32_t>(memory, bytes);
    kernel.values = at<float>(memory, 2 * bytes);
    kernel.n = count;
    kernel.to = to.at<float>(first_row);
    kernel.ld = to.ld;
    device_->run(kernel, "densify");
  }
}

void GpuBackend::gemm(Queue&, bool transpose_a, bool transpose_b, double alpha, const Mat& a, const Mat& b, double beta, const Mat& c) {
  const auto lock = enter();
  check(gemm_problem(transpose_a, transpose_b, a, b, c));
  if (c.empty()) return;
  Product product;
  product.transpose_a = transpose_a;
  product.transpose_b = transpose_b;
  product.m = c.rows;
  product.n = c.cols;
  product.k = transpose_a ? a.rows : a.cols;
  product.alpha = alpha;
  product.beta = beta;
  product.a = a.empty() ? start_of(c) : start_of(a);  // with an inner dimension of zero nothing is read
  product.b = b.empty() ? start_of(c) : start_of(b);
  product.c = start_of(c);
  product.lda = a.ld;
  product.ldb = b.ld;
  product.ldc = c.ld;
  product.in_float64 = c.dtype == DType::f64;
  device_->multiply(product, "gemm");
}

std::unique_ptr<compute::Backend::Centers> GpuBackend::make_centers(std::size_t k, std::size_t d) {
  check(compute::make_centers_problem(k, d));
  auto centers = std::make_unique<DeviceCenters>();
  centers->owner = this;
  centers->k = k;
  centers->d = d;
  centers->rows = allocate(k, d, DType::f32);
  centers->bias = allocate(k, 1, DType::f32);
  return centers;
}

const GpuBackend::DeviceCenters& GpuBackend::prepared(const char* op, const Centers& centers) const {
  const auto* own = dynamic_cast<const DeviceCenters*>(&centers);
  if (own == nullptr || own->owner != this) fail(Fault::internal, fmt::format("{}: the centres are of another backend", op));
  if (!own->ready) fail(Fault::internal, fmt::format("{}: the centres were never refreshed", op));
  return *own;
}

void GpuBackend::refresh(Queue&, Centers& centers, const Mat& c) {
  const auto lock = enter();
  auto* own = dynamic_cast<DeviceCenters*>(&centers);
  if (own == nullptr || own->owner != this) fail(Fault::internal, "refresh: the centres are of another backend");
  check(mat_problem("refresh", "c", c, own->k, own->d, DType::f32));
  device_->copy(Lane::compute, own->rows.at<float>(), block_of(own->rows), start_of(c), c.ld * sizeof(float), "refresh");
  HalfNorm kernel;
  kernel.c = own->rows.at<float>();
  kernel.k = own->k;
  kernel.d = own->d;
  kernel.bias = own->bias.at<float>();
  device_->run(kernel, "refresh");
  own->ready = true;
}

// Grows to the largest that was ever wanted; freeing waits for the work that uses the old one.
char* GpuBackend::scratch(std::size_t bytes, const char* what) {
  if (bytes > scratch_bytes_) {
    if (scratch_ != nullptr) device_->free(scratch_);
    scratch_ = nullptr;
    scratch_bytes_ = 0;
    scratch_ = with_room([&] { return device_->allocate(bytes, what); });
    scratch_bytes_ = bytes;
  }
  return static_cast<char*>(scratch_);
}

void GpuBackend::find_nearest(const Rows& rows, const DeviceCenters& centers, char* memory, const Scratch& places, std::int32_t* ids,
                              const char* what) {
  const NearestPlan plan = plan_nearest(rows.n, centers.k);
  NearestArguments a;
  a.x = rows.x;
  a.n = rows.n;
  a.d = rows.d;
  a.ldx = rows.ld;
  a.c = centers.rows.at<float>();
  a.k = centers.k;
  a.bias = centers.bias.at<float>();
  a.parts = plan.parts;
  a.ids = plan.parts > 1 ? at<std::int32_t>(memory, places.part_ids) : ids;
  a.scores = plan.parts > 1 ? at<float>(memory, places.part_scores) : nullptr;
  if (plan.width == TileWidth::narrow) device_->run(NearestNarrow{a}, what);
  if (plan.width == TileWidth::middle) device_->run(NearestMiddle{a}, what);
  if (plan.width == TileWidth::wide) device_->run(NearestWide{a}, what);
  if (plan.parts == 1) return;
  MergeParts merge;
  merge.part_ids = a.ids;
  merge.part_scores = a.scores;
  merge.parts = plan.parts;
  merge.n = rows.n;
  merge.ids = ids;
  device_->run(merge, what);
}

void GpuBackend::measure(const Rows& rows, const float* c, const std::int32_t* ids, bool lower, float* out, const char* what) {
  RowDistance kernel;
  kernel.x = rows.x;
  kernel.n = rows.n;
  kernel.d = rows.d;
  kernel.ldx = rows.ld;
  kernel.c = c;
  kernel.ids = ids;
  kernel.lower = lower;
  kernel.out = out;
  device_->run(kernel, what);
}

void GpuBackend::nearest(Queue&, const Mat& x, const Centers& centers, const Mat& ids, const Mat& distances) {
  const auto lock = enter();
  const DeviceCenters& own = prepared("nearest", centers);
  check(nearest_problem(own.d, x, ids, distances));
  if (x.rows == 0) return;
  const Rows rows{x.at<float>(), x.rows, x.cols, x.ld, nullptr};
  const Scratch places(x.rows, x.cols, plan_nearest(x.rows, own.k).parts, false, false, false);
  char* memory = scratch(places.layout.bytes(), "nearest");
  find_nearest(rows, own, memory, places, ids.at<std::int32_t>(), "nearest");
  if (!distances.empty()) measure(rows, own.rows.at<float>(), ids.at<std::int32_t>(), false, distances.at<float>(), "nearest");
}

void GpuBackend::nearest_sum(Queue&, const Mat& x, const Mat& weights, const Centers& centers, const Mat& ids, const Mat& sums,
                             const Mat& counts, const Mat& loss) {
  const char* op = "nearest_sum";
  const auto lock = enter();
  const DeviceCenters& own = prepared(op, centers);
  check(nearest_sum_problem(own.k, own.d, x, weights, ids, sums, counts, loss));
  const std::size_t piece = piece_rows(own.d);
  for (std::size_t first = 0; first < x.rows; first += piece) {
    const std::size_t n = std::min(piece, x.rows - first);
    const Rows rows{x.at<float>(first), n, x.cols, x.ld, weights.empty() ? nullptr : weights.at<float>(first)};
    const Scratch places(n, own.d, plan_nearest(n, own.k).parts, true, ids.empty(), !loss.empty());
    char* memory = scratch(places.layout.bytes(), op);
    std::int32_t* own_ids = ids.empty() ? at<std::int32_t>(memory, places.ids) : ids.at<std::int32_t>(first);
    find_nearest(rows, own, memory, places, own_ids, op);
    sum(rows, own, memory, places, own_ids, sums.at<double>(), sums.ld, counts.at<double>());
    if (!loss.empty()) add_loss(rows, own, memory, places, own_ids, loss.at<double>());
  }
}

// Keys below `most`, and where they were before.
GpuBackend::Sorted GpuBackend::sort_by_key(const std::int32_t* keys, std::size_t n, std::size_t most, char* memory,
                                           const SortScratch& places, const char* what) {
  Sorted sorted{keys, nullptr};
  auto* totals = at<std::uint32_t>(memory, places.digit_totals);
  for (int pass = 0, passes = DigitTile::passes(most); pass < passes; ++pass) {
    CountDigits count;
    count.keys = sorted.keys;
    count.n = n;
    count.shift = pass * DigitTile::kBits;
    count.totals = totals;
    device_->run(count, what);
    ScanCounts scan;
    scan.values = totals;
    scan.n = DigitTile::kDigits * count.tiles();
    device_->run(scan, what);
    PlaceRows place;
    place.keys = sorted.keys;
    place.n = n;
    place.shift = count.shift;
    place.rows = sorted.order;
    place.places = totals;
    place.to_keys = at<std::int32_t>(memory, places.keys[pass % 2]);
    place.to_rows = at<std::uint32_t>(memory, places.rows[pass % 2]);
    device_->run(place, what);
    sorted = {place.to_keys, place.to_rows};
  }
  return sorted;
}

void GpuBackend::sum(const Rows& rows, const DeviceCenters& centers, char* memory, const Scratch& places, const std::int32_t* ids,
                     double* sums, std::size_t ld_sums, double* counts) {
  const char* op = "nearest_sum";
  const Sorted sorted = sort_by_key(ids, rows.n, centers.k, memory, places.sort, op);
  Segments segments;
  segments.keys = sorted.keys;
  segments.rows = sorted.order;
  segments.x = rows.x;
  segments.weights = rows.weights;
  segments.n = rows.n;
  segments.d = rows.d;
  segments.ldx = rows.ld;
  segments.heads = at<double>(memory, places.heads);
  segments.tails = at<double>(memory, places.tails);
  segments.sums = sums;
  segments.counts = counts;
  segments.ld_sums = ld_sums;
  device_->run(SumSegments{segments}, op);
  device_->run(JoinSegments{segments}, op);
}

void GpuBackend::add_loss(const Rows& rows, const DeviceCenters& centers, char* memory, const Scratch& places, const std::int32_t* ids,
                          double* loss) {
  const char* op = "nearest_sum";
  auto* distances = at<float>(memory, places.distances);
  measure(rows, centers.rows.at<float>(), ids, false, distances, op);
  LossTiles tiles;
  tiles.distances = distances;
  tiles.weights = rows.weights;
  tiles.n = rows.n;
  tiles.tiles = at<double>(memory, places.loss_tiles);
  device_->run(tiles, op);
  LossTotal total;
  total.tiles = tiles.tiles;
  total.n = tiles.blocks();
  total.loss = loss;
  device_->run(total, op);
}

void GpuBackend::min_distance(Queue&, const Mat& x, const Mat& c, const Mat& d2) {
  const auto lock = enter();
  check(min_distance_problem(x, c, d2));
  if (x.empty()) return;
  measure({x.at<float>(), x.rows, x.cols, x.ld, nullptr}, c.at<float>(), nullptr, true, d2.at<float>(), "min_distance");
}

void GpuBackend::blend_means(Queue&, const Mat& sums, const Mat& counts, double decay, const Mat& c, const Mat& n) {
  const auto lock = enter();
  check(blend_means_problem(sums, counts, c, n));
  if (c.empty()) return;
  BlendMeans kernel;
  kernel.sums = sums.at<double>();
  kernel.counts = counts.at<double>();
  kernel.c = c.at<float>();
  kernel.n = n.at<double>();
  kernel.k = c.rows;
  kernel.d = c.cols;
  kernel.ld_sums = sums.ld;
  kernel.ld_c = c.ld;
  kernel.decay = decay;
  device_->run(kernel, "blend_means");
}

}  // namespace smtrain::gpu
