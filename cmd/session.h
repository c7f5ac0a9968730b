// What every subcommand needs beside its own flags: the settings with their origins, and the console.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "parser.h"
#include "run/contract/guest.h"
#include "run/training/ranks.h"
#include "run/flags/settings.h"

namespace smtrain::cmd {

/// The layers a setting can come from, read once. Problems of the layers are added to those of the command line.
class Session {
 public:
  /// `computes`: the subcommand uses the settings; otherwise environment and configuration are left alone, so that help
  /// and version work beside a broken configuration. `ranks`, which outlive it: those of a run that a launcher started several
  /// times; settings and console fit this one. `guest`, which outlives it: hyperparameters and host are those of this tree, which
  /// is read here.
  Session(CommandLine& line, bool computes, run::Ranks& ranks, run::contract::Guest* guest = nullptr);

  run::Console& console() { return *console_; }
  run::Ranks& ranks() { return ranks_; }
  const run::contract::Guest* guest() const { return guest_; }
  /// The algorithm's name: the subcommand's, or the one a guest is told of. Throws a user Error when nothing tells.
  std::string algorithm() const;
  /// The hyperparameters of --hyperparameters FILE, or of a guest's tree, settings taken out.
  const std::vector<job::Given>& file_hyperparameters() const { return file_; }
  /// Settings that a job file brings; call before common().
  void use_job_settings(const run::SettingTexts& settings) { job_file_.insert(settings.begin(), settings.end()); }
  /// Settings of every run, checked; connects the ranks, which share the machine. Throws a user Error that also holds what is
  /// wrong with the command line.
  run::CommonSettings common();
  /// Throws what has been found wrong so far, if anything.
  void throw_problems() const;

 private:
  void read_layers();
  void read_hyperparameters();
  std::string log_name() const;
  run::ConsoleOptions console_options();
  std::string setting(const std::string& name) const;

  CommandLine& line_;
  run::Ranks& ranks_;
  run::contract::Guest* const guest_;
  run::SettingTexts flags_, environment_, job_file_, config_;
  std::vector<job::Given> file_;
  CollectedLog early_;  // what the layers had to say before there was a console
  std::unique_ptr<run::Console> console_;
};

}  // namespace smtrain::cmd
