#include "run/describe/describe.h"

#include <catch2/catch.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "algos/registry.h"
#include "base/error.h"
#include "base/temporary_folder.h"
#include "base/text.h"

using namespace smtrain;
using namespace smtrain::run;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (const std::string_view line : split(text, '\n')) lines.emplace_back(line);
  return lines;
}

std::string output_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  char buffer[4096];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, n);
  pclose(pipe);
  return text;
}

bool installed(const std::string& program) {
  const bool found = !output_of("command -v " + program).empty();
  if (!found) WARN("skipped: " + program + " is not installed");
  return found;
}

void put_documents(const test::TemporaryFolder& folder) {
  for (const auto& [path, text] : generated_documents()) folder.put(path, text);
}

// A helper script of test/run/describe/completion on a command line; what it offers.
std::vector<std::string> offers(const std::string& shell, const test::TemporaryFolder& documents, const std::string& line) {
  const std::string name = shell.substr(0, shell.find(' '));
  return lines_of(output_of(shell + " " SMTRAIN_TEST_DATA "/../run/describe/completion/offers." + name + " " +
                            (documents.path() / "completions").string() + " '" + line + "' 2>/dev/null"));
}

bool has(const std::vector<std::string>& all, const std::string& one) { return std::find(all.begin(), all.end(), one) != all.end(); }

struct Expectation {
  std::string line;
  std::vector<std::string> offered, not_offered;
};

void check_completion(const std::string& shell, std::vector<Expectation> expectations) {
  if (!installed(shell.substr(0, shell.find(' ')))) return;
  const test::TemporaryFolder documents;
  put_documents(documents);
  for (const Expectation& e : expectations) {
    INFO(shell << ": " << e.line);
    const std::vector<std::string> found = offers(shell, documents, e.line);
    for (const std::string& word : e.offered) {
      INFO(word);
      CHECK(has(found, word));
    }
    for (const std::string& word : e.not_offered) CHECK_FALSE(has(found, word));
  }
}

const std::vector<Expectation> kCompletions = {
    {"smtrain ", {"kmeans", "transform", "documents"}, {"--k"}},
    {"smtrain km", {"kmeans"}, {"transform"}},
    {"smtrain kmeans --", {"--train", "--k", "--mini_batch_size", "--threads"}, {"--validation", "--_kvstore", "--accept"}},
    {"smtrain kmeans --init_method ", {"random", "kmeans++"}, {"auto"}},
    {"smtrain kmeans --init_method=k", {"kmeans++"}, {"random"}},
    {"smtrain k-means --extra_center_factor ", {"auto"}, {}},
    {"smtrain kmeans --log-format j", {"json"}, {"text"}},
    {"smtrain transform --", {"--accept", "--model"}, {"--k"}},
    {"smtrain completion ", {"bash", "zsh", "fish"}, {}}};

}  // namespace

TEST_CASE("help: opens with usage and two examples and fits 100 columns", "[run]") {
  std::vector<std::string> pages = {help_overview()};
  for (const Subcommand& s : subcommands()) pages.push_back(help_of(s));
  for (const std::string& page : pages) {
    const std::vector<std::string> lines = lines_of(page);
    INFO(lines[0]);
    CHECK(lines[0].starts_with("Usage: smtrain "));
    REQUIRE(lines.size() > 7);
    const auto blank = std::find(lines.begin(), lines.end(), "");
    REQUIRE(blank - lines.begin() <= 2);
    CHECK(blank[1] == "Examples:");
    CHECK(std::count_if(lines.begin(), lines.end(), [](const auto& l) { return l.starts_with("  # "); }) >= 2);
    for (const std::string& line : lines) {
      INFO(line);
      CHECK(line.size() <= 100);
      CHECK((line.empty() || line.back() != ' '));
    }
    CHECK(page.back() == '\n');
  }
}

TEST_CASE("help: an algorithm's names every channel and hyperparameter with range and default", "[run]") {
  for (const Subcommand& s : subcommands()) {
    if (!s.algorithm) continue;
    const std::string page = help_of(s);
    for (const job::ChannelSpec& c : s.algorithm->description().channels) CHECK(page.find("--" + c.name + " PATH") != std::string::npos);
    for (const job::Hyperparameter& h : s.algorithm->description().hyperparameters.entries()) {
      const bool hidden = h.ignored && h.name.starts_with('_');
      CHECK((page.find("--" + h.name + " ") != std::string::npos) == !hidden);
    }
  }
  const std::string kmeans = help_of(*find_subcommand("kmeans"));
  CHECK(kmeans.find("(integer, [1, inf); required)") != std::string::npos);
  CHECK(kmeans.find("(number, [0, 1]; default 0.0001)") != std::string::npos);
}

TEST_CASE("man pages: give no warnings", "[run]") {
  if (!installed("man")) return;
  const test::TemporaryFolder folder;
  put_documents(folder);
  std::size_t pages = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "man/man1")) {
    INFO(entry.path());
    CHECK(output_of("LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z '" + entry.path().string() + "' 2>&1 >/dev/null") == "");
    ++pages;
  }
  CHECK(pages == subcommands().size() + 1);
}

TEST_CASE("man page of smtrain: names every exit code and variable", "[run]") {
  const std::string page = man_overview();
  for (const char* name : {"128+N", "SMTRAIN_THREADS", "SMTRAIN_MEMORY_LIMIT", "SMTRAIN_KERNELS", "TMPDIR", "SOURCE_DATE_EPOCH"}) {
    CHECK(page.find(name) != std::string::npos);
  }
}

TEST_CASE("completion: bash knows subcommands, flags and values", "[run]") {
  check_completion("bash", kCompletions);
  check_completion("bash", {{"smtrain kmeans --mini-b", {"--mini_batch_size"}, {}},
                            {"smtrain --threads 4 kmeans --ep", {"--epochs"}, {}},
                            {"smtrain kmeans --content-type text", {"text/csv\\;label_size=0"}, {}}});
}

TEST_CASE("completion: fish knows subcommands, flags and values", "[run]") {
  std::vector<Expectation> expectations = kCompletions;
  // fish offers the whole word, flag included
  for (Expectation& e : expectations) {
    if (e.line.ends_with("=k")) e.offered = {"--init_method=kmeans++"};
  }
  check_completion("fish --no-config", expectations);
}

TEST_CASE("completion: zsh knows subcommands, flags and values", "[run]") {
  check_completion("zsh -f", kCompletions);
  check_completion("zsh -f", {{"smtrain kmeans --mini-b", {"--mini_batch_size"}, {}}});
}

TEST_CASE("completion: another shell is refused with the nearest known one", "[run]") {
  CHECK_THROWS_WITH(completion_script("bsh"), Catch::Contains("did you mean bash?"));
}

TEST_CASE("algorithms: the table is filtered by task and kind of data", "[run]") {
  CHECK(algorithms_table("", "").find("kmeans  ") != std::string::npos);
  CHECK(algorithms_table("clustering", "dense table").find("kmeans  ") != std::string::npos);
  CHECK_THROWS_WITH(algorithms_table("clusterin", ""), Catch::StartsWith("--task is \"clusterin\"; expected one of ") && Catch::Contains(" clustering, ") &&
                                                            Catch::EndsWith("; did you mean clustering?"));
  CHECK_THROWS_WITH(algorithms_json("", "pictures"), Catch::Contains("dense table, sparse table"));
  for (const std::string& line : lines_of(algorithms_table("", ""))) CHECK(line.size() <= 100);
}

TEST_CASE("algorithms --json: each algorithm comes with the service's specification", "[run]") {
  const nlohmann::json json = nlohmann::json::parse(algorithms_json("", ""));
  CHECK(json["schema"] == 1);
  REQUIRE(json["algorithms"].size() == algos::all().size());
  const nlohmann::json& kmeans = json["algorithms"][0];
  const nlohmann::json& spec = kmeans["specification"];
  const nlohmann::json& k = spec["SupportedHyperParameters"][0];
  CHECK(k["Name"] == "k");
  CHECK(k["Type"] == "Integer");
  CHECK(k["IsRequired"] == true);
  CHECK(k["Range"]["IntegerParameterRangeSpecification"] == nlohmann::json({{"MinValue", "1"}, {"MaxValue", "2147483647"}}));
  for (const nlohmann::json& h : spec["SupportedHyperParameters"]) {
    INFO(h);
    CHECK_FALSE((h.contains("DefaultValue") && h["IsRequired"] == true));
    if (h["Name"] == "init_method")
      CHECK(h["Range"]["CategoricalParameterRangeSpecification"]["Values"] == nlohmann::json({"random", "kmeans++"}));
    if (h["Name"] == "local_lloyd_tol")
      CHECK(h["Range"]["ContinuousParameterRangeSpecification"] == nlohmann::json({{"MinValue", "0.0"}, {"MaxValue", "1.0"}}));
  }
  CHECK(spec["TrainingChannels"][0]["Name"] == "train");
  CHECK(spec["TrainingChannels"][0]["SupportedCompressionTypes"] == nlohmann::json({"None", "Gzip"}));
  CHECK(spec["MetricDefinitions"][0] ==
        nlohmann::json({{"Name", "test:msd"}, {"Regex", R"(#quality_metric: host=\S+, test msd <loss>=(\S+))"}}));
  CHECK(spec["SupportedTuningJobObjectiveMetrics"].size() == 2);
}

TEST_CASE("reference page: every hyperparameter has a row with its tuning range", "[run]") {
  for (const job::Algorithm* a : algos::all()) {
    const std::string page = reference_page(a->description());
    for (const std::string& name : a->description().hyperparameters.names()) CHECK(page.find("| `" + name + "` |") != std::string::npos);
  }
  CHECK(reference_page(algos::find("kmeans")->description()).find("| 3000 to 15000 |") != std::string::npos);
}
