#include "formats/archive/signature.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace smtrain::formats {
namespace {

constexpr std::string_view kArrayList("\x12\x01\0\0\0\0\0\0", 8);
constexpr std::string_view kZip("PK\x03\x04", 4);

struct Signature {
  std::string_view magic;
  std::string_view what;
};

constexpr std::array kSignatures{
    Signature{kArrayList, "an MXNet array list (a bare model_algo-1)"},
    Signature{kZip, "a zip archive"},
    Signature{std::string_view("\x1f\x8b", 2), "gzip data"},
    Signature{std::string_view("\x28\xb5\x2f\xfd", 4), "zstd data"},
    Signature{"BZh", "bzip2 data"},
    Signature{std::string_view("\xfd"
                               "7zXZ\0",
                               6),
              "xz data"},
    Signature{"7z\xbc\xaf", "a 7z archive"},
    Signature{"PAR1", "a Parquet file"},
    Signature{"\x89HDF", "an HDF5 file"},
    Signature{"\x93NUMPY", "a NumPy array"},
    Signature{"\x7f"
              "ELF",
              "an executable"},
    Signature{std::string_view("\x0a\x23\xd7\xce", 4), "recordIO data"},
};

bool is_safetensors(std::string_view head) { return head.size() > 9 && head.substr(8, 2) == "{\""; }

bool is_text(std::string_view head) {
  return !head.empty() && std::all_of(head.begin(), head.end(), [](unsigned char c) { return c >= 32 || std::isspace(c); });
}

}  // namespace

std::string describe_signature(std::string_view head) {
  for (const auto& [magic, what] : kSignatures) {
    if (head.starts_with(magic)) return std::string(what);
  }
  if (is_safetensors(head)) return "a safetensors file";
  if (!is_text(head)) return "";
  return head.front() == '{' || head.front() == '[' ? "JSON text" : "text";
}

std::string hint_of_signature(std::string_view head) {
  if (head.starts_with(kArrayList)) return "; pack it first: tar -czf model.tar.gz model_algo-1";
  if (head.starts_with(kZip)) return "; if it is a bare model_algo-1, pack it first: tar -czf model.tar.gz model_algo-1";
  return "";
}

}  // namespace smtrain::formats
