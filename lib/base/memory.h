// Aligned, uninitialised memory for bulk numbers.
#pragma once

#include <cstddef>
#include <memory>

namespace smtrain {

/// `bytes` of memory at a 64-byte boundary, not cleared. Throws a machine Error that states the size when there is none.
/// Blocks of 2 MiB and more ask for huge pages.
std::shared_ptr<char> allocate_aligned(std::size_t bytes);

template <class T>
std::shared_ptr<T> allocate_array(std::size_t count) {
  const bool overflows = count > static_cast<std::size_t>(-1) / sizeof(T);
  std::shared_ptr<char> bytes = allocate_aligned(overflows ? static_cast<std::size_t>(-1) : count * sizeof(T));
  return std::shared_ptr<T>(bytes, reinterpret_cast<T*>(bytes.get()));
}

}  // namespace smtrain
