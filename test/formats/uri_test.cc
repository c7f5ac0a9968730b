#include "formats/io/uri.h"

#include <catch2/catch.hpp>

#include "base/error.h"

using namespace smtrain;
using namespace smtrain::formats;

TEST_CASE("uri: the forms of a local path", "[formats][io]") {
  const auto path = [](const std::string& uri) { return resolve_uri(uri, "/jobs", {}); };
  CHECK(path("file:///data/a") == "/data/a");
  CHECK(path("file://localhost/data/a") == "/data/a");
  CHECK(path("file:rel/a") == "/jobs/rel/a");
  CHECK(path("rel/a") == "/jobs/rel/a");
  CHECK(path("../a/") == "/a/");
  CHECK(path("/abs/./x/../y") == "/abs/y");
  CHECK(path("file:///with%20blank%2Fx") == "/with blank/x");
  CHECK(path("100%") == "/jobs/100%");
  CHECK(path("a:b") == "/jobs/a:b");
  CHECK_THROWS_AS(path("file:///a%0"), Error);
  CHECK_THROWS_AS(path("file:///a%00b"), Error);
  CHECK_THROWS_AS(path("file://host/a"), Error);
  CHECK_THROWS_AS(path(""), Error);
}

TEST_CASE("uri: maps replace whole parts of a prefix", "[formats][io]") {
  const UriMaps maps = {{"s3://bucket/prefix", "/data/x"}, {"s3://bucket", "/all/"}};
  CHECK(resolve_uri("s3://bucket/prefix/a", "/jobs", maps) == "/data/x/a");
  CHECK(resolve_uri("s3://bucket/prefix", "/jobs", maps) == "/data/x");
  CHECK(resolve_uri("s3://bucket/prefixes/", "/jobs", maps) == "/all/prefixes/");
  CHECK_THROWS_WITH(resolve_uri("s3://bucket2/a", "/jobs", maps), Catch::Contains("--map s3://bucket2=FOLDER"));
  CHECK(parse_map("s3://b/c=/x=y") == std::pair<std::string, std::string>("s3://b/c", "/x=y"));
  CHECK(resolve_uri("s3://bucket/prefix/a", "/jobs", {{"s3://bucket", "/all"}, {"s3://bucket/prefix", "/data/x"}}) == "/data/x/a");
  CHECK(resolve_uri("s3://bucket/a/../b", "/jobs", maps) == "/all/b");
  for (const std::string out : {"s3://bucket/../etc/passwd", "s3://bucket/prefix/a/../../xy/b", "s3://bucket/prefix/.."})
    CHECK_THROWS_WITH(resolve_uri(out, "/jobs", maps), Catch::Contains("leads out of"));
  CHECK_THROWS_AS(parse_map("s3://b"), Error);
  CHECK_THROWS_AS(parse_map("b=/x"), Error);
}

TEST_CASE("uri: a path survives the way into a URI and back", "[formats][io]") {
  for (const std::string path : {"/a/b", "/with blank", "/100%", "/\xc3\xa9\n", "/q?#[x]"}) CHECK(resolve_uri(file_uri(path), "/", {}) == path);
}
