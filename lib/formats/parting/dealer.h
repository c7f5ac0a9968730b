// Dealer: which part a record goes to, record by record, without knowing how many there are.
//
// Records are dealt like cards: in hands of a few records, each part gets its share of every hand, to the record; which record of
// the hand goes where is drawn at random. So each part has its share of the data to within a few records, wherever they end, one
// pass is enough, and the same seed deals the same. Stratified, each stratum has hands of its own. Records of one group stay
// together: groups are dealt instead of records, each when its first record comes.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "formats/parting/packed_records.h"

namespace smtrain::formats {

struct DealOptions {
  std::vector<double> shares;  ///< of the parts; positive, of sum 1
  std::uint64_t seed = 0;
  bool in_turn = false;        ///< equal shares: part 0, 1, 2, ... in turn instead of at random
  bool by_group = false;       ///< records of equal keys().group go to one part
};

/// Memory grows with the number of strata and of groups. Not thread-safe.
class Dealer {
 public:
  explicit Dealer(DealOptions options);

  /// The part of the next record. Throws a user Error when there are more than kMaxStrata strata.
  std::size_t part_of(const RecordKeys& keys);

  std::size_t strata() const { return strata_.size(); }
  std::size_t groups() const { return groups_.size(); }
  /// Strata of fewer records (or groups) than there are parts: some part has none of them.
  std::size_t thin_strata() const;

  static constexpr std::size_t kMaxStrata = 100'000;

 private:
  struct Stratum {
    RandomStream random;
    std::vector<std::uint64_t> dealt;  // cards each part has got, of whole hands
    std::vector<std::uint16_t> hand;   // parts of the cards still to come, last first
    std::uint64_t cards = 0;
  };
  std::size_t deal(std::uint64_t stratum);
  void shuffle_hand(Stratum& stratum) const;

  DealOptions options_;
  std::size_t hand_size_;
  std::unordered_map<std::uint64_t, Stratum> strata_;
  std::unordered_map<std::uint64_t, std::uint16_t> groups_;
  std::uint64_t turn_ = 0;
};

}  // namespace smtrain::formats
