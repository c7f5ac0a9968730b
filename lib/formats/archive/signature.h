// What some bytes seem to be, for messages about files of the wrong kind.
#pragma once

#include <string>
#include <string_view>

namespace smtrain::formats {

/// From the first bytes of a file: "a zip archive", "an MXNet array list (a bare model_algo-1)", "JSON text"; "" when
/// unknown.
std::string describe_signature(std::string_view head);

/// What to do about it when a tarball was expected: "; pack it first: tar -czf model.tar.gz model_algo-1", or "".
std::string hint_of_signature(std::string_view head);

}  // namespace smtrain::formats
