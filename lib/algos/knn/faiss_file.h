// Index files of the faiss library (1.7): IndexFlat, IndexIVFFlat and IndexIVFPQ. Little-endian, no padding:
//
//   header      i32 d, i64 rows, i64 2^20 twice, u8 trained, i32 metric (0 inner product, 1 squared distance)
//   IxF2, IxFI  header; u64 count of floats, the floats
//   IwFl        header; u64 lists, u64 probes; a flat index of the centroids; u8 direct map 0, u64 0; inverted lists
//   IwPQ        as IwFl up to the direct map; u8 by residual 1; u64 bytes of a code; u64 d, u64 parts, u64 bits 8, u64 count of
//               floats, the floats (parts, 256, d / parts); inverted lists
//   lists       "ilar", u64 lists, u64 bytes of an entry; "full", u64 lists, u64 size of each; or, where at most half hold rows,
//               "sprs", u64 2 n, n pairs of u64 list and size; then of each that holds rows the entries and i64 ids
#pragma once

#include <string>
#include <string_view>

#include "algos/knn/index.h"

namespace smtrain::knn {

std::string write_faiss_index(const Index& index);

/// `name` is for messages. Throws a user Error that names what is wrong: another kind of index, sizes that do not agree or go beyond
/// the file, numbers that are not finite, row ids that are not 0 ... rows - 1, each once.
Index read_faiss_index(std::string_view bytes, const std::string& name);

/// Whether this seems to be such a file, by its first bytes.
bool is_faiss_index(std::string_view bytes);

}  // namespace smtrain::knn
