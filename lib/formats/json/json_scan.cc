#include "formats/json/json_scan.h"

#include <charconv>
#include <cstring>
#include <utility>

#include "formats/text/number.h"
#include "formats/text/stops.h"

namespace smtrain::formats {
namespace {

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') <= 9; }

class Scanner {
 public:
  Scanner(std::string_view text, ScannedInstance& out) : p_(text.data()), end_(p_ + text.size()), out_(out) {}

  bool instance() {
    enum : unsigned { features = 1, label = 2, weight = 4, qid = 8 };
    unsigned seen = 0;
    const bool well = object([&](std::string_view name) {
      const unsigned member = name == "features" || name == "data" ? features
                              : name == "label"                    ? label
                              : name == "weight"                   ? weight
                              : name == "qid"                      ? qid
                                                                   : 0u;
      if (member == 0 || (seen & member) != 0) return false;
      seen |= member;
      switch (member) {
        case features:
          out_.nested = name == "data";
          return out_.nested ? object([&](std::string_view inner) { return inner == "features" && list_or_tensor(); }) : list_or_tensor();
        case label: return out_.has_label = at('[') ? numbers(out_.labels) : one_label();
        case weight: return out_.has_weight = number(out_.weight);
        default: return out_.has_qid = integer(out_.qid);
      }
    });
    blanks();
    return well && p_ == end_ && (seen & features) != 0;
  }

 private:
  bool at(char c) const { return p_ < end_ && *p_ == c; }
  bool take(char c) {
    if (!at(c)) return false;
    ++p_;
    return true;
  }
  void blanks() {
    while (p_ < end_ && (*p_ == ' ' || *p_ == '\t' || *p_ == '\r' || *p_ == '\n')) ++p_;
  }

  // The members of the object at hand, whose values `member` reads; false when it does, or at anything that is no object.
  template <class Member>
  bool object(Member&& member) {
    blanks();
    if (!take('{')) return false;
    for (;;) {
      blanks();
      if (!take('"')) return false;
      const auto* quote = static_cast<const char*>(std::memchr(p_, '"', static_cast<std::size_t>(end_ - p_)));
      if (quote == nullptr) return false;
      const std::string_view name(p_, static_cast<std::size_t>(quote - p_));
      p_ = quote + 1;
      blanks();
      if (!take(':')) return false;
      blanks();
      if (!member(name)) return false;
      blanks();
      if (take('}')) return true;
      if (!take(',')) return false;
    }
  }

  bool list_or_tensor() {
    out_.tensor = at('{');
    if (!out_.tensor) return numbers(out_.values);
    enum : unsigned { values = 1, keys = 2, shape = 4 };
    unsigned seen = 0;
    const bool well = object([&](std::string_view name) {
      const unsigned member = name == "values" ? values : name == "keys" ? keys : name == "shape" ? shape : 0u;
      if (member == 0 || (seen & member) != 0) return false;
      seen |= member;
      return member == values ? numbers(out_.values) : integers(member == keys ? out_.keys : out_.shape);
    });
    return well && (seen & values) != 0;
  }

  template <class Item>
  bool list(Item&& item) {
    if (!take('[')) return false;
    blanks();
    if (take(']')) return true;
    for (;;) {
      if (!item()) return false;
      blanks();
      if (take(']')) return true;
      if (!take(',')) return false;
      blanks();
    }
  }

  // Where a number ends is known before it is computed, so that the next one does not wait for it. Rows of a file are as long as those
  // before: the memory of the last one is filled first.
  bool numbers(std::vector<float>& out) {
    if (!take('[')) return false;
    blanks();
    out.clear();
    if (take(']')) return true;
    out.resize(out.capacity());
    Stops<EndsJsonNumber> stops({}, p_, end_ + kNumberReach);
    for (std::size_t count = 0;;) {
      if (count == out.size()) out.resize(2 * count + 16);
      const char* const stop = stops.next();
      if (!number_before(stop, out[count++])) return false;
      if (!at(',') && !at(']')) {
        blanks();
        stops.restart(p_ < end_ ? p_ + 1 : p_);
      }
      if (take(']')) {
        out.resize(count);
        return true;
      }
      if (!take(',')) return false;
      if (at(' ')) {
        // One blank is usual: it is the next stop.
        ++p_;
        stops.next();
      }
      if (p_ < end_ && static_cast<unsigned char>(*p_) <= ' ') {
        blanks();
        stops.restart(p_);
      }
    }
  }

  bool integers(std::vector<std::uint64_t>& out) {
    return list([&] { return integer(out.emplace_back()); });
  }

  bool one_label() {
    out_.labels.resize(1);
    return number(out_.labels[0]);
  }

  bool number(float& value) {
    const EndsJsonNumber ends_number;
    const char* stop = p_;
    while (stop < end_ && !ends_number(*stop)) ++stop;
    return number_before(stop, value);
  }

  // The number that stands at hand and ends before `stop`, within the text.
  [[gnu::always_inline]] bool number_before(const char* stop, float& value) {
    if (stop >= end_) return false;
    const char* const first = std::exchange(p_, stop);
    if (scan_json_number(first, static_cast<std::size_t>(stop - first), value)) [[likely]] return true;
    return first != stop && is_json_number(first, stop) && parse_number(first, stop, value) == NumberStatus::ok;
  }

  bool integer(std::uint64_t& value) {
    if (p_ >= end_ || !is_digit(*p_)) return false;
    const char* const first = p_;
    const auto [last, error] = std::from_chars(p_, end_, value);
    if (error != std::errc() || (*first == '0' && last - first > 1)) return false;
    p_ = last;
    return p_ < end_ && EndsJsonNumber{}(*p_);
  }

  const char* p_;
  const char* const end_;
  ScannedInstance& out_;
};

}  // namespace

bool scan_instance(std::string_view text, ScannedInstance& out) {
  out.nested = out.tensor = out.has_label = out.has_weight = out.has_qid = false;
  out.values.clear();
  out.labels.clear();
  out.keys.clear();
  out.shape.clear();
  return Scanner(text, out).instance();
}

}  // namespace smtrain::formats
