// Image lists: any line is an image or a user Error, what is written is read again, and no path leads out of its folder.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.h"
#include "formats/image/image_list.h"
#include "formats/text/lines.h"
#include "fuzz_help.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

void check_line(std::string_view line) {
  const image::ListedImage listed = image::parse_list_line(line);
  std::string written;
  append_list_line(written, listed);
  const image::ListedImage again = image::parse_list_line(trim(written));
  if (again.index != listed.index || again.labels != listed.labels || again.path != listed.path) std::abort();
  const std::string path = image::path_below("/root/images", listed.path);
  if (path != "/root/images" && path != "/root/images/" && !path.starts_with("/root/images/")) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Lines lines(fuzz::text_of(data, size), 1);
  while (lines.next()) {
    fuzz::accepts([&] { check_line(lines.line()); });
  }
  return 0;
}
