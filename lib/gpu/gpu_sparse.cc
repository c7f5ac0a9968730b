// Sparse rows on the GPU, products with them, and sets of rows.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "compute/checks.h"
#include "gpu/mat_memory.h"
#include "gpu/sparse_rows.h"

namespace smtrain::gpu {

using compute::CsrView;
using compute::DType;
using compute::Mat;
using compute::Queue;

namespace {

constexpr std::size_t kPickedNumbers = std::size_t{1} << 22;  // of the rows that pick and put take at once

// Sparse rows as one block of 4-byte numbers.
struct CsrPlaces {
  CsrPlaces(std::size_t rows, std::size_t nonzeros)
      : starts(layout.place<std::uint32_t>(rows + 1)), columns(layout.place<std::int32_t>(nonzeros)),
        values(layout.place<float>(nonzeros)) {}

  Layout layout;
  std::size_t starts, columns, values;
};

// Bytes first … first + count - 1 of that block.
void fill(const CsrView& from, std::size_t nonzeros, const CsrPlaces& places, std::size_t first, std::size_t count, char* to) {
  const auto each_part = [&](std::size_t place, std::size_t numbers, const auto& copy) {
    const std::size_t begin = std::max(first, place), end = std::min(first + count, place + numbers * 4);
    if (begin < end) copy(to + (begin - first), (begin - place) / 4, (end - begin) / 4);
  };
  each_part(places.starts, from.rows + 1, [&](char* at, std::size_t row, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto start = static_cast<std::uint32_t>(from.indptr[row + i] - from.indptr[0]);
      std::memcpy(at + 4 * i, &start, 4);
    }
  });
  each_part(places.columns, nonzeros, [&](char* at, std::size_t i, std::size_t n) { std::memcpy(at, from.indices + i, 4 * n); });
  each_part(places.values, nonzeros, [&](char* at, std::size_t i, std::size_t n) { std::memcpy(at, from.values + i, 4 * n); });
}

}  // namespace

std::unique_ptr<compute::Backend::SparseRows> GpuBackend::make_sparse_rows() {
  auto rows = std::make_unique<DeviceSparseRows>();
  rows->owner = this;
  return rows;
}

std::unique_ptr<compute::Backend::RowSet> GpuBackend::make_row_set(std::size_t rows) {
  const auto lock = enter();
  auto set = std::make_unique<DeviceRowSet>();
  set->owner = this;
  set->marks = reserve(1, rows, DType::u8, "make_row_set");
  if (rows > 0) device_->zero(Lane::compute, start_of(set->marks), block_of(set->marks), "make_row_set");
  return set;
}

const GpuBackend::DeviceRowSet& GpuBackend::checked_set(const char* op, const RowSet& set, const Mat& m) const {
  const auto* own = dynamic_cast<const DeviceRowSet*>(&set);
  if (own == nullptr || own->owner != this) fail(Fault::internal, fmt::format("{}: rows of another backend", op));
  check(mat_problem(op, "the matrix of the set", m, own->marks.cols, m.cols, DType::f32));
  return *own;
}

const GpuBackend::DeviceSparseRows& GpuBackend::checked_rows(const char* op, const SparseRows& rows) const {
  const auto* own = dynamic_cast<const DeviceSparseRows*>(&rows);
  if (own == nullptr || own->owner != this) fail(Fault::internal, fmt::format("{}: rows of another backend", op));
  return *own;
}

// Columns and places are sorted as whole numbers of 31 and 32 bits.
void GpuBackend::check_columns(const CsrView& from) const {
  const std::size_t n = from.indptr[from.rows] - from.indptr[0];
  if (n > std::numeric_limits<std::uint32_t>::max() || from.rows > std::numeric_limits<std::uint32_t>::max())
    fail(Fault::internal, fmt::format("load: {} rows with {} numbers at once; expected fewer than 2^32", from.rows, n));
  if (from.cols > std::size_t{1} << 31) fail(Fault::internal, fmt::format("load: {} columns; a GPU takes at most 2^31", from.cols));
  const std::uint32_t most = n == 0 ? 0 : *std::max_element(from.indices, from.indices + n);
  if (n > 0 && most >= from.cols) fail(Fault::internal, fmt::format("load: column {} of {}", most, from.cols));
}

// As stage() does. In the cache they stand as rows of no columns, as no dense rows do, with the address of indptr: rows without
// numbers begin where the next ones do, so that two parts of one batch may share all else.
void GpuBackend::bring(DeviceSparseRows& to, const CsrView& from, const std::shared_ptr<const void>& owner) {
  const CsrPlaces places(from.rows, to.nonzeros);
  const StagedPlace place{from.values, from.rows, 0, reinterpret_cast<std::size_t>(from.indptr)};
  to.block = cache_.find(place, owner);
  if (to.block == nullptr) {
    cache_.drop_some_dead();
    const std::size_t total = places.layout.bytes();
    const auto buffer = take_block(total, "load");
    for (std::size_t first = 0; first < total; first += PinnedRing::kBytes) {
      const std::size_t count = std::min(PinnedRing::kBytes, total - first);
      char* pinned = ring_.next("load");
      fill(from, to.nonzeros, places, first, count, pinned);
      device_->upload(Lane::copy, static_cast<char*>(buffer->data()) + first, {count, count, 1}, pinned, "load");
      ring_.sent(Lane::copy, "load");
    }
    hand_over("load");
    cache_.keep(place, owner, buffer);
    to.block = buffer;
  }
  auto* memory = static_cast<char*>(to.block->data());
  to.starts = at<std::uint32_t>(memory, places.starts);
  to.columns = at<std::int32_t>(memory, places.columns);
  to.values = at<float>(memory, places.values);
}

void GpuBackend::turn_over(DeviceSparseRows& rows) {
  Layout layout;
  const SortScratch places(layout, rows.nonzeros);
  const Sorted sorted = sort_by_key(rows.columns, rows.nonzeros, rows.cols, scratch(layout.bytes(), "load"), places, "load");
  TurnOver kernel;
  kernel.starts = rows.starts;
  kernel.values = rows.values;
  kernel.keys = sorted.keys;
  kernel.order = sorted.order;
  kernel.rows = rows.rows;
  kernel.n = rows.nonzeros;
  kernel.to_columns = rows.sorted_columns;
  kernel.to_rows = rows.sorted_rows;
  kernel.to_values = rows.sorted_values;
  device_->run(kernel, "load");
}

void GpuBackend::load(Queue&, SparseRows& to, const CsrView& from, const Mat& scale, std::shared_ptr<const void> owner) {
  const auto lock = enter();
  auto* rows = dynamic_cast<DeviceSparseRows*>(&to);
  if (rows == nullptr || rows->owner != this) fail(Fault::internal, "load: rows of another backend");
  if (!scale.empty()) check(mat_problem("load", "scale", scale, 1, from.cols, DType::f32));
  rows->rows = 0;
  rows->nonzeros = 0;
  rows->cols = from.cols;
  rows->block.reset();
  if (from.rows == 0) return;
  check_columns(from);
  rows->rows = from.rows;
  rows->nonzeros = from.indptr[from.rows] - from.indptr[0];
  bring(*rows, from, owner);
  if (rows->nonzeros == 0) return;
  Layout layout;
  const std::size_t columns = layout.place<std::int32_t>(rows->nonzeros), row_numbers = layout.place<std::uint32_t>(rows->nonzeros);
  const std::size_t values = layout.place<float>(rows->nonzeros), scaled = layout.place<float>(rows->nonzeros);
  if (rows->memory.cols < layout.bytes()) {
    rows->memory = {};
    rows->memory = reserve(1, layout.bytes() + layout.bytes() / 8, DType::u8, "load");  // batches vary a little
  }
  char* memory = start_of(rows->memory);
  rows->sorted_columns = at<std::int32_t>(memory, columns);
  rows->sorted_rows = at<std::uint32_t>(memory, row_numbers);
  rows->sorted_values = at<float>(memory, values);
  if (!scale.empty()) {
    ScaleValues kernel;
    kernel.columns = rows->columns;
    kernel.values = rows->values;
    kernel.scale = scale.at<float>();
    kernel.n = rows->nonzeros;
    kernel.to = at<float>(memory, scaled);
    device_->run(kernel, "load");
    rows->values = kernel.to;
  }
  turn_over(*rows);
}

void GpuBackend::multiply(Queue&, const SparseRows& x, const Mat& w, const Mat& z) {
  const auto lock = enter();
  const DeviceSparseRows& rows = checked_rows("multiply", x);
  check(compute::sparse_problem("multiply", rows.rows, rows.cols, z, w));
  if (z.empty()) return;
  SparseProduct kernel;
  kernel.starts = rows.starts;
  kernel.columns = rows.columns;
  kernel.values = rows.values;
  kernel.w = or_null<float>(w);
  kernel.n = z.rows;
  kernel.p = z.cols;
  kernel.ldw = w.ld;
  kernel.z = z.at<float>();
  kernel.ldz = z.ld;
  device_->run(kernel, "multiply");
}

// What is summed by column goes to g in pieces of columns.
template <class Terms>
void GpuBackend::add_columns(const DeviceSparseRows& rows, Terms terms, const Mat& g, const DeviceRowSet& touched, const char* what) {
  const std::size_t piece = piece_columns(rows.nonzeros, g.cols), chunks = SortedKeys::chunks_of(rows.nonzeros);
  Layout layout;
  const std::size_t heads = layout.place<double>(chunks * piece), tails = layout.place<double>(chunks * piece);
  char* memory = scratch(layout.bytes(), what);
  terms.keys = rows.sorted_columns;
  terms.n = rows.nonzeros;
  terms.rows = rows.sorted_rows;
  terms.values = rows.sorted_values;
  terms.heads = at<double>(memory, heads);
  terms.tails = at<double>(memory, tails);
  terms.g = g.at<float>();
  terms.ldg = g.ld;
  terms.marks = touched.marks.at<std::uint8_t>();
  for (terms.first = 0; terms.first < g.cols; terms.first += piece) {
    terms.count = std::min(piece, g.cols - terms.first);
    device_->run(SumColumns<Terms>{terms}, what);
    device_->run(JoinColumns{terms}, what);
  }
}

void GpuBackend::multiply_transposed(Queue&, const SparseRows& x, const Mat& r, const Mat& g, RowSet& touched) {
  const char* op = "multiply_transposed";
  const auto lock = enter();
  const DeviceSparseRows& rows = checked_rows(op, x);
  check(compute::sparse_problem(op, rows.rows, rows.cols, r, g));
  const DeviceRowSet& set = checked_set(op, touched, g);
  if (r.empty() || rows.nonzeros == 0) return;
  ProductColumns terms;
  terms.r = r.at<float>();
  terms.ldr = r.ld;
  add_columns(rows, terms, g, set, op);
}

void GpuBackend::factor_scores(Queue&, const SparseRows& x, const Mat& p, const Mat& s, const Mat& z) {
  const char* op = "factor_scores";
  const auto lock = enter();
  const DeviceSparseRows& rows = checked_rows(op, x);
  check(compute::factor_problem(op, rows.rows, rows.cols, p, s, z, nullptr));
  if (z.empty()) return;
  FactorScores kernel;
  kernel.starts = rows.starts;
  kernel.columns = rows.columns;
  kernel.values = rows.values;
  kernel.p = or_null<float>(p);
  kernel.n = z.rows;
  kernel.k = s.cols;
  kernel.ldp = p.ld;
  kernel.s = s.at<float>();
  kernel.z = z.at<float>();
  kernel.lds = s.ld;
  kernel.ldz = z.ld;
  device_->run(kernel, op);
}

void GpuBackend::factor_gradient(Queue&, const SparseRows& x, const Mat& p, const Mat& s, const Mat& r, const Mat& g, RowSet& touched) {
  const char* op = "factor_gradient";
  const auto lock = enter();
  const DeviceSparseRows& rows = checked_rows(op, x);
  check(compute::factor_problem(op, rows.rows, rows.cols, p, s, r, &g));
  const DeviceRowSet& set = checked_set(op, touched, g);
  if (r.empty() || rows.nonzeros == 0) return;
  FactorColumns terms;
  terms.p = p.at<float>();
  terms.s = s.at<float>();
  terms.r = r.at<float>();
  terms.k = s.cols;
  terms.ldp = p.ld;
  terms.lds = s.ld;
  terms.ldr = r.ld;
  add_columns(rows, terms, g, set, op);
}

// The marks come to the host, which asks for the rows that bear one.
compute::Backend::PickedRows GpuBackend::pick(Queue&, const RowSet& set, const Mat& g) {
  const auto lock = enter();
  const DeviceRowSet& own = checked_set("pick", set, g);
  PickedRows picked;
  if (g.rows == 0) return picked;
  std::vector<std::uint8_t> marks(g.rows);
  device_->download(Lane::compute, marks.data(), start_of(own.marks), block_of(own.marks), "pick");
  for (std::size_t row = 0; row < marks.size(); ++row) {
    if (marks[row] != 0) picked.ids.push_back(static_cast<std::uint32_t>(row));
  }
  picked.values.resize(picked.ids.size() * g.cols);
  if (picked.values.empty()) return picked;
  const std::size_t piece = std::max<std::size_t>(kPickedNumbers / g.cols, 1), most = std::min(piece, picked.ids.size());
  Layout layout;
  const std::size_t ids = layout.place<std::uint32_t>(most), values = layout.place<float>(most * g.cols);
  char* memory = scratch(layout.bytes(), "pick");
  for (std::size_t first = 0; first < picked.ids.size(); first += piece) {
    PickRows kernel;
    kernel.n = std::min(piece, picked.ids.size() - first);
    kernel.ids = at<std::uint32_t>(memory, ids);
    kernel.p = g.cols;
    kernel.g = g.at<float>();
    kernel.ldg = g.ld;
    kernel.to = at<float>(memory, values);
    const std::size_t id_bytes = kernel.n * sizeof(std::uint32_t), bytes = kernel.n * g.cols * sizeof(float);
    ring_.send(Lane::compute, memory + ids, {id_bytes, id_bytes, 1}, picked.ids.data() + first, id_bytes, "pick");
    device_->run(kernel, "pick");
    device_->download(Lane::compute, picked.values.data() + first * g.cols, memory + values, {bytes, bytes, 1}, "pick");
  }
  return picked;
}

// What the set held before is not looked for among the rows: that would have to wait for the device.
void GpuBackend::put(Queue&, const PickedRows& rows, RowSet& set, const Mat& g) {
  const auto lock = enter();
  const DeviceRowSet& own = checked_set("put", set, g);
  check(put_problem(rows, g));
  if (rows.values.empty()) return;
  const std::size_t piece = std::max<std::size_t>(kPickedNumbers / g.cols, 1), most = std::min(piece, rows.ids.size());
  Layout layout;
  const std::size_t ids = layout.place<std::uint32_t>(most), values = layout.place<float>(most * g.cols);
  char* memory = scratch(layout.bytes(), "put");
  for (std::size_t first = 0; first < rows.ids.size(); first += piece) {
    PutRows kernel;
    kernel.n = std::min(piece, rows.ids.size() - first);
    kernel.ids = at<std::uint32_t>(memory, ids);
    kernel.values = at<float>(memory, values);
    kernel.p = g.cols;
    kernel.g = g.at<float>();
    kernel.ldg = g.ld;
    kernel.marks = own.marks.at<std::uint8_t>();
    const std::size_t id_bytes = kernel.n * sizeof(std::uint32_t), bytes = kernel.n * g.cols * sizeof(float);
    ring_.send(Lane::compute, memory + ids, {id_bytes, id_bytes, 1}, rows.ids.data() + first, id_bytes, "put");
    ring_.send(Lane::compute, memory + values, {bytes, bytes, 1}, rows.values.data() + first * g.cols, bytes, "put");
    device_->run(kernel, "put");
  }
}

}  // namespace smtrain::gpu
