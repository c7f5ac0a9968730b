#include "compute/cpu/nearest.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/memory.h"
#include "compute/checks.h"
#include "compute/cpu/threads.h"

namespace smtrain::compute {
namespace {

constexpr std::uint32_t kNone = 0xFFFFFFFFu;

std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

// Multiply-adds in one chunk of rows: some tens of microseconds, so that handing out and merging chunks cost little and a
// mini-batch still splits over many threads.
constexpr std::size_t kChunkWork = std::size_t{3} << 19;

// Rows of one chunk; of (k, d) and the kernel table alone, never of n or the threads.
std::size_t chunk_rows(const NearestKernels& kernels, std::size_t k, std::size_t d) {
  const std::size_t blocks = kChunkWork / (k * d) / kernels.block_rows;
  return std::clamp<std::size_t>(blocks, 1, 64) * kernels.block_rows;
}

// Rows that the search, the distances and the sums visit in turn. With few centres and many dimensions the centres and the
// sums fill the first-level cache, one after the other; enough rows pay for the change, and stay in the second.
std::size_t block_rows(const NearestKernels& kernels, const CentersView& c) {
  if (!c.narrow) return kernels.block_rows;
  return std::clamp<std::size_t>((std::size_t{192} << 10) / (c.d * sizeof(float)) & ~std::size_t{1}, 2, kernels.block_rows);
}

}  // namespace

const NearestKernels& nearest_kernels(KernelLevel level) {
#if defined(__x86_64__)
  if (level == KernelLevel::avx512) return kNearestAvx512;
  if (level == KernelLevel::avx2) return kNearestAvx2;
#endif
  (void)level;
  return kNearestBaseline;
}

PackedCenters::PackedCenters(const NearestKernels& kernels, std::size_t k, std::size_t d) : kernels_(kernels) {
  if (const std::string problem = make_centers_problem(k, d); !problem.empty()) throw internal_error("{}", problem);
  view_.k = k;
  view_.d = d;
  // Few centres would leave most lanes of a panel empty; many dimensions pay for adding lanes up at the end.
  view_.narrow = k <= 12 && d >= 4 * kernels.lanes;
  view_.ld = round_up(d, 16);
  plan_panels();
  const std::size_t lanes = kernels.lanes;
  std::size_t packed = 0, biases = 16;
  for (const std::uint8_t w : panels_) {
    packed += view_.narrow ? w * round_up(d, lanes) : w * lanes * d;
    if (!view_.narrow) biases += w * lanes;
  }
  packed_ = allocate_array<float>(packed);
  bias_ = allocate_array<float>(biases);
  rows_ = allocate_array<float>(k * view_.ld);
  std::fill_n(bias_.get(), biases, -std::numeric_limits<float>::infinity());
  view_.packed = packed_.get();
  view_.bias = bias_.get();
  view_.rows = rows_.get();
  view_.panels = panels_.data();
  view_.panel_count = panels_.size();
}

// Panels of full width while they last, except that one vector alone at the end takes another from its neighbour: tiles of
// 2 + 2 vectors run faster than 3 + 1.
void PackedCenters::plan_panels() {
  const std::size_t unit = view_.narrow ? 1 : kernels_.lanes;
  const std::size_t widest = view_.narrow ? kernels_.narrow_centers : kernels_.panel_vectors;
  std::size_t left = (view_.k + unit - 1) / unit, first = 0;
  while (left > 0) {
    std::size_t w = std::min(left, widest);
    if (left == widest + 1 && widest > 2) w = (left + 1) / 2;
    panels_.push_back(static_cast<std::uint8_t>(w));
    firsts_.push_back(first);
    first += w * unit;
    left -= w;
  }
  firsts_.push_back(view_.k);
}

void PackedCenters::refresh(const float* c, std::size_t ld, int threads) {
  const bool large = view_.k * view_.d > (std::size_t{1} << 17);
  [[maybe_unused]] const int team = large ? team_size(threads, panels_.size()) : 1;
#pragma omp parallel for num_threads(team) if (team > 1) schedule(static)
  for (std::size_t p = 0; p < panels_.size(); ++p) {
    copy_rows(c, ld, p);
    view_.narrow ? pack_narrow(p) : pack_wide(p);
  }
  ready_ = true;
}

void PackedCenters::copy_rows(const float* c, std::size_t ld, std::size_t panel) {
  for (std::size_t i = firsts_[panel]; i < firsts_[panel + 1]; ++i) {
    float* to = rows_.get() + i * view_.ld;
    double square = 0;
    for (std::size_t j = 0; j < view_.d; ++j) {
      to[j] = c[i * ld + j];
      square += static_cast<double>(to[j]) * static_cast<double>(to[j]);
    }
    std::fill(to + view_.d, to + view_.ld, 0.0f);
    bias_.get()[i] = static_cast<float>(-0.5 * square);
  }
}

void PackedCenters::pack_wide(std::size_t panel) {
  const std::size_t first = firsts_[panel], count = firsts_[panel + 1] - first;
  const std::size_t lanes = panels_[panel] * kernels_.lanes;
  float* to = packed_.get() + first * view_.d;
  const float* from = rows_.get() + first * view_.ld;
  for (std::size_t j = 0; j < view_.d; ++j, to += lanes) {
    for (std::size_t i = 0; i < count; ++i) to[i] = from[i * view_.ld + j];
    std::fill(to + count, to + lanes, 0.0f);
  }
}

void PackedCenters::pack_narrow(std::size_t panel) {
  const std::size_t lanes = kernels_.lanes, steps = (view_.d + lanes - 1) / lanes;
  const std::size_t first = firsts_[panel], count = firsts_[panel + 1] - first;
  float* to = packed_.get() + first * lanes * steps;
  for (std::size_t s = 0; s < steps; ++s) {
    for (std::size_t i = 0; i < count; ++i, to += lanes) {
      std::memcpy(to, rows_.get() + (first + i) * view_.ld + s * lanes, lanes * sizeof(float));
    }
  }
}

void find_nearest(const PackedCenters& centers, const Rows& rows, std::int32_t* ids, float* distances, int threads) {
  const NearestKernels& kernels = centers.kernels();
  const CentersView& c = centers.view();
  const std::size_t block = block_rows(kernels, c), chunk = chunk_rows(kernels, c.k, c.d);
  const std::size_t chunks = (rows.n + chunk - 1) / chunk;
  [[maybe_unused]] const int team = team_size(threads, chunks);
#pragma omp parallel for num_threads(team) if (team > 1) schedule(dynamic, 1)
  for (std::size_t t = 0; t < chunks; ++t) {
    const std::size_t end = std::min(rows.n, (t + 1) * chunk);
    for (std::size_t i = t * chunk; i < end; i += block) {
      const std::size_t count = std::min(block, end - i);
      const float* x = rows.x + i * rows.ld;
      kernels.nearest(c, x, rows.ld, count, ids + i);
      if (distances != nullptr) kernels.distances(c, x, rows.ld, count, ids + i, distances + i);
    }
  }
}

void lower_distances(const NearestKernels& kernels, const Rows& rows, const float* c, float* d2, int threads) {
  const std::size_t chunk = chunk_rows(kernels, 4, rows.d);  // bound by memory, worth about four centres
  const std::size_t chunks = (rows.n + chunk - 1) / chunk;
  [[maybe_unused]] const int team = team_size(threads, chunks);
#pragma omp parallel for num_threads(team) if (team > 1) schedule(static)
  for (std::size_t t = 0; t < chunks; ++t) {
    const std::size_t first = t * chunk;
    kernels.min_distance(c, rows.d, rows.x + first * rows.ld, rows.ld, std::min(chunk, rows.n - first), d2 + first);
  }
}

struct NearestSum::Piece {
  const PackedCenters& centers;
  const Rows& rows;
  std::int32_t* ids;
  bool loss;
  std::size_t first, count;
};

NearestSum::NearestSum(int threads)
    : threads_(threads), ring_(static_cast<std::size_t>(2 * threads)), chunks_(ring_.slots()),
      workers_(static_cast<std::size_t>(threads)) {}

void NearestSum::reserve(const PackedCenters& centers) {
  const std::lock_guard<std::mutex> lock(mutex_);
  grow(centers);
}

void NearestSum::grow(const PackedCenters& centers) {
  const CentersView& c = centers.view();
  const std::size_t touched = std::min(c.k, chunk_rows(centers.kernels(), c.k, c.d));
  const std::size_t sums = touched * stride(c.d);
  if (c.k > centers_room_) {
    for (Worker& worker : workers_) worker.slot_of.assign(c.k, kNone);
    centers_room_ = c.k;
  }
  if (touched <= touched_room_ && sums <= sums_room_) return;
  touched_room_ = std::max(touched, touched_room_);
  sums_room_ = std::max(sums, sums_room_);
  for (Chunk& chunk : chunks_) {
    chunk.centers.resize(touched_room_);
    chunk.counts.resize(touched_room_);
    chunk.sums = allocate_array<double>(sums_room_);
  }
}

void NearestSum::fill_block(const Piece& piece, std::size_t first, std::size_t count, Worker& worker, Chunk& chunk) {
  const NearestKernels& kernels = piece.centers.kernels();
  const CentersView& c = piece.centers.view();
  const Rows& rows = piece.rows;
  const float* x = rows.x + first * rows.ld;
  const float* weights = rows.weights == nullptr ? nullptr : rows.weights + first;
  std::int32_t own_ids[kMostBlockRows];
  std::int32_t* ids = piece.ids == nullptr ? own_ids : piece.ids + first;
  kernels.nearest(c, x, rows.ld, count, ids);
  if (piece.loss) {
    float distances[kMostBlockRows];
    kernels.distances(c, x, rows.ld, count, ids, distances);
    for (std::size_t i = 0; i < count; ++i)
      chunk.loss += (weights == nullptr ? 1.0 : static_cast<double>(weights[i])) * static_cast<double>(distances[i]);
  }
  std::uint32_t slots[kMostBlockRows];
  const std::size_t ld = stride(c.d);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t& slot = worker.slot_of[static_cast<std::size_t>(ids[i])];
    if (slot == kNone) {
      slot = static_cast<std::uint32_t>(chunk.touched++);
      chunk.centers[slot] = static_cast<std::uint32_t>(ids[i]);
      chunk.counts[slot] = 0;
      std::fill_n(chunk.sums.get() + slot * ld, ld, 0.0);
    }
    slots[i] = slot;
    chunk.counts[slot] += weights == nullptr ? 1.0 : static_cast<double>(weights[i]);
  }
  kernels.accumulate(x, rows.ld, count, c.d, weights, slots, chunk.sums.get(), ld);
}

void NearestSum::fill(const Piece& piece, Worker& worker, Chunk& chunk) const {
  chunk.touched = 0;
  chunk.loss = 0;
  const std::size_t block = block_rows(piece.centers.kernels(), piece.centers.view()), end = piece.first + piece.count;
  for (std::size_t i = piece.first; i < end; i += block) fill_block(piece, i, std::min(block, end - i), worker, chunk);
  for (std::size_t s = 0; s < chunk.touched; ++s) worker.slot_of[chunk.centers[s]] = kNone;
}

void NearestSum::merge(const PackedCenters& centers, const Chunk& chunk, const Totals& totals) {
  const std::size_t d = centers.view().d, ld = stride(d);
  for (std::size_t s = 0; s < chunk.touched; ++s) {
    const std::size_t id = chunk.centers[s];
    centers.kernels().add(chunk.sums.get() + s * ld, d, totals.sums + id * totals.ld);
    totals.counts[id] += chunk.counts[s];
  }
  if (totals.loss != nullptr) *totals.loss += chunk.loss;
}

void NearestSum::run(const PackedCenters& centers, const Rows& rows, const Totals& totals) {
  const std::lock_guard<std::mutex> lock(mutex_);
  grow(centers);
  const CentersView& c = centers.view();
  const std::size_t size = chunk_rows(centers.kernels(), c.k, c.d), chunks = (rows.n + size - 1) / size;
  [[maybe_unused]] const int team = team_size(threads_, chunks);
  ring_.start(chunks);
  // Nothing in here throws.
#pragma omp parallel num_threads(team) if (team > 1)
  {
    Worker& worker = workers_[static_cast<std::size_t>(thread_number())];
    for (std::size_t t = 0; ring_.next(t);) {
      const Piece piece{centers, rows, totals.ids, totals.loss != nullptr, t * size, std::min(size, rows.n - t * size)};
      fill(piece, worker, chunks_[t % ring_.slots()]);
      ring_.finish(t, [&](std::size_t done) { merge(centers, chunks_[done % ring_.slots()], totals); });
    }
  }
}

}  // namespace smtrain::compute
