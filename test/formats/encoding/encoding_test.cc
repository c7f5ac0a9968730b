#include "formats/encoding/encoding.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>

#include "base/error.h"
#include "base/temporary_folder.h"
#include "formats/encoding/column_profile.h"
#include "formats/encoding/encoding_fit.h"
#include "formats/encoding/row_encoder.h"
#include "formats/parting/packed_rows.h"
#include "formats/text/column_list.h"
#include "formats/text/field_number.h"

namespace smtrain::formats {
namespace {

using Catch::Matchers::Contains;
using Floats = std::vector<float>;

/// A CSV on disk and what becomes of it.
class Fixture {
 public:
  explicit Fixture(const std::string& text) : path_(folder_.write("a.csv", text)) {}

  CsvRecords open(const std::string& type = "text/csv", int threads = 2) {
    BlockTeamOptions options;
    options.threads = threads;
    return CsvRecords(expand_path(path_), parse_content_type(type), options, log);
  }
  Encoding fit(const EncodingPlan& plan, int threads = 2) {
    CsvRecords records = open("text/csv", threads);
    return fit_encoding(records, plan, [] {}, log);
  }
  /// Labels first.
  std::vector<Floats> rows(const Encoding& encoding) {
    CsvRecords records = open();
    const RowEncoder encoder(encoding, records);
    schema = encoder.schema();
    std::vector<PackedRecords> parts(records.blocks_per_round());
    PackedRecords all;
    notes = {};
    while (const std::size_t blocks = records.round([&](const RawBlock& block, std::size_t place) {
      RowEncoder::Scratch scratch;
      records.each(block, [&](const CsvRecord& record) {
        if (encoder.encode(record, *block.source, scratch, parts[place].bytes(), notes)) parts[place].end_record({});
      });
    })) {
      for (std::size_t i = 0; i < blocks; ++i) {
        all.append(parts[i]);
        parts[i].clear();
      }
    }
    const Batch batch = RowPacking(schema).unpack(all);
    std::vector<Floats> out;
    for (std::size_t i = 0; i < batch.rows; ++i) {
      Floats row;
      if (schema.label_width != 0) row.push_back(batch.labels[i]);
      for (std::size_t c = 0; c < batch.cols; ++c) row.push_back(schema.sparse ? 0 : batch.dense[i * batch.ld + c]);
      for (std::uint64_t n = 0; schema.sparse && n < batch.indptr[i + 1] - batch.indptr[i]; ++n) {
        row[schema.label_width + batch.indices[batch.indptr[i] + n]] = batch.values[batch.indptr[i] + n];
      }
      out.push_back(row);
    }
    return out;
  }

  TableSchema schema;
  EncodingNotes notes;
  CollectedLog log;

 private:
  test::TemporaryFolder folder_;
  std::string path_;
};

EncodingPlan plan_of(const std::string& label, const std::string& one_hot) {
  EncodingPlan plan;
  if (!label.empty()) plan.label = label;
  if (!one_hot.empty()) plan.one_hot = one_hot;
  return plan;
}

TEST_CASE("encoding: numbers, categories and a label of text", "[formats][encoding]") {
  Fixture f("age,city,\"grade, last\",income\n39,Bern, b,yes\n50,\"Basel\",a,no\n38,Bern,\"a\"\"x\",yes\n");
  EncodingPlan plan = plan_of("income", "city");
  plan.ordinal = "\"grade, last\"";
  const Encoding encoding = f.fit(plan);
  CHECK(encoding.header);
  CHECK(encoding.feature_names() == std::vector<std::string>{"age", "city=Basel", "city=Bern", "grade, last"});
  CHECK(f.rows(encoding) == std::vector<Floats>{{1, 39, 0, 1, 2}, {0, 50, 1, 0, 0}, {1, 38, 0, 1, 1}});
  const Encoding again = encoding_from_json(encoding_to_json(encoding), "e.json");
  CHECK(encoding_to_json(again) == encoding_to_json(encoding));
  CHECK(f.rows(again) == f.rows(encoding));
}

TEST_CASE("encoding: one-hot all takes the columns of text, a named column of numbers is ordered by number",
          "[formats][encoding]") {
  Fixture f("10,x,1.0\n9,y,1\n10,x,7\n");
  Encoding encoding = f.fit(plan_of("-1", "all"));
  CHECK(f.rows(encoding) == std::vector<Floats>{{1, 10, 1, 0}, {1, 9, 0, 1}, {7, 10, 1, 0}});
  encoding = f.fit(plan_of("", "0-2"));
  CHECK(encoding.feature_names() == std::vector<std::string>{"0=9", "0=10", "1=x", "1=y", "2=1", "2=7"});
}

TEST_CASE("encoding: missing values by each rule", "[formats][encoding]") {
  Fixture f("a,b,c\n1,x,5\n,y,6\n3,NA,7\n8,x,?\n");
  EncodingPlan plan = plan_of("", "b");
  plan.missing_texts = {"?"};
  CHECK_THROWS_WITH(f.fit(plan), Contains("column \"a\": 1 missing value (first") && Contains("a.csv:3") &&
                                     Contains("column \"b\"") && Contains("column \"c\""));
  plan.missing = {"a=median+indicator", "mean"};
  CHECK(f.rows(f.fit(plan)) == std::vector<Floats>{{1, 0, 1, 0, 5}, {3, 1, 0, 1, 6}, {3, 0, 0, 0, 7}, {8, 0, 1, 0, 6}});
  plan.missing = {"drop"};
  CHECK(f.rows(f.fit(plan)) == std::vector<Floats>{{1, 1, 0, 5}});
  CHECK(f.notes.dropped == 3);
  plan.missing = {"-1", "b=0+indicator"};
  CHECK(f.rows(f.fit(plan)) == std::vector<Floats>{{1, 1, 0, 0, 5}, {-1, 0, 1, 0, 6}, {3, 0, 0, 1, 7}, {8, 1, 0, 0, -1}});
  plan.missing = {"nan"};
  CHECK(std::isnan(f.rows(f.fit(plan))[1][0]));
  plan.missing = {"modus"};
  CHECK_THROWS_WITH(f.fit(plan), Contains("--missing \"modus\": expected refuse, drop, mean"));
}

TEST_CASE("encoding: what cannot be a feature is refused with advice, all columns at once", "[formats][encoding]") {
  std::string text = "id,when,price,gone\n";
  for (int i = 0; i < 30; ++i) text += fmt::format("n{},2019-05-{:02},{},\n", i, i % 28 + 1, i == 7 ? "unknown" : "3.5");
  Fixture f(text);
  try {
    f.fit({});
    FAIL("taken");
  } catch (const Error& e) {
    REQUIRE(e.problems().size() == 4);
    CHECK_THAT(e.problems()[0], Contains("column \"id\": holds text such as \"n0\"") && Contains("--one-hot \"id\""));
    CHECK_THAT(e.problems()[1], Contains("holds dates such as \"2019-05-01\"") && Contains("make numbers"));
    CHECK_THAT(e.problems()[2], Contains("29 numbers, and 1 text such as \"unknown\"") && Contains("a.csv:9") &&
                                    Contains("--missing-text \"unknown\""));
    CHECK_THAT(e.problems()[3], Contains("every value is missing"));
  }
  EncodingPlan plan;
  plan.columns = "prise";
  CHECK_THROWS_WITH(f.fit(plan), Contains("--columns \"prise\": there is no such column; did you mean price?"));
}

TEST_CASE("encoding: text that is not UTF-8 is refused", "[formats][encoding]") {
  Fixture f("1,Gen\xE8ve\n2,Bern\n");
  CHECK_THROWS_WITH(f.fit(plan_of("", "1")), Contains("is not UTF-8") && Contains("iconv"));
}

TEST_CASE("encoding: new data by name or number, unseen categories, an absent label", "[formats][encoding]") {
  Fixture train("city,age,y\nBern,3,no\nBasel,4,yes\n");
  const Encoding encoding = train.fit(plan_of("y", "city"));
  Fixture turned("age,extra,city\n7,0,Bern\n8,0,Chur\n9,0,Chur\n");
  CHECK(turned.rows(encoding) == std::vector<Floats>{{0, 1, 7}, {0, 0, 8}, {0, 0, 9}});
  CHECK(turned.notes.unseen.at("city").values == 2);
  CHECK(turned.notes.unseen.at("city").first == "Chur");
  Fixture narrow("town,age\nBern,1\n");
  CHECK_THROWS_WITH(narrow.rows(encoding), Contains("has no column \"city\""));
  Fixture other_class("city,age,y\nBern,3,maybe\n");
  CHECK_THROWS_WITH(other_class.rows(encoding), Contains("a.csv:2: column \"y\": \"maybe\" is no class") && Contains("no, yes"));

  Fixture plain("3,no,7\n4,yes,8\n");
  const Encoding by_number = plain.fit(plan_of("1", ""));
  Fixture without("3,7\n");
  CHECK(without.rows(by_number) == std::vector<Floats>{{3, 7}});
  Fixture wide("3,7,1,1\n");
  CHECK_THROWS_WITH(wide.rows(by_number), Contains("4 columns; the encoding was found on 3"));
}

TEST_CASE("encoding: wide one-hot columns become sparse rows", "[formats][encoding]") {
  std::string text;
  for (int i = 0; i < 400; ++i) text += fmt::format("w{:03},{}\n", i, i);
  Fixture f(text);
  const auto rows = f.rows(f.fit(plan_of("", "0")));
  CHECK(f.schema.sparse);
  REQUIRE(rows.size() == 400);
  CHECK((rows[7][7] == 1 && rows[7][8] == 0 && rows[7][400] == 7));
}

TEST_CASE("encoding: the same for any number of threads", "[formats][encoding]") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 draw(seed);
  std::string text = "a,b,c\n";
  for (int i = 0; i < 300'000; ++i) {
    const bool missing = draw() % 9 == 0;
    text += missing ? fmt::format(",k{},{}\n", draw() % 50, draw() % 1000)
                    : fmt::format("{},k{},{}\n", draw() * 1e-5, draw() % 50, draw() % 1000);
  }
  Fixture f(text);
  EncodingPlan plan = plan_of("", "b");
  plan.missing = {"mean", "a=median"};
  CHECK(encoding_to_json(f.fit(plan, 1)) == encoding_to_json(f.fit(plan, 3)));
}

TEST_CASE("encoding: delimiters and headers are found, and said", "[formats][encoding]") {
  Fixture f("\"age\";\"job\"\n1;\"a;b\"\n2;c\n");
  const CsvRecords records = f.open();
  CHECK(records.names() == std::vector<std::string>{"age", "job"});
  CHECK(records.type().text("delimiter") == "semicolon");
  REQUIRE(f.log.lines.size() == 2);
  Fixture no_header("x,y\nz,w\n");
  CHECK(no_header.open().names().empty());
  REQUIRE(no_header.log.lines.size() == 1);
  CHECK_THAT(no_header.log.lines[0].second, Contains("text alone") && Contains("\"x,y\"") && Contains("text/csv;header=true"));
  Fixture said("x,y\nz,w\n");
  CHECK(said.open("text/csv;header=true").names().size() == 2);
  CHECK(said.log.lines.empty());
  Fixture crooked("1,2\n3\n");
  CHECK_THROWS_WITH(crooked.fit({}), Contains("a.csv:2: 1 columns; expected 2"));
}

TEST_CASE("encoding: a median of many is that of a sample that the division does not change", "[formats][encoding]") {
  std::mt19937_64 draw(1);
  NumberSample whole(1000), merged(1000);
  for (int part = 0; part < 10; ++part) {
    NumberSample own(1000);
    for (int i = 0; i < 3000; ++i) {
      const std::uint64_t d = draw();
      const double value = static_cast<double>(draw() % 10'000);
      whole.add(d, value);
      own.add(d, value);
    }
    merged.add(own);
  }
  CHECK(whole.median() == merged.median());
  CHECK(std::abs(whole.median() - 5000) < 700);
  NumberSample few(1000);
  for (const double v : {5.0, 1.0, 2.0, 9.0}) few.add(draw(), v);
  CHECK(few.median() == 3.5);
}

TEST_CASE("encoding: files that are none are refused", "[formats][encoding]") {
  Fixture f("a,b\n1,x\n2,y\n");
  const std::string json = encoding_to_json(f.fit(plan_of("", "b")));
  for (std::size_t n = 0; n + 2 < json.size(); ++n) CHECK_THROWS_AS(encoding_from_json(json.substr(0, n), "e.json"), Error);
  CHECK_THROWS_WITH(encoding_from_json("{\"smtrain_encoding\": 7}", "e.json"),
                    Contains("e.json: is no encoding") && Contains("this version reads 1"));
}

TEST_CASE("encoding: lists of columns", "[formats][encoding]") {
  const std::vector<std::string> names = {"a", "b,c", "5", "1-2"};
  CHECK(parse_columns("a,\"b,c\",-1", names, 4, "--drop") == std::vector<std::size_t>{0, 1, 3});
  CHECK(parse_columns("5,1-2", names, 4, "--drop") == std::vector<std::size_t>{2, 3});
  CHECK(parse_columns("0-2", names, 4, "--drop") == std::vector<std::size_t>{0, 1, 2});
  CHECK_THROWS_WITH(parse_columns("0,a", names, 4, "--drop"), Contains("\"a\" is given twice"));
  CHECK_THROWS_WITH(parse_columns("4", names, 4, "--drop"), Contains("there are 4 columns"));
  CHECK_THROWS_WITH(parse_columns("x", {}, 4, "--drop"), Contains("the columns have no names"));
}

TEST_CASE("encoding: numbers and dates in text", "[formats][encoding]") {
  for (const char* number : {"1", "+1", "-.5", "1e-3", "0"}) CHECK(field_number(number).has_value());
  for (const char* text : {"", "+", "+-1", "1x", "nan", "inf", "0x10", "1 2"}) CHECK_FALSE(field_number(text).has_value());
  for (const char* date : {"2019-05-01", "1/5/2019", "01.05.19 12:30", "2019-05-01T12:30:00Z", "12:30:00"})
    CHECK(looks_like_date(date));
  for (const char* text : {"2019", "1.5", "a-b-c", "2019-05", "555-123-4567-8", "1-2/3"}) CHECK_FALSE(looks_like_date(text));
}

}  // namespace
}  // namespace smtrain::formats
