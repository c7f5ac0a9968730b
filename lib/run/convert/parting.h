// Parting: which part, or parts, each record of a conversion goes to.
#pragma once

#include <memory>
#include <vector>

#include "run/convert/parts.h"

namespace smtrain::run {

/// Sends each record to its part, or parts.
class Parting {
 public:
  virtual ~Parting() = default;
  virtual void send(const formats::PackedRecords& records, std::size_t i, Parts& parts) = 0;
  /// What there is to say at the end.
  virtual void warn(Console& console) const { (void)console; }
};

/// By the request's --split, --folds, --shards or --tail; everything to the one part without any. --tail may read the input once.
std::unique_ptr<Parting> make_parting(const ConvertRequest& request, const PartPlan& plan,
                                      const std::vector<formats::InputFile>& files, DataKind from, DataKind to, Console& console);

}  // namespace smtrain::run
