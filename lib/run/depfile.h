// Dependency files: what a run has read, as a make rule that a Makefile includes.
#pragma once

#include <string>
#include <vector>

namespace smtrain::run {

/// The rule `TARGET: INPUT…` with an empty rule per input, so that a deleted input rebuilds the target rather than ending
/// make. Blanks, #, $, %, :, |, wildcards and backslashes before them are escaped as GNU make reads them. Inputs are
/// sorted, doubles left out. Throws a user Error for names that no make rule can hold: a line break or semicolon anywhere,
/// an equals sign in the target.
std::string make_rule(const std::string& target, const std::vector<std::string>& inputs);

/// Writes the rule to PATH, whole or not at all. Inputs that are no regular files (standard input, FIFOs) are left out: make
/// could not look at them later.
void write_depfile(const std::string& path, const std::string& target, const std::vector<std::string>& inputs);
/// A rule for each of several targets that come of one run.
void write_depfile(const std::string& path, const std::vector<std::string>& targets, const std::vector<std::string>& inputs);

}  // namespace smtrain::run
