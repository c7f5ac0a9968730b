#include "job/flat_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

namespace smtrain::job {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxFile = std::size_t{1} << 20;

// Takes the events of one flat object. The parser keeps no stack of ours, and depth ends at the first nested object, so
// hostile nesting costs nothing.
class FlatObject : public nlohmann::json_sax<json> {
 public:
  FlatObject(const std::string& path, std::string_view text, std::string_view noun) : path_(path), text_(text), noun_(noun) {}
  std::vector<Given> take() { return std::move(given_); }

  bool key(string_t& name) override {
    const bool twice = std::any_of(given_.begin(), given_.end(), [&](const Given& g) { return g.name == name; });
    if (twice) fail("is given twice", name);
    given_.push_back({name, "", path_});
    return true;
  }
  bool string(string_t& value) override { return in_list_ ? item(json_quoted(value)) : scalar(value); }
  bool boolean(bool value) override { return scalar(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return scalar(fmt::format("{}", value)); }
  bool number_unsigned(number_unsigned_t value) override { return scalar(fmt::format("{}", value)); }
  bool number_float(number_float_t, const string_t& text) override { return scalar(text); }
  bool null() override { return fail("is null; give a value as a string, or leave it out"); }
  bool binary(binary_t&) override { return fail("is binary"); }

  bool start_object(std::size_t) override {
    if (open_) fail("holds an object; values are strings, numbers, booleans or lists of them");
    return open_ = true;
  }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override {
    if (in_list_) fail("holds a list inside a list; write the whole value as one string");
    if (!open_) not_an_object();
    in_list_ = true;
    list_.clear();
    return true;
  }
  bool end_array() override {
    in_list_ = false;
    return scalar("[" + list_ + "]");
  }
  bool parse_error(std::size_t position, const std::string&, const json::exception&) override {
    const std::string_view before = text_.substr(0, std::min(position, text_.size()));
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    throw user_error("{}:{}: not valid JSON at column {}; expected one object such as {{\"name\": \"value\"}}", path_, line,
                     std::max<std::size_t>(before.size() - start, 1));
  }

 private:
  bool item(std::string text) {
    list_ += (list_.empty() ? "" : ", ") + std::move(text);
    return true;
  }
  bool scalar(std::string text) {
    if (in_list_) return item(std::move(text));
    if (!open_) not_an_object();
    given_.back().text = std::move(text);
    return true;
  }
  [[noreturn]] void not_an_object() const {
    throw user_error("{}: expected one JSON object such as {{\"name\": \"value\"}}, found another value", path_);
  }
  [[noreturn]] bool fail(std::string_view what, std::string_view name) const {
    throw user_error("{}: {} {} {}", path_, noun_, quoted(name), what);
  }
  [[noreturn]] bool fail(std::string_view what) const {
    if (given_.empty()) not_an_object();
    fail(what, given_.back().name);
  }

  const std::string& path_;
  std::string_view text_, noun_;
  std::vector<Given> given_;
  std::string list_;
  bool open_ = false, in_list_ = false;
};

}  // namespace

std::vector<Given> read_flat_json(const std::string& path, std::string_view noun) {
  const std::string text = read_file(path, kMaxFile);
  FlatObject object(path, text, noun);
  json::sax_parse(text, &object);
  return object.take();
}

std::vector<Given> read_hyperparameters_file(const std::string& path) { return read_flat_json(path, "hyperparameter"); }

}  // namespace smtrain::job
