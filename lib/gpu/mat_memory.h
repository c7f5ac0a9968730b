// Matrices as the Device sees them: addresses and rows of bytes.
#pragma once

#include "compute/backend.h"
#include "gpu/device.h"

namespace smtrain::gpu {

inline std::size_t row_bytes(const compute::Mat& m) { return m.cols * size_of(m.dtype); }
inline Block2d block_of(const compute::Mat& m) { return {m.ld * size_of(m.dtype), row_bytes(m), m.rows}; }
inline char* start_of(const compute::Mat& m) { return static_cast<char*>(m.buffer->data()) + m.offset * size_of(m.dtype); }

template <class T>
T* or_null(const compute::Mat& m) {
  return m.empty() ? nullptr : m.at<T>();
}

/// What lies at a place of a Layout (plan.h).
template <class T>
T* at(char* memory, std::size_t place) {
  return reinterpret_cast<T*>(memory + place);
}

}  // namespace smtrain::gpu
