#include "job/hyperparameter.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <clocale>
#include <cstdlib>
#include <fstream>

#include "base/error.h"

using namespace smtrain;
using namespace smtrain::job;

namespace {

enum class Init { random, plus_plus };

struct Params {
  std::int64_t feature_dim = 0, k = 0, epochs = 1, num_class = 0;
  std::optional<std::int64_t> factor;
  double tol = 1e-4, dropout = 0, eta = 0.3;
  bool dense = true;
  std::string name;
  std::vector<std::string> metrics, shape;
  std::variant<double, std::string> weight = 1.0;
  Init init = Init::random;
};

Table make_table() {
  return table<Params>(
      {integer("k", &Params::k).required().at_least(1).help("The number of clusters."),
       integer("feature_dim", &Params::feature_dim).from_data().at_least(1).help("The number of columns."),
       integer("epochs", &Params::epochs).at_least(1).or_else("1").help("Passes over the data."),
       integer("mini_batch_size", &Params::epochs).at_least(1).or_else("5000").help("Rows."),
       integer("extra_center_factor", &Params::factor).or_auto().at_least(1).or_else("auto").help("Centres."),
       integer("num_class", &Params::num_class).at_least(0).or_else("0").help("Classes."),
       number("tol", &Params::tol).between(0, 1).or_else("0.0001").help("Tolerance."),
       number("dropout", &Params::dropout).at_least(0).below(1).or_else("0").help("Dropout."),
       number("eta", &Params::eta).above(0).or_else("0.3").alias("learning_rate").help("Step."),
       boolean("dense", &Params::dense).or_else("true").help("Dense."),
       number("weight", &Params::weight).or_words({"balanced", "auto"}).above(0).or_else("1").help("A weight."),
       text("label", &Params::name).or_else("").help("A name."),
       list("eval_metrics", &Params::metrics).of({"msd", "ssd"}).items_at_least(1).or_else("[\"msd\"]").help("Scores."),
       list("image_shape", &Params::shape).at_least(1).or_else("3,224,224").help("Shape."),
       choice("init_method", &Params::init)
           .of({{"random", Init::random}, {"kmeans++", Init::plus_plus, {"k-means++"}}})
           .or_else("random")
           .help("Start.")},
      {rule<Params>([](const Params& p) -> std::optional<std::string> {
        if (p.k == 7 && p.num_class == 0) return "Hyperparameter num_class: required when k is 7";
        return std::nullopt;
      })});
}

const Table kTable = make_table();

std::vector<Given> given(std::vector<std::pair<std::string, std::string>> pairs) {
  std::vector<Given> all;
  for (auto& [name, text] : pairs) all.push_back({name, text, "flag"});
  return all;
}

Settings resolved(std::vector<std::pair<std::string, std::string>> pairs) {
  NullLog log;
  return resolve(kTable, given(std::move(pairs)), log);
}

std::vector<std::string> problems(std::vector<std::pair<std::string, std::string>> pairs) {
  try {
    resolved(std::move(pairs));
  } catch (const Error& e) {
    CHECK(e.fault() == Fault::user);
    return e.problems();
  }
  return {};
}

using Lines = std::vector<std::string>;

// A file of this process's own, removed at the end.
struct JsonFile {
  std::string path;
  explicit JsonFile(std::string_view text) {
    char name[] = "hyperparameters-XXXXXX";
    const int fd = mkstemp(name);
    REQUIRE(fd >= 0);
    close(fd);
    path = name;
    std::ofstream(path) << text;
  }
  ~JsonFile() { unlink(path.c_str()); }
};

std::string file_problem(std::string_view text) {
  const JsonFile file(text);
  try {
    read_hyperparameters_file(file.path);
  } catch (const Error& e) {
    CHECK(e.exit_code() == 2);
    std::string message = e.what();
    CHECK(message.starts_with(file.path));
    return message.substr(file.path.size());
  }
  return "accepted";
}

}  // namespace

TEST_CASE("hyperparameters: the messages read as the specification says", "[job]") {
  CHECK(problems({}) == Lines{"Missing required hyperparameter: k (integer, [1, inf)): the number of clusters"});
  CHECK(problems({{"k", "3"}, {"mini_batch_siz", "5"}}) ==
        Lines{"Extraneous hyperparameter found: mini_batch_siz; did you mean mini_batch_size?"});
  CHECK(problems({{"k", "abc"}}) == Lines{"Hyperparameter k: 'abc' is not an integer"});
  CHECK(problems({{"k", "3"}, {"dropout", "1.5"}}) == Lines{"Hyperparameter dropout: 1.5 is not in [0, 1)"});
  CHECK(problems({{"k", "3"}, {"dropout", "1.50"}}) == Lines{"Hyperparameter dropout: 1.5 is not in [0, 1) (got '1.50')"});
  CHECK(problems({{"k", "3"}, {"init_method", "kmean"}}) ==
        Lines{"Hyperparameter init_method: 'kmean' is not one of: random, kmeans++; did you mean kmeans++?"});
  CHECK(problems({{"k", "7"}}) == Lines{"Hyperparameter num_class: required when k is 7"});
}

TEST_CASE("hyperparameters: a misspelt required name is named beside what is missing", "[job]") {
  CHECK(problems({{"kk", "3"}}) == Lines{"Missing required hyperparameter: k (integer, [1, inf)): the number of clusters; "
                                         "'kk' was given, did you mean k?"});
}

TEST_CASE("hyperparameters: all problems of one stage come together, sorted by name, and later stages wait", "[job]") {
  CHECK(problems({{"k", "x"}, {"zzzzzz", "1"}, {"epochs", "1.5"}, {"tol", "2"}}) ==
        Lines{"Hyperparameter epochs: '1.5' is not an integer", "Hyperparameter k: 'x' is not an integer",
              "Extraneous hyperparameter found: zzzzzz"});
  CHECK(problems({{"k", "0"}, {"init_method", "Random"}, {"tol", "2"}}).size() == 3);
}

TEST_CASE("hyperparameters: at most twenty problems are listed, and the rest is counted", "[job]") {
  std::vector<std::pair<std::string, std::string>> many = {{"k", "1"}};
  for (int i = 0; i < 25; ++i) many.emplace_back("unknown_name_" + std::to_string(i), "1");
  const Lines lines = problems(many);
  REQUIRE(lines.size() == 21);
  CHECK(lines.back() == "and 5 more problems of this kind");
}

TEST_CASE("hyperparameters: integers are taken as clients write them and nothing else is", "[job]") {
  const Hyperparameter& k = *kTable.find("k");
  const std::pair<const char*, std::int64_t> good[] = {
      {"10", 10}, {"+7", 7}, {" 8 ", 8}, {"10.0", 10}, {"1e3", 1000}, {"1.5e1", 15}, {"\"12\"", 12}, {"-3", -3}, {"0.0", 0},
      {"9223372036854775807", INT64_MAX}, {"-9223372036854775808", INT64_MIN}, {"9007199254740993.0", 9007199254740993},
      {"1000e-2", 10}, {"-0", 0}};
  for (const auto& [text, value] : good) {
    INFO(text);
    CHECK(std::get<std::int64_t>(decode(k, text)) == value);
  }
  for (const char* text : {"", "10.5", "nan", "inf", "0x10", "1,0", "--1", "1e", "e3", ".", "1 2", "9223372036854775808", "1e30",
                           "1e-1", "true", "auto", "\"", "1e99999999999"}) {
    INFO(text);
    CHECK_THROWS_AS(decode(k, text), Error);
  }
}

TEST_CASE("hyperparameters: numbers are read the same in every locale", "[job]") {
  const Hyperparameter& tol = *kTable.find("tol");
  setlocale(LC_ALL, "de_DE.UTF-8");
  CHECK(std::get<double>(decode(tol, "0.25")) == 0.25);
  CHECK(std::get<double>(decode(tol, "+1e-4")) == 1e-4);
  CHECK(std::get<double>(decode(tol, ".5")) == 0.5);
  CHECK_THROWS_WITH(decode(tol, "0,5"), "Hyperparameter tol: '0,5' is not a number; the decimal sign is a point");
  setlocale(LC_ALL, "C");
  for (const char* text : {"", "nan", "inf", "-inf", "1e999", "1e-999", "0.5x", "+-1", "++1", "0x"}) {
    INFO(text);
    CHECK_THROWS_AS(decode(tol, text), Error);
  }
}

TEST_CASE("hyperparameters: booleans take true and false in any case, and no other word", "[job]") {
  const Hyperparameter& dense = *kTable.find("dense");
  for (const char* text : {"true", "True", "\"True\"", "TRUE"}) CHECK(std::get<bool>(decode(dense, text)));
  for (const char* text : {"false", "False", " \"false\" "}) CHECK_FALSE(std::get<bool>(decode(dense, text)));
  for (const char* text : {"yes", "no", "1", "0", ""}) CHECK_THROWS_AS(decode(dense, text), Error);
}

TEST_CASE("hyperparameters: lists are read in every client's spelling", "[job]") {
  const Hyperparameter& metrics = *kTable.find("eval_metrics");
  const std::vector<std::string> both = {"msd", "ssd"};
  for (const char* text : {R"(["msd","ssd"])", "['msd', 'ssd']", "[msd, ssd]", "msd,ssd", "('msd','ssd',)", "\"msd,ssd\"",
                           R"(["msd", "ssd", "msd"])"}) {
    INFO(text);
    CHECK(std::get<std::vector<std::string>>(decode(metrics, text)) == both);
  }
  for (const char* text : {"", "[]", "[\"msd\"", "[[\"msd\"]]", "msd,,ssd", "['msd' 'ssd']", "[\"acc\"]", "{\"a\":1}", "['msd"}) {
    INFO(text);
    CHECK_THROWS_AS(decode(metrics, text), Error);
  }
  CHECK_THROWS_WITH(decode(metrics, "[\"mse\"]"), "Hyperparameter eval_metrics: 'mse' is not one of: msd, ssd; did you mean msd?");
  CHECK_THROWS_WITH(decode(metrics, "[msd"), Catch::Contains("write it as [\"msd\", \"ssd\"]"));
  const Hyperparameter& shape = *kTable.find("image_shape");
  CHECK(encode(shape, decode(shape, "3,224,224")) == "[3, 224, 224]");
  CHECK(problems({{"k", "1"}, {"image_shape", "3,0,1"}}) == Lines{"Hyperparameter image_shape: 0 is not in [1, inf)"});
}

TEST_CASE("hyperparameters: auto is a value of those that allow it only", "[job]") {
  CHECK(std::holds_alternative<std::monostate>(decode(*kTable.find("extra_center_factor"), "auto")));
  CHECK_THROWS_WITH(decode(*kTable.find("extra_center_factor"), "Auto"),
                    "Hyperparameter extra_center_factor: 'Auto' is not an integer or auto");
  CHECK_FALSE(resolved({{"k", "1"}}).as<Params>().factor.has_value());
  CHECK(resolved({{"k", "1"}, {"extra_center_factor", "4"}}).as<Params>().factor == 4);
}

TEST_CASE("hyperparameters: a number may be one of some words instead", "[job]") {
  const Hyperparameter& weight = *kTable.find("weight");
  CHECK(weight.expected() == "number, balanced, auto, (0, inf)");
  CHECK(decode(weight, "balanced") == Value(std::string("balanced")));
  CHECK(decode(weight, "\"auto\"") == Value(std::string("auto")));
  CHECK(decode(weight, "2.5") == Value(2.5));
  CHECK(encode(weight, decode(weight, "balanced")) == "balanced");
  CHECK_THROWS_WITH(decode(weight, "equal"), "Hyperparameter weight: 'equal' is not a number or balanced or auto");
  CHECK(std::get<std::string>(resolved({{"k", "1"}, {"weight", "balanced"}}).as<Params>().weight) == "balanced");
  CHECK(std::get<double>(resolved({{"k", "1"}, {"weight", "3"}}).as<Params>().weight) == 3);
}

TEST_CASE("hyperparameters: what auto turned out to be is recorded beside what was given", "[job]") {
  Settings settings = resolved({{"k", "1"}});
  settings.resolve_auto("extra_center_factor", "10");
  settings.resolve_auto("feature_dim", "784");
  CHECK(settings.find("extra_center_factor")->text == "10");
  CHECK(settings.find("extra_center_factor")->given == "auto");
  CHECK(settings.find("feature_dim")->text == "784");
  CHECK(settings.as<Params>().factor == 10);
  CHECK(settings.as<Params>().feature_dim == 784);
}

TEST_CASE("hyperparameters: encode is the inverse of decode", "[job]") {
  const std::pair<const char*, std::vector<std::string>> cases[] = {
      {"k", {"1", "-5", "9223372036854775807"}},
      {"extra_center_factor", {"auto", "7"}},
      {"tol", {"0.1", "1e-300", "0.30000000000000004", "3"}},
      {"dense", {"true", "false"}},
      {"label", {"", "plain", "with \"quotes\"", "\"\\\" both\"", "\" blanks \"", "a,b"}},
      {"eval_metrics", {"msd", "[ssd, msd]"}},
      {"init_method", {"random", "kmeans++", "k-means++"}}};
  for (const auto& [name, texts] : cases) {
    const Hyperparameter& p = *kTable.find(name);
    for (const std::string& text : texts) {
      INFO(name << " " << text);
      const Value value = decode(p, text);
      CHECK(decode(p, encode(p, value)) == value);
    }
  }
  CHECK(encode(*kTable.find("init_method"), decode(*kTable.find("init_method"), "k-means++")) == "kmeans++");
  CHECK(std::get<std::string>(decode(*kTable.find("label"), "\" x \"")) == " x ");
}

TEST_CASE("hyperparameters: an alias fills its entry and is refused beside the name itself", "[job]") {
  CHECK(resolved({{"k", "1"}, {"learning_rate", "0.5"}}).as<Params>().eta == 0.5);
  CHECK(problems({{"k", "1"}, {"learning_rate", "0.5"}, {"eta", "0.4"}}) ==
        Lines{"Hyperparameter eta: given as learning_rate and as eta, which are the same; give one"});
}

TEST_CASE("hyperparameters: the first of several values of one name wins", "[job]") {
  NullLog log;
  const std::vector<Given> all = {{"k", "5", "flag"}, {"k", "9", "hyperparameters.json"}};
  const Settings settings = resolve(kTable, all, log);
  CHECK(settings.as<Params>().k == 5);
  CHECK(settings.find("k")->origin == "flag");
  CHECK(settings.find("epochs")->origin == "default");
  CHECK(settings.find("feature_dim")->origin == "data");
}

TEST_CASE("hyperparameters: the service's internal names are taken by every table", "[job]") {
  CollectedLog log;
  const std::vector<Given> all = given({{"k", "1"},
                                        {"_tuning_objective_metric", "test:msd"},
                                        {"_kvstore", "dist_sync"},
                                        {"_some_key", "1"},
                                        {"_log_level", "info"},
                                        {"_num_gpus", "auto"},
                                        {"sagemaker_region", "eu-west-1"}});
  CHECK_NOTHROW(resolve(kTable, all, log));
  REQUIRE(log.lines.size() == 1);
  CHECK(log.lines[0].second.find("_some_key") != std::string::npos);
  CHECK(problems({{"k", "1"}, {"_log_level", "loud"}}).size() == 1);
  CHECK(problems({{"k", "1"}, {"sagemaker_s3_output", "x"}}).size() == 1);
  CHECK(problems({{"k", "1"}, {"mini-batch-size", "5"}}).size() == 1);
}

TEST_CASE("hyperparameters: dashes count as underscores only where asked for", "[job]") {
  CHECK(kTable.find("mini-batch-size") == nullptr);
  REQUIRE(kTable.find("mini-batch-size", true) != nullptr);
  CHECK(kTable.find("mini-batch-size", true)->name == "mini_batch_size");
}

TEST_CASE("hyperparameters: intervals print mathematically", "[job]") {
  CHECK(kTable.find("k")->expected() == "integer, [1, inf)");
  CHECK(kTable.find("extra_center_factor")->expected() == "integer or auto, [1, inf)");
  CHECK(kTable.find("dropout")->expected() == "number, [0, 1)");
  CHECK(kTable.find("eta")->expected() == "number, (0, inf)");
  CHECK(kTable.find("init_method")->expected() == "one of random, kmeans++");
}

TEST_CASE("hyperparameters.json: strings, and bare numbers, booleans and lists, become texts", "[job]") {
  const JsonFile file(R"({"k": "10", "a": 3, "b": -2, "c": 0.10, "d": true, "e": ["msd", "ssd"], "f": [1, 2]})");
  const std::vector<Given> all = read_hyperparameters_file(file.path);
  Lines texts;
  for (const Given& g : all) texts.push_back(g.name + "=" + g.text);
  CHECK(texts == Lines{"k=10", "a=3", "b=-2", "c=0.10", "d=true", "e=[\"msd\", \"ssd\"]", "f=[1, 2]"});
  CHECK(all[0].origin == file.path);
  const JsonFile empty("{}");
  CHECK(read_hyperparameters_file(empty.path).empty());
}

TEST_CASE("hyperparameters.json: whatever is not one flat object is refused with its place", "[job]") {
  CHECK(file_problem("{\"k\": {\"a\": 1}}") ==
        ": hyperparameter \"k\" holds an object; values are strings, numbers, booleans or lists of them");
  CHECK(file_problem("{\"k\": [[1]]}").find("a list inside a list") != std::string::npos);
  CHECK(file_problem("{\"k\": null}").find("null") != std::string::npos);
  CHECK(file_problem("{\"k\": 1, \"k\": 2}").find("given twice") != std::string::npos);
  CHECK(file_problem("{\"k\": \"1\",\n \"j\" 2}").find(":2: not valid JSON at column") != std::string::npos);
  CHECK(file_problem("[1]").find("expected one JSON object") != std::string::npos);
  CHECK(file_problem("\"k\"").find("expected one JSON object") != std::string::npos);
  CHECK(file_problem("null").find("expected one JSON object") != std::string::npos);
  CHECK(file_problem("").find("not valid JSON") != std::string::npos);
  CHECK(file_problem("{} x").find("not valid JSON") != std::string::npos);
  CHECK(file_problem("{\"k\": \"\xff\"}").find("not valid JSON") != std::string::npos);
  CHECK(file_problem("{\"k\":" + std::string(100000, '[')).find("a list inside a list") != std::string::npos);
  const JsonFile large(std::string((1 << 20) + 1, ' '));
  CHECK_THROWS_AS(read_hyperparameters_file(large.path), Error);
}
