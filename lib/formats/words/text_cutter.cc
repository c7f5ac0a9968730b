#include "formats/words/text_cutter.h"

#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "formats/content_type.h"

namespace smtrain::formats {
namespace {

constexpr std::size_t kLook = 4096, kTextPerControl = 20, kFewControls = 3;

// Old texts have a control byte here and there, but never many, and no NUL.
bool looks_binary(std::string_view head) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 && (c < '\t' || c > '\r') && c != '\x1B'; };
  const auto count = static_cast<std::size_t>(std::count_if(head.begin(), head.end(), is_control));
  return head.find('\0') != std::string_view::npos || (count > kFewControls && count * kTextPerControl > head.size());
}

}  // namespace

void check_is_text(const std::string& name, std::span<const char> bytes) {
  const std::string_view head(bytes.data(), std::min(bytes.size(), kLook));
  if (!looks_binary(head) && !head.starts_with("%PDF-")) return;
  const std::string looks = describe_content(head);
  const bool packed = looks.ends_with("archive") || looks.ends_with("data");
  throw user_error("{}: looks like {}, expected text; {}", name, looks,
                   looks == "UTF-16 text" ? "make it UTF-8 first (iconv -f UTF-16 -t UTF-8)"
                   : packed ? "unpack it first if it is an archive, and give the files (a folder with --file-per-document: each is a document)"
                            : "leave it out, or take the text out of it first");
}

RecordCutter::Cut TextCutter::cut(const RawBlock& block, bool file_start, bool at_end) {
  if (file_start) check_is_text(*block.source, block.bytes);
  return lines_.cut(block, file_start, at_end);
}

}  // namespace smtrain::formats
