#include "formats/recordio/record_reader.h"

#include <cstring>
#include <utility>

#include "base/error.h"

namespace smtrain::formats::recordio {

std::string truncation(std::span<const char> record) {
  return fmt::format("truncated: the bytes end {} bytes after the start of its magic word{}", record.size(),
                     record.size() < 8 ? ", expected at least the 8 bytes of its head"
                                       : ", expected as many as its length word says");
}

bool RecordReader::repeats() {
  if (sample_ == nullptr || bytes_.size() - pos_ < frame_size_) return false;
  const char* const p = bytes_.data() + pos_;
  if (std::memcmp(p, sample_, first_.begin) != 0 ||
      std::memcmp(p + first_.end, sample_ + first_.end, second_.begin - first_.end) != 0 ||
      std::memcmp(p + second_.end, sample_ + second_.end, sample_end_ - second_.end) != 0) {
    return false;
  }
  // A tensor without a hole keeps its view: it has the same bytes in the sample.
  if (features_.end != 0) record_.features.packed = std::string_view(p + features_.begin, features_.end - features_.begin);
  if (label_.end != 0) record_.label.packed = std::string_view(p + label_.begin, label_.end - label_.begin);
  start_ = pos_;
  pos_ += frame_size_;
  return true;
}

bool RecordReader::decode() {
  start_ = pos_;
  sample_ = nullptr;
  Frame frame;
  const std::span<const char> rest = bytes_.subspan(pos_);
  if (read_frame(rest, true, limit_, {}, frame) == FrameState::incomplete) {
    throw user_error("{}", truncation(rest));
  }
  missing_padding_ = frame.missing_padding;
  if (frame.split) {
    joined_ = join(rest.first(frame.size));
    decode_record(joined_, {}, record_);
  } else {
    decode_record(frame.payload, {}, record_);
    learn(frame);
  }
  pos_ += frame.size;
  return false;
}

// Values of float tensors that stand in the record in one run; those of integers take part in the layout, since their
// number depends on their bytes.
bool RecordReader::hole_of(const Tensor& tensor, bool present, Hole& hole) const {
  hole = {};
  if (!present || tensor.packed.empty() || tensor.type == NumberType::i32) return record_.scratch.empty();
  const char* const start = bytes_.data() + start_;
  if (!record_.scratch.empty()) return false;
  hole.begin = static_cast<std::size_t>(tensor.packed.data() - start);
  hole.end = hole.begin + tensor.packed.size();
  return true;
}

void RecordReader::learn(const Frame& frame) {
  if (frame.missing_padding) return;
  if (!hole_of(record_.features, record_.has_features, features_) || !hole_of(record_.label, record_.has_label, label_)) return;
  first_ = features_;
  second_ = label_;
  if (second_.begin < first_.begin) std::swap(first_, second_);
  sample_end_ = static_cast<std::size_t>(frame.payload.data() - (bytes_.data() + start_)) + frame.payload.size();
  if (first_.end == 0) first_ = {second_.begin, second_.begin};
  frame_size_ = frame.size;
  sample_ = bytes_.data() + start_;
}

}  // namespace smtrain::formats::recordio
