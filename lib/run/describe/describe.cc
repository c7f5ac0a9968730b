#include "run/describe/describe.h"

#include "algos/registry.h"

namespace smtrain::run {

std::vector<std::pair<std::string, std::string>> generated_documents() {
  std::vector<std::pair<std::string, std::string>> all = {{"man/man1/smtrain.1", man_overview()},
                                                          {"doc/reference/command-line.md", command_line_page()},
                                                          {"completions/smtrain.bash", completion_script("bash")},
                                                          {"completions/_smtrain", completion_script("zsh")},
                                                          {"completions/smtrain.fish", completion_script("fish")}};
  for (const Subcommand& s : subcommands()) all.emplace_back("man/man1/smtrain-" + s.name + ".1", man_of(s));
  for (const job::Algorithm* a : algos::all()) {
    all.emplace_back("doc/reference/" + a->description().name + ".md", reference_page(a->description()));
  }
  return all;
}

}  // namespace smtrain::run
