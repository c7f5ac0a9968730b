#include "formats/io/uri.h"

#include <filesystem>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::formats {
namespace {

constexpr std::string_view kUnreserved = "-._~/!$&'()*+,;=:@";

std::string decoded_path(std::string_view text, const std::string& uri) {
  const auto decoded = percent_decoded(text);
  if (!decoded) throw user_error("{}: % must be followed by two hexadecimal digits; write %25 for a percent sign", smtrain::quoted(uri));
  if (decoded->find('\0') != std::string::npos) throw user_error("{}: %00 cannot be part of a path", smtrain::quoted(uri));
  return *decoded;
}

// A scheme is a letter and letters, digits, + - . up to a colon; "C:" of nobody's concern here.
std::string scheme_of(std::string_view uri) {
  const std::size_t colon = uri.find(':');
  if (colon == std::string_view::npos || colon == 0) return "";
  for (std::size_t i = 0; i < colon; ++i) {
    const char c = uri[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool more = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    if (!letter && (i == 0 || !more)) return "";
  }
  return to_lower(uri.substr(0, colon));
}

// Whether `uri` lies below `prefix`; where the rest begins.
bool below(std::string_view uri, std::string_view prefix) {
  if (!uri.starts_with(prefix)) return false;
  return uri.size() == prefix.size() || prefix.ends_with('/') || uri[prefix.size()] == '/';
}

std::string joined(std::string folder, std::string_view rest) {
  if (rest.empty()) return folder;
  if (folder.ends_with('/')) folder.pop_back();
  return folder + (rest.starts_with('/') ? "" : "/") + std::string(rest);
}

std::string absolute(std::string path, const std::string& folder) {
  if (!path.starts_with('/')) path = joined(folder.empty() ? "." : folder, path);
  const bool slash = path.ends_with('/');
  path = std::filesystem::absolute(path).lexically_normal().string();
  if (slash && !path.ends_with('/')) path += '/';
  if (!slash && path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

std::string path_of_file_uri(const std::string& uri) {
  std::string_view rest = std::string_view(uri).substr(5);
  if (!rest.starts_with("//")) return decoded_path(rest, uri);
  rest.remove_prefix(2);
  if (rest.starts_with("localhost/")) rest.remove_prefix(9);
  if (!rest.starts_with('/')) {
    throw user_error("{}: names the machine {}; only file:///PATH and file://localhost/PATH are on this one",
                     smtrain::quoted(uri), smtrain::quoted(rest.substr(0, rest.find('/'))));
  }
  return decoded_path(rest, uri);
}

const UriMap* longest_map(std::string_view uri, const UriMaps& maps) {
  const UriMap* longest = nullptr;
  for (const UriMap& map : maps) {
    if (below(uri, map.first) && (longest == nullptr || map.first.size() > longest->first.size())) longest = &map;
  }
  return longest;
}

// Lexically: a symbolic link below the folder is the user's own.
std::string mapped_path(const std::string& uri, const UriMap& map) {
  const std::string here = std::filesystem::current_path().string(), root = absolute(map.second, here);
  const std::string path = absolute(joined(map.second, std::string_view(uri).substr(map.first.size())), here);
  if (!below(path, root) && path + "/" != root) throw user_error("{}: leads out of {}", smtrain::quoted(uri), smtrain::quoted(map.second, 4096));
  return path;
}

}  // namespace

std::pair<std::string, std::string> parse_map(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == text.size() || scheme_of(text.substr(0, equals)).empty()) {
    throw user_error("--map {}: expected a URI prefix and a path, such as s3://bucket/prefix=/data/x", smtrain::quoted(text));
  }
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

std::string resolve_uri(const std::string& uri, const std::string& folder, const UriMaps& maps) {
  if (uri.empty()) throw user_error("is empty; expected a path or a file:// URI");
  if (uri.find('\0') != std::string::npos) throw user_error("{} holds a zero byte", smtrain::quoted(uri));
  if (const auto* map = longest_map(uri, maps)) return mapped_path(uri, *map);
  const std::string scheme = scheme_of(uri);
  if (scheme == "file") return absolute(path_of_file_uri(uri), folder);
  if (scheme.empty() || uri.find("://") == std::string::npos) return absolute(uri, folder);
  const std::size_t bucket_end = uri.find('/', scheme.size() + 3);
  throw user_error("{}: nothing is fetched from {}://; copy the data here and give --map {}=FOLDER, or a file:// URI",
                   smtrain::quoted(uri), scheme, uri.substr(0, bucket_end));
}

std::string file_uri(const std::string& absolute_path) {
  std::string out = "file://";
  for (const char c : absolute_path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kUnreserved.find(c) !=
        std::string_view::npos;
    if (plain) out += c;
    else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace smtrain::formats
