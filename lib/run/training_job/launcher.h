// Launcher: how the program of a job is started, in each of the ways in which a request can bring one.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "run/requests.h"
#include "run/training_job/process.h"
#include "run/training_job/script.h"
#include "run/training_job/tree.h"

namespace smtrain::run::training_job {

/// Words of a command line as a shell takes them apart: blanks, quotes and backslashes. Throws a user Error for an open quote.
std::vector<std::string> shell_words(const std::string& text);

/// What a host's program is told beyond its tree.
struct HostSettings {
  CommonSettings common;
  double grace = 120;                      ///< seconds from SIGTERM to SIGKILL
  std::optional<double> checkpoint_every;  ///< seconds; of built-ins
};

class Launcher {
 public:
  /// Finds what is to be run, before anything is created: code, interpreter, mpirun. Throws a user Error for what is missing.
  /// `exec_prefix`: a container runtime's command ("apptainer exec image.sif"); {root} in it is the tree, which is otherwise
  /// bound to /opt/ml by the variables APPTAINER_BIND and SINGULARITY_BIND. `request` outlives it.
  Launcher(const TrainingJobRequest& request, const std::string& exec_prefix);

  /// Whether the job runs in this process: a built-in on one host.
  bool in_process() const { return request_.built_in() && request_.instance_count == 1; }
  bool in_container() const { return !prefix_.empty(); }
  bool is_script() const { return !entry_.empty(); }

  /// Puts a script's code into the tree.
  void place_code(const contract::Layout& layout) const;
  /// The hosts on which a process is started: all, or the first alone, whose process starts the others.
  std::vector<std::size_t> starting_hosts(const Hosts& hosts) const;
  /// The program of a host; `layouts` are all hosts' trees.
  Program program(const Hosts& hosts, std::size_t host, const std::vector<contract::Layout>& layouts,
                  const HostSettings& settings) const;

 private:
  void find_script();
  void check_code(const std::string& code);
  std::vector<std::string> script_command(const contract::Layout& seen) const;
  std::vector<std::string> entrypoint(const contract::Layout& layout) const;
  std::vector<std::string> mpi_options(std::size_t hosts) const;
  std::vector<std::string> rank_command(const contract::Layout& layout, std::size_t hosts, const HostSettings& settings) const;
  Program built_in(const Hosts& hosts, const std::vector<contract::Layout>& layouts, const HostSettings& settings) const;

  const TrainingJobRequest& request_;
  std::vector<std::string> prefix_;
  std::string entry_;         // of a script, below the code folder
  std::string code_folder_, code_archive_, code_file_;  // where it comes from, one of three
  bool mpi_ = false, module_ = false;  // module_: python3 -m entry_
};

}  // namespace smtrain::run::training_job
