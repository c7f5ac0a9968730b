// How one text becomes one value: the checks of a single hyperparameter, without throwing, so that resolve() can gather the
// problems of a stage. Private to lib/job.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "job/hyperparameter.h"

namespace smtrain::job {

/// Why a text is no value of the declared type.
struct DecodeProblem {
  bool value_stage = false;  ///< false: not of the type; true: of the type, but outside its values
  std::string message;       ///< whole: "Hyperparameter k: 'abc' is not an integer"
};

/// Decodes a text by the declared type; intervals are not looked at.
std::variant<Value, DecodeProblem> try_decode(const Hyperparameter& parameter, std::string_view text);

/// The message when a decoded value, or an element of a list, lies outside the declared interval.
std::optional<std::string> out_of_range(const Hyperparameter& parameter, const Value& value, std::string_view text);

/// User text for a message: in single quotes, as the service quotes it, control characters escaped, long text cut.
std::string single_quoted(std::string_view text);

}  // namespace smtrain::job
