#include "base/memory.h"

#include <sys/mman.h>

#include <cstdlib>
#include <limits>

#include "base/error.h"
#include "base/text.h"

namespace smtrain {
namespace {

constexpr std::size_t kLine = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

}  // namespace

std::shared_ptr<char> allocate_aligned(std::size_t bytes) {
  const std::size_t alignment = bytes >= kHugePage ? kHugePage : kLine;
  const bool too_large = bytes > std::numeric_limits<std::size_t>::max() / 2;
  // aligned_alloc wants a multiple of the alignment; a multiple of 64 is enough for glibc and spares small blocks padding.
  const std::size_t rounded = (bytes + kLine - 1) / kLine * kLine;
  void* block = too_large ? nullptr : std::aligned_alloc(alignment, rounded == 0 ? kLine : rounded);
  if (block == nullptr) {
    throw machine_error("cannot allocate {} of memory; expected that much to be free", format_bytes(bytes));
  }
  if (bytes >= kHugePage) madvise(block, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);  // a hint: failure changes nothing
  return std::shared_ptr<char>(static_cast<char*>(block), [](char* p) { std::free(p); });
}

}  // namespace smtrain
