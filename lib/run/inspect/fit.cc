#include "run/inspect/fit.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "algos/registry.h"
#include "base/text.h"
#include "job/intake.h"
#include "run/console/text_table.h"

namespace smtrain::run {
namespace {

const job::ChannelSpec* train_channel(const job::Description& description) {
  for (const job::ChannelSpec& channel : description.channels) {
    if (channel.required) return &channel;
  }
  return nullptr;
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::string what_hinders(const job::Description& algorithm, const job::ChannelSpec& channel, const FoundTable& table) {
  const formats::TableScan& scan = table.scan;
  if (job::intake_of(algorithm, channel, table.type.format) == job::Intake::none) {
    return fmt::format("reads {}, not {}", join(channel.content_types, ", "), formats::mime_type(table.type.format));
  }
  if (!scan.schema || !scan.problems.empty()) return "the data has problems";
  const std::string shape = scan.schema->sparse ? "sparse table" : "dense table";
  if (!contains(algorithm.data, shape)) return fmt::format("reads {}, not a {}", join(algorithm.data, ", "), shape);
  if (scan.all.missing + scan.all.infinite > 0) return "the data has values that are missing or not finite";
  const bool named_later = formats::has_columns(table.type.format);
  if (channel.supervised && scan.schema->label_width == 0 && !named_later) return "needs labels";
  return "";
}

std::string remark(const job::Description& algorithm, const job::ChannelSpec& channel, const FoundTable& table) {
  std::vector<std::string> remarks;
  const bool labels = table.scan.schema->label_width > 0;
  if (channel.supervised && !labels) remarks.emplace_back("its label column is to be named: ;label_size=1 or ;header=true;label=NAME");
  if (!channel.supervised && labels) remarks.emplace_back("the labels are not used");
  if (job::intake_of(algorithm, channel, table.type.format) == job::Intake::extension) {
    remarks.push_back(fmt::format("an extension: the service takes {}", join(channel.content_types, ", ")));
  }
  return join(remarks, "; ");
}

Fit fit_of(const job::Description& algorithm, const FoundTable& table) {
  Fit fit;
  fit.algorithm = algorithm.name;
  const job::ChannelSpec* channel = train_channel(algorithm);
  fit.why = channel == nullptr ? "has no training channel" : what_hinders(algorithm, *channel, table);
  fit.fits = fit.why.empty();
  if (!fit.fits) return fit;
  fit.extension = job::intake_of(algorithm, *channel, table.type.format) == job::Intake::extension;
  fit.content_type = table.to_be_said;
  fit.why = remark(algorithm, *channel, table);
  return fit;
}

}  // namespace

std::vector<Fit> fits_of_table(const FoundTable& table) {
  std::vector<Fit> fits;
  for (const job::Algorithm* algorithm : algos::all()) fits.push_back(fit_of(algorithm->description(), table));
  return fits;
}

std::vector<Fit> fits_of_records(const std::string& words) {
  std::vector<Fit> fits;
  for (const job::Algorithm* algorithm : algos::all()) {
    const job::Description& description = algorithm->description();
    Fit fit;
    fit.algorithm = description.name;
    fit.why = fmt::format("reads {}, not {}", join(description.data, ", "), words);
    fits.push_back(std::move(fit));
  }
  return fits;
}

std::string fits_text(const std::vector<Fit>& fits) {
  if (fits.empty()) return "";
  std::vector<std::pair<std::string, std::string>> fields;
  for (const Fit& fit : fits) {
    std::string text = fit.fits ? "yes" : "no";
    if (!fit.content_type.empty()) text += fmt::format(", with --content-type \"{}\"", fit.content_type);
    if (!fit.why.empty()) text += (fit.fits ? "\n" : ": ") + fit.why;
    fields.emplace_back("  " + fit.algorithm, text);
  }
  return "\ncan be trained on as it is\n" + text_fields(fields);
}

nlohmann::ordered_json fits_json(const std::vector<Fit>& fits) {
  auto json = nlohmann::ordered_json::array();
  for (const Fit& fit : fits) {
    json.push_back({{"name", fit.algorithm}, {"fits", fit.fits}, {"extension", fit.extension}, {"content_type", nullptr}, {"why", fit.why}});
    if (!fit.content_type.empty()) json.back()["content_type"] = fit.content_type;
  }
  return json;
}

}  // namespace smtrain::run
