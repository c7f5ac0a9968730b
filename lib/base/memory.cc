#include "base/memory.h"

#include <sys/mman.h>

#include <cstdlib>

#include "base/error.h"
#include "base/text.h"

namespace smtrain {
namespace {

constexpr std::size_t kLine = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kAddressSpace = std::size_t{1} << 47;  // no process has more

}  // namespace

std::shared_ptr<char> allocate_aligned(std::size_t bytes) {
  const std::size_t alignment = bytes >= kHugePage ? kHugePage : kLine;
  void* block = nullptr;
  if (bytes > kAddressSpace || posix_memalign(&block, alignment, bytes == 0 ? kLine : bytes) != 0) block = nullptr;
  if (block == nullptr) {
    throw machine_error("cannot allocate {} of memory; expected that much to be free", format_bytes(bytes));
  }
  if (bytes >= kHugePage) madvise(block, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);  // a hint: failure changes nothing
  return std::shared_ptr<char>(static_cast<char*>(block), [](char* p) { std::free(p); });
}

}  // namespace smtrain
