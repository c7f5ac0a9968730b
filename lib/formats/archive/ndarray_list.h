// MXNet's NDArray list file: what the service writes as model_algo-1 (kmeans.md §7 has the layout).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/archive/safetensors.h"

namespace smtrain::formats {

/// Names may all be empty: an unnamed list (name count 0). Dense float32/float64/int32/int64/uint8 arrays.
std::string write_ndarray_list(const std::vector<NamedTensor>& arrays);

/// Reads versions V1 (0xF993FAC8), V2 (0xF993FAC9) and V3 (0xF993FACA) and the legacy form without magic where unambiguous;
/// row-sparse arrays, as MXNet keeps parameters of sparse networks, become dense ones; CSR is refused by name. Sizes are checked against the bytes there are before anything is allocated.
std::vector<NamedTensor> read_ndarray_list(std::string_view bytes, const std::string& name);

}  // namespace smtrain::formats
