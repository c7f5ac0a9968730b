#include "job/checkpoint_file.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/text.h"
#include "formats/archive/checksum.h"

namespace smtrain::job {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are");

constexpr std::string_view kMagic = "SMTCKPT\n";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeader = 32, kTrailer = 4;

template <class T>
std::string bytes_of(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
T number_at(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// ---- writing ---------------------------------------------------------------------------------------------------------------

class Entries {
 public:
  void add(char kind, std::string_view name, std::string_view value) {
    text_ += kind;
    append(name);
    append(value);
    ++count_;
  }
  std::uint32_t count() const { return count_; }
  const std::string& text() const { return text_; }

 private:
  void append(std::string_view part) {
    if (part.size() > std::numeric_limits<std::uint32_t>::max()) throw internal_error("an entry of a checkpoint of {} bytes", part.size());
    text_ += bytes_of(static_cast<std::uint32_t>(part.size()));
    text_ += part;
  }
  std::string text_;
  std::uint32_t count_ = 0;
};

struct AddValue {
  Entries& entries;
  const std::string& name;
  void operator()(std::int64_t value) const { entries.add('i', name, bytes_of(value)); }
  void operator()(double value) const { entries.add('d', name, bytes_of(value)); }
  void operator()(const std::string& value) const { entries.add('t', name, value); }
};

// ---- reading ---------------------------------------------------------------------------------------------------------------

class Reader {
 public:
  Reader(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  Checkpoint read() {
    if (bytes_.size() < kHeader + kTrailer || !bytes_.starts_with(kMagic)) {
      throw user_error("{}: is no checkpoint of smtrain, or its beginning is lost ({} bytes)", name_, bytes_.size());
    }
    const auto entries = number_at<std::uint64_t>(bytes_, 16), tensors = number_at<std::uint64_t>(bytes_, 24);
    const std::uint64_t body = bytes_.size() - kHeader - kTrailer;
    if (entries > body || tensors != body - entries) {
      throw user_error("{}: is {} bytes long, which its header contradicts: it was cut short or damaged", name_, bytes_.size());
    }
    const std::string_view covered = bytes_.substr(0, bytes_.size() - kTrailer);
    if (formats::crc32(covered) != number_at<std::uint32_t>(bytes_, covered.size())) {
      throw user_error("{}: is damaged: its checksum does not agree", name_);
    }
    if (const auto version = number_at<std::uint32_t>(bytes_, 8); version != kVersion) {
      throw user_error("{}: is of format {}; this smtrain reads format {}", name_, version, kVersion);
    }
    read_entries(bytes_.substr(kHeader, entries), number_at<std::uint32_t>(bytes_, 12));
    for (formats::NamedTensor& t : formats::read_safetensors(bytes_.substr(kHeader + entries, tensors), name_)) {
      out_.state.put(std::move(t));
    }
    out_.state.set_source(name_);
    return std::move(out_);
  }

 private:
  Error malformed() const { return user_error("{}: its entries are malformed", name_); }

  std::string_view take(std::size_t length) {
    if (length > left_.size()) throw malformed();
    const std::string_view part = left_.substr(0, length);
    left_.remove_prefix(length);
    return part;
  }
  std::string_view take_sized() { return take(number_at<std::uint32_t>(take(4), 0)); }

  template <class T>
  T number(std::string_view value) const {
    if (value.size() != sizeof(T)) throw malformed();
    return number_at<T>(value, 0);
  }

  void read_entries(std::string_view entries, std::uint32_t count) {
    left_ = entries;
    for (std::uint32_t i = 0; i < count; ++i) {
      const char kind = take(1)[0];
      std::string name(take_sized());
      const std::string_view value = take_sized();
      switch (kind) {
        case 'f': out_.identity.facts[std::move(name)] = value; break;
        case 's': out_.identity.soft[std::move(name)] = value; break;
        case 'i': out_.state.put(std::move(name), number<std::int64_t>(value)); break;
        case 'd': out_.state.put(std::move(name), number<double>(value)); break;
        case 't': out_.state.put(std::move(name), std::string(value)); break;
        default: throw malformed();
      }
    }
    if (!left_.empty()) throw malformed();
  }

  std::string_view bytes_, left_;
  const std::string& name_;
  Checkpoint out_;
};

std::string shown(const std::map<std::string, std::string>& facts, const std::string& name) {
  const auto found = facts.find(name);
  return found == facts.end() ? "not there" : found->second;
}

std::vector<std::string> compare(const std::map<std::string, std::string>& saved, const std::map<std::string, std::string>& now,
                                 std::string_view found_later) {
  std::map<std::string, std::string> all = saved;
  all.insert(now.begin(), now.end());
  std::vector<std::string> differences;
  for (const auto& [name, ignored] : all) {
    const bool both = saved.contains(name) && now.contains(name);
    if (!both && !found_later.empty() && name.starts_with(found_later)) continue;
    const std::string before = shown(saved, name), after = shown(now, name);
    if (before != after) differences.push_back(fmt::format("{}: {} in the checkpoint, {} now", name, before, after));
  }
  return differences;
}

}  // namespace

std::vector<std::string> Identity::differences(const Identity& saved, std::string_view found_later) const {
  return compare(saved.facts, facts, found_later);
}

std::vector<std::string> Identity::soft_differences(const Identity& saved) const { return compare(saved.soft, soft, {}); }

std::string write_checkpoint(const Checkpoint& checkpoint) {
  Entries entries;
  for (const auto& [name, value] : checkpoint.identity.facts) entries.add('f', name, value);
  for (const auto& [name, value] : checkpoint.identity.soft) entries.add('s', name, value);
  for (const auto& [name, value] : checkpoint.state.values()) std::visit(AddValue{entries, name}, value);
  const std::string tensors = formats::write_safetensors(checkpoint.state.tensors());
  std::string out;
  out.reserve(kHeader + entries.text().size() + tensors.size() + kTrailer);
  out += kMagic;
  out += bytes_of(kVersion);
  out += bytes_of(entries.count());
  out += bytes_of(std::uint64_t{entries.text().size()});
  out += bytes_of(std::uint64_t{tensors.size()});
  out += entries.text();
  out += tensors;
  out += bytes_of(formats::crc32(out));
  return out;
}

Checkpoint read_checkpoint(std::string_view bytes, const std::string& name) { return Reader(bytes, name).read(); }

}  // namespace smtrain::job
