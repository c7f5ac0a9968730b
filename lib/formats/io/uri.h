// URIs of job files and manifests as paths of this machine.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smtrain::formats {

/// A URI prefix and the path that it stands for.
using UriMap = std::pair<std::string, std::string>;
using UriMaps = std::vector<UriMap>;

/// "s3://bucket/prefix=/data/x" taken apart. Throws a user Error for anything else.
std::pair<std::string, std::string> parse_map(std::string_view text);

/// file:///abs, file://localhost/abs, file:rel and bare paths, relative ones to `folder`; percent sequences of URIs are decoded;
/// a URI that begins with a map's prefix, the longest one, becomes its path and the rest (a prefix without a final slash ends at
/// one: s3://b does not fit s3://b2), which must not lead out of there. A final slash stays. Throws a user Error for other
/// schemes, with a hint to --map.
std::string resolve_uri(const std::string& uri, const std::string& folder, const UriMaps& maps);

/// file:// with everything escaped that a URI escapes.
std::string file_uri(const std::string& absolute_path);

}  // namespace smtrain::formats
