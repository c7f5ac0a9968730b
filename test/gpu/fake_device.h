// A Device on the CPU, for the backend's own logic: memory is the host's, kernels run as in host_block.h, and each lane holds its
// work back as long as it may. Nothing is done before something waits for it, and then only what that depends on: a copy that
// nobody ordered before its use has not happened by then, and a pinned buffer filled again too early has lost what it held.
#pragma once

#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "base/error.h"
#include "gpu/device.h"
#include "gpu/host_block.h"

namespace smtrain::gpu::test {

class FakeDevice final : public Device {
 public:
  explicit FakeDevice(Order order, bool eager = false) : order_(order), eager_(eager) {}
  ~FakeDevice() override {
    // What is queued still belongs to memory that must be there.
    drain(Lane::copy);
    drain(Lane::compute);
  }

  void make_current() override {}

  void* allocate(std::size_t bytes, const char* what) override {
    const Lock lock(mutex_);
    if (bytes > limit - used) throw machine_error("fake device: {}: no memory: {} bytes are wanted, {} are free", what, bytes, limit - used);
    void* memory = std::malloc(bytes);
    std::memset(memory, 0xC5, bytes);
    sizes_[memory] = bytes;
    used += bytes;
    ++allocations;
    return memory;
  }
  void free(void* memory) noexcept override {
    const Lock lock(mutex_);
    drain(Lane::copy);
    drain(Lane::compute);
    used -= sizes_[memory];
    sizes_.erase(memory);
    std::free(memory);
  }
  void* allocate_pinned(std::size_t bytes, const char*) override {
    ++allocations;
    return std::malloc(bytes);
  }
  void free_pinned(void* memory) noexcept override {
    const Lock lock(mutex_);
    drain(Lane::copy);
    drain(Lane::compute);
    std::free(memory);
  }
  std::size_t free_bytes() override {
    const Lock lock(mutex_);
    return limit - used;
  }

  std::unique_ptr<Event> make_event(const char*) override { return std::make_unique<FakeEvent>(); }
  void record(Event& event, Lane lane, const char*) override {
    const Lock lock(mutex_);
    auto mark = std::make_shared<Mark>(Mark{lane, false});
    static_cast<FakeEvent&>(event).mark = mark;
    push(lane, [mark] { mark->done = true; });
  }
  void make_wait(Lane lane, Event& event, const char*) override {
    const Lock lock(mutex_);
    if (auto mark = static_cast<FakeEvent&>(event).mark) push(lane, [this, mark] { reach(*mark); });
  }
  void wait(Event& event, const char*) override {
    const Lock lock(mutex_);
    if (auto mark = static_cast<FakeEvent&>(event).mark) reach(*mark);
  }
  void wait(Lane lane, const char*) override {
    const Lock lock(mutex_);
    drain(lane);
  }

  void upload(Lane lane, void* to, const Block2d& block, const void* from, const char*) override {
    const Lock lock(mutex_);
    ++*uploads;
    push(lane, [=] { copy_rows(to, block.pitch, from, block.row_bytes, block); });
  }
  void download(Lane lane, void* to, const void* from, const Block2d& block, const char*) override {
    const Lock lock(mutex_);
    push(lane, [=] { copy_rows(to, block.row_bytes, from, block.pitch, block); });
    drain(lane);
  }
  void copy(Lane lane, void* to, const Block2d& block, const void* from, std::size_t from_pitch, const char*) override {
    const Lock lock(mutex_);
    push(lane, [=] { copy_rows(to, block.pitch, from, from_pitch, block); });
  }
  void zero(Lane lane, void* to, const Block2d& block, const char*) override {
    const Lock lock(mutex_);
    push(lane, [=] {
      for (std::size_t i = 0; i < block.rows; ++i) std::memset(static_cast<char*>(to) + i * block.pitch, 0, block.row_bytes);
    });
  }

  void multiply(const Product& p, const char*) override {
    const Lock lock(mutex_);
    push(Lane::compute, [p] { p.in_float64 ? product<double>(p) : product<float>(p); });
  }
  void run(const NearestNarrow& kernel, const char*) override { start(kernel); }
  void run(const NearestMiddle& kernel, const char*) override { start(kernel); }
  void run(const NearestWide& kernel, const char*) override { start(kernel); }
  void run(const MergeParts& kernel, const char*) override { start(kernel); }
  void run(const RowDistance& kernel, const char*) override { start(kernel); }
  void run(const HalfNorm& kernel, const char*) override { start(kernel); }
  void run(const CountDigits& kernel, const char*) override { start(kernel); }
  void run(const ScanCounts& kernel, const char*) override { start(kernel); }
  void run(const PlaceRows& kernel, const char*) override { start(kernel); }
  void run(const SumSegments& kernel, const char*) override { start(kernel); }
  void run(const JoinSegments& kernel, const char*) override { start(kernel); }
  void run(const LossTiles& kernel, const char*) override { start(kernel); }
  void run(const LossTotal& kernel, const char*) override { start(kernel); }
  void run(const BlendMeans& kernel, const char*) override { start(kernel); }
  void run(const SpellOut& kernel, const char*) override { start(kernel); }
  void run(const Standardize<float>& kernel, const char*) override { start(kernel); }
  void run(const Standardize<double>& kernel, const char*) override { start(kernel); }
  void run(const ScaleValues& kernel, const char*) override { start(kernel); }
  void run(const TurnOver& kernel, const char*) override { start(kernel); }
  void run(const SparseProduct& kernel, const char*) override { start(kernel); }
  void run(const SumColumns<ProductColumns>& kernel, const char*) override { start(kernel); }
  void run(const JoinColumns& kernel, const char*) override { start(kernel); }
  void run(const FactorScores& kernel, const char*) override { start(kernel); }
  void run(const SumColumns<FactorColumns>& kernel, const char*) override { start(kernel); }
  void run(const PickRows& kernel, const char*) override { start(kernel); }
  void run(const PutRows& kernel, const char*) override { start(kernel); }
  void run(const JudgeTiles& kernel, const char*) override { start(kernel); }
  void run(const Soften& kernel, const char*) override { start(kernel); }
  void run(const SumTiles& kernel, const char*) override { start(kernel); }
  void run(const AddTiles<float>& kernel, const char*) override { start(kernel); }
  void run(const AddTiles<double>& kernel, const char*) override { start(kernel); }
  void run(const StepAll& kernel, const char*) override { start(kernel); }
  void run(const StepMarked& kernel, const char*) override { start(kernel); }
  void run(const ShiftedSquares& kernel, const char*) override { start(kernel); }
  void run(const SearchTile& kernel, const char*) override { start(kernel); }
  void run(const SearchFinish& kernel, const char*) override { start(kernel); }
  void run(const SearchAll& kernel, const char*) override { start(kernel); }

  std::size_t limit = std::size_t{1} << 31, used = 0, allocations = 0, kernels = 0;
  const std::shared_ptr<std::size_t> uploads = std::make_shared<std::size_t>(0);

 private:
  using Lock = std::lock_guard<std::recursive_mutex>;

  struct Mark {
    Lane lane;
    bool done;
  };
  struct FakeEvent final : Event {
    std::shared_ptr<Mark> mark;
  };

  std::deque<std::function<void()>>& queue(Lane lane) { return lane == Lane::compute ? compute_ : copy_; }
  void push(Lane lane, std::function<void()> work) {
    queue(lane).push_back(std::move(work));
    if (eager_) drain(lane);
  }
  void step(Lane lane) {
    std::function<void()> work = std::move(queue(lane).front());
    queue(lane).pop_front();
    work();
  }
  void drain(Lane lane) {
    while (!queue(lane).empty()) step(lane);
  }
  void reach(const Mark& mark) {
    while (!mark.done) step(mark.lane);
  }

  static void copy_rows(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, const Block2d& block) {
    for (std::size_t i = 0; i < block.rows; ++i)
      std::memcpy(static_cast<char*>(to) + i * to_pitch, static_cast<const char*>(from) + i * from_pitch, block.row_bytes);
  }

  template <class T>
  static void product(const Product& p) {
    const auto* a = static_cast<const T*>(p.a);
    const auto* b = static_cast<const T*>(p.b);
    for (std::size_t i = 0; i < p.m; ++i) {
      for (std::size_t j = 0; j < p.n; ++j) {
        double sum = 0;
        for (std::size_t l = 0; l < p.k; ++l) {
          sum += static_cast<double>(p.transpose_a ? a[l * p.lda + i] : a[i * p.lda + l]) *
                 static_cast<double>(p.transpose_b ? b[j * p.ldb + l] : b[l * p.ldb + j]);
        }
        T& c = static_cast<T*>(p.c)[i * p.ldc + j];
        c = static_cast<T>(p.alpha * sum + (p.beta == 0 ? 0 : p.beta * static_cast<double>(c)));
      }
    }
  }

  template <class Kernel>
  void start(const Kernel& kernel) {
    const Lock lock(mutex_);
    ++kernels;
    push(Lane::compute, [this, kernel] { run_on_host(kernel, order_); });
  }

  std::recursive_mutex mutex_;
  const Order order_;
  const bool eager_;
  std::deque<std::function<void()>> compute_, copy_;
  std::map<void*, std::size_t> sizes_;
};

}  // namespace smtrain::gpu::test
