#include "formats/text/column_list.h"

#include <catch2/catch.hpp>

#include "formats/record_help.h"

using namespace smtrain;
using namespace smtrain::formats;

TEST_CASE("column list: columns are found by name and by number", "[formats][csv]") {
  const std::vector<std::string> header{"time", "value", "7"};
  CHECK(parse_column("value", header, 3, "--value") == 1);
  CHECK(parse_column("0", header, 3, "--value") == 0);
  CHECK(parse_column("-1", header, 3, "--value") == 2);
  CHECK(parse_column("7", header, 3, "--value") == 2);
  CHECK(error_of([&] { parse_column("valu", header, 3, "--value"); }) ==
        "--value \"valu\": there is no such column; did you mean value?; the columns are \"time, value, 7\"");
  CHECK(error_of([&] { parse_column("valu", {}, 3, "--value"); }).starts_with("--value \"valu\": the columns have no names"));
  CHECK(error_of([&] { parse_column("3", {}, 3, "--value"); }) == "--value 3: there are 3 columns; expected 0 to 2, or -1 to -3 from the end");
}
