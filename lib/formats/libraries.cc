#include "formats/libraries.h"

#include <archive.h>
#include <fmt/format.h>
#include <isa-l.h>
#include <jconfig.h>
#include <libdeflate.h>
#include <png.h>
#include <pugixml.hpp>
#include <simdjson.h>
#include <snappy.h>
#include <zstd.h>

namespace smtrain::formats {

std::vector<Library> libraries() {
  const int archive = archive_version_number();  // 3006002 is 3.6.2
  // isa-l, libdeflate and libjpeg-turbo do not tell at run time; their headers do.
  return {{"libarchive", fmt::format("{}.{}.{}", archive / 1000000, archive / 1000 % 1000, archive % 1000), "", "libarchive."},
          {"zstd", ZSTD_versionString(), "", "libzstd."},
          {"isa-l", fmt::format("{}.{}.{}", ISAL_MAJOR_VERSION, ISAL_MINOR_VERSION, ISAL_PATCH_VERSION), "version of its header",
           "libisal."},
          {"libdeflate", LIBDEFLATE_VERSION_STRING, "version of its header", "libdeflate."},
          {"snappy", fmt::format("{}.{}.{}", SNAPPY_MAJOR, SNAPPY_MINOR, SNAPPY_PATCHLEVEL), "version of its header", "libsnappy."},
          {"simdjson", SIMDJSON_STRINGIFY(SIMDJSON_VERSION), "kernels " + simdjson::get_active_implementation()->name(),
           "libsimdjson."},
          {"libjpeg-turbo", SIMDJSON_STRINGIFY(LIBJPEG_TURBO_VERSION), "version of its header", "libjpeg."},
          {"libpng", png_get_libpng_ver(nullptr), "", "libpng"},
          {"pugixml", fmt::format("{}.{}", PUGIXML_VERSION / 1000, PUGIXML_VERSION % 1000 / 10), "version of its header", "libpugixml."}};
}

}  // namespace smtrain::formats
