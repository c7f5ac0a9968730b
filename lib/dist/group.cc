#include "dist/group.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "base/file.h"
#include "base/text.h"

namespace smtrain::dist {
namespace {

enum class Operation : std::int64_t { leave = 1, barrier, allreduce, broadcast, share, collect };

// Below this many doubles of all ranks, one exchange of everything is faster than two of parts.
constexpr std::size_t kFewDoubles = 4096;

// Of a failed rank, so that it takes no part in the comparison of what the others are about to do.
constexpr std::int64_t kNothing = std::numeric_limits<std::int64_t>::min();

std::string packed(const Failure& failure) {
  return fmt::format("{} {} ", static_cast<int>(failure.fault), failure.signal) + join(failure.problems, std::string(1, '\0'));
}

Failure unpacked(std::string_view text) {
  const std::size_t first = text.find(' '), second = text.find(' ', first + 1);
  Failure failure;
  failure.fault = static_cast<Fault>(std::stoi(std::string(text.substr(0, first))));
  failure.signal = std::stoi(std::string(text.substr(first + 1, second - first - 1)));
  const std::string_view problems = text.substr(second + 1);
  if (!problems.empty()) {
    for (const std::string_view problem : split(problems, '\0')) failure.problems.emplace_back(problem);
  }
  return failure;
}

Failure said_by(int rank, Failure failure) {
  for (std::string& problem : failure.problems) problem = fmt::format("rank {}: {}", rank, problem);
  return failure;
}

class RankGroup final : public Group {
 public:
  RankGroup(std::unique_ptr<Transport> transport, std::unique_ptr<Watch> watch, const GroupOptions& options)
      : watch_(std::move(watch)), transport_(std::move(transport)), options_(options), rank_(transport_->rank()),
        size_(transport_->size()) {
    watch_->observe(share(Watch::whereabouts()), rank_);
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void barrier() override { agree(Operation::barrier, 0); }
  void allreduce(std::span<double> values) override;
  void broadcast(std::span<std::byte> bytes, int root) override {
    agree(Operation::broadcast, bytes.size());
    send_all(bytes, root);
  }
  std::vector<std::string> share(std::string_view text) override;
  std::vector<std::vector<std::byte>> collect(std::span<const std::byte> bytes) override;

  Ending fail(const Failure& own) override;
  void leave() override {
    agree(Operation::leave, 0);
    transport_->finish();
  }
  void abort(const Failure& failure) override {
    remove_temporaries();
    transport_->abort(Error(failure.fault, failure.problems, failure.signal).exit_code());
  }

 private:
  void agree(Operation operation, std::size_t count, const Failure* own = nullptr);
  void hear(int from, bool everyone, const Failure* own);
  void send_all(std::span<std::byte> bytes, int root);
  void exchange_all(std::span<const std::byte> own, std::span<std::byte> all);
  void sum_whole(std::span<double> values);
  void sum_in_parts(std::span<double> values);
  std::size_t ranks() const { return static_cast<std::size_t>(size_); }

  const std::unique_ptr<Watch> watch_;  // outlives the transport, which asks it
  const std::unique_ptr<Transport> transport_;
  const GroupOptions options_;
  const int rank_, size_;
  std::optional<Failure> heard_;
  std::vector<double> parts_;  // scratch of allreduce
};

// What every rank is about to do must be the same; one that has failed says so here.
void RankGroup::agree(Operation operation, std::size_t count, const Failure* own) {
  const auto op = static_cast<std::int64_t>(operation), n = static_cast<std::int64_t>(count);
  std::array<std::int64_t, 6> said = own == nullptr ? std::array<std::int64_t, 6>{0, 1, op, -op, n, -n}
                                                    : std::array<std::int64_t, 6>{size_ - rank_, 0, kNothing, kNothing, kNothing, kNothing};
  transport_->maximum(said);
  if (said[0] > 0) return hear(static_cast<int>(size_ - said[0]), said[1] == 0, own);
  if (said[2] != -said[3] || said[4] != -said[5]) {
    throw internal_error("the ranks do different things: operations {} to {}, of {} to {} values; this one {} of {}", -said[3], said[2],
                         -said[5], said[4], op, n);
  }
}

// The failure of one rank reaches all; where all have failed, it is nobody's in particular.
void RankGroup::hear(int from, bool everyone, const Failure* own) {
  std::string text = from == rank_ ? packed(*own) : "";
  std::uint64_t length = text.size();
  send_all(std::as_writable_bytes(std::span(&length, 1)), from);
  text.resize(length);
  send_all(std::as_writable_bytes(std::span(text)), from);
  heard_ = everyone ? unpacked(text) : said_by(from, unpacked(text));
  if (own == nullptr) throw Error(heard_->fault, heard_->problems, heard_->signal);
}

Ending RankGroup::fail(const Failure& own) {
  if (watch_->gave_up() != Watch::GaveUp::no) return {own, !own.problems.empty(), false};  // the watch's own words, or silence
  // A failed rank with a higher number waits longer, so that the first to lose patience speaks alone.
  watch_->limit(options_.patience + 0.5 * std::min(rank_, 8));
  try {
    if (!heard_) agree(Operation::leave, 0, &own);
    return {*heard_, is_root(), true};
  } catch (const Error&) {
    return {said_by(rank_, own), watch_->gave_up() != Watch::GaveUp::signal, false};
  }
}

void RankGroup::send_all(std::span<std::byte> bytes, int root) {
  for (std::size_t begin = 0; begin < bytes.size(); begin += options_.max_message) {
    transport_->broadcast(bytes.subspan(begin, std::min(options_.max_message, bytes.size() - begin)), root);
  }
}

// Pieces of one size from everyone to everyone, side by side in rank order.
void RankGroup::exchange_all(std::span<const std::byte> own, std::span<std::byte> all) {
  const std::vector<Part> to(ranks(), Part{0, own.size()});
  std::vector<Part> from(ranks());
  for (std::size_t r = 0; r < ranks(); ++r) from[r] = {r * own.size(), own.size()};
  transport_->exchange(own, to, all, from);
}

void RankGroup::allreduce(std::span<double> values) {
  agree(Operation::allreduce, values.size());
  const std::size_t block = std::max<std::size_t>(options_.max_message / sizeof(double), ranks());
  for (std::size_t begin = 0; begin < values.size(); begin += block) {
    const std::span<double> part = values.subspan(begin, std::min(block, values.size() - begin));
    // Either way each element is the same sum in the same order.
    if (part.size() * ranks() <= std::min(kFewDoubles, block)) sum_whole(part);
    else sum_in_parts(part);
  }
}

void RankGroup::sum_whole(std::span<double> values) {
  parts_.resize(values.size() * ranks());
  exchange_all(std::as_bytes(values), std::as_writable_bytes(std::span(parts_)));
  for (std::size_t i = 0; i < values.size(); ++i) {
    double sum = parts_[i];
    for (std::size_t r = 1; r < ranks(); ++r) sum += parts_[r * values.size() + i];
    values[i] = sum;
  }
}

// Rank r sums the r-th part of everyone's values, then sends it round.
void RankGroup::sum_in_parts(std::span<double> values) {
  const std::size_t n = values.size();
  std::vector<Part> parts(ranks()), received(ranks());
  const auto begin_of = [&](std::size_t r) { return n * r / ranks(); };
  const auto me = static_cast<std::size_t>(rank_);
  const std::size_t begin = begin_of(me), own = begin_of(me + 1) - begin;
  for (std::size_t r = 0; r < ranks(); ++r) {
    parts[r] = {begin_of(r) * sizeof(double), (begin_of(r + 1) - begin_of(r)) * sizeof(double)};
    received[r] = {r * own * sizeof(double), own * sizeof(double)};
  }
  parts_.resize(own * ranks());
  transport_->exchange(std::as_bytes(values), parts, std::as_writable_bytes(std::span(parts_)), received);
  for (std::size_t r = 1; r < ranks(); ++r) {
    for (std::size_t i = 0; i < own; ++i) parts_[i] += parts_[r * own + i];
  }
  const std::vector<Part> round(ranks(), Part{0, own * sizeof(double)});
  transport_->exchange(std::as_bytes(std::span(parts_)), round, std::as_writable_bytes(values), parts);
}

std::vector<std::string> RankGroup::share(std::string_view text) {
  agree(Operation::share, 0);
  const std::uint64_t length = text.size();
  std::vector<std::uint64_t> lengths(ranks());
  exchange_all(std::as_bytes(std::span(&length, 1)), std::as_writable_bytes(std::span(lengths)));
  std::vector<std::string> all(ranks());
  for (std::size_t r = 0; r < ranks(); ++r) {
    if (static_cast<int>(r) == rank_) all[r] = text;
    all[r].resize(lengths[r]);
    send_all(std::as_writable_bytes(std::span(all[r])), static_cast<int>(r));
  }
  return all;
}

std::vector<std::vector<std::byte>> RankGroup::collect(std::span<const std::byte> bytes) {
  agree(Operation::collect, 0);
  const std::uint64_t length = bytes.size();
  std::vector<std::uint64_t> lengths(ranks());
  exchange_all(std::as_bytes(std::span(&length, 1)), std::as_writable_bytes(std::span(lengths)));
  std::vector<std::vector<std::byte>> all(is_root() ? ranks() : 0);
  if (is_root()) {
    for (std::size_t r = 0; r < ranks(); ++r) all[r].resize(lengths[r]);
  }
  const std::size_t most = *std::max_element(lengths.begin(), lengths.end());
  const std::size_t piece = std::max<std::size_t>(options_.max_message / ranks(), 1);
  std::vector<std::byte> received(is_root() ? std::min(piece, most) * ranks() : 0);
  for (std::size_t begin = 0; begin < most; begin += piece) {
    const auto piece_of = [&](std::size_t r) { return lengths[r] > begin ? std::min<std::size_t>(piece, lengths[r] - begin) : 0; };
    std::vector<Part> to(ranks()), from(ranks());
    to[0] = {std::min<std::size_t>(begin, bytes.size()), piece_of(static_cast<std::size_t>(rank_))};
    std::size_t place = 0;
    for (std::size_t r = 0; is_root() && r < ranks(); ++r) {
      from[r] = {place, piece_of(r)};
      place += from[r].size;
    }
    transport_->exchange(bytes, to, received, from);
    for (std::size_t r = 0; is_root() && r < ranks(); ++r) {
      if (from[r].size > 0) std::memcpy(all[r].data() + begin, received.data() + from[r].begin, from[r].size);
    }
  }
  return all;
}

}  // namespace

std::unique_ptr<Group> make_group(std::unique_ptr<Transport> transport, std::unique_ptr<Watch> watch, const GroupOptions& options) {
  return std::make_unique<RankGroup>(std::move(transport), std::move(watch), options);
}

}  // namespace smtrain::dist
