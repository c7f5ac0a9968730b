#include "run/training_job/feeder.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/system_error.h"
#include "base/text.h"
#include "formats/content_type.h"
#include "formats/io/byte_stream.h"
#include "formats/recordio/framing.h"

namespace smtrain::run::training_job {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBuffer = std::size_t{1} << 20;
constexpr auto kReaderPoll = std::chrono::milliseconds(2);
constexpr int kStopPollMs = 100;

// Whether objects are lines of text, so that one without a final newline would merge with the next. By the content type; by the
// suffix where there is none.
bool is_lines(const Channel& channel, const std::string& path) {
  if (channel.content_type) {
    const std::string type = to_lower(trim(*channel.content_type));
    return type.starts_with("text/") || type.starts_with("application/jsonlines");
  }
  if (!channel.gzip && (path.ends_with(".gz") || path.ends_with(".zst"))) return false;
  const auto format = formats::format_by_suffix(path);
  return path.ends_with(".txt") || format == formats::Format::csv || format == formats::Format::jsonlines;
}

// Markers such as _SUCCESS are no data; readers of folders leave them out, too.
bool is_hidden(const Entry& entry) {
  const std::string file = fs::path(entry.name).filename().string();
  return file.starts_with('.') || file.starts_with('_');
}

void block_broken_pipes() {
  sigset_t set;
  sigfillset(&set);  // stops are the main thread's to hear
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace

Feeder::Feeder(FeedPlan plan) : plan_(std::move(plan)) {
  make_fifo(0);
  thread_ = std::thread([this] {
    block_broken_pipes();
    try {
      run();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
    }
  });
}

Feeder::~Feeder() {
  stop_ = true;
  thread_.join();
  for (std::int64_t epoch = 0; epoch < made_; ++epoch) ::unlink(plan_.layout.fifo(plan_.channel.name, epoch).c_str());
}

void Feeder::check() const {
  const std::lock_guard lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
}

void Feeder::make_fifo(std::int64_t epoch) {
  const std::string path = plan_.layout.fifo(plan_.channel.name, epoch).string();
  if (::mkfifo(path.c_str(), 0666) != 0) {
    throw system_error(errno, "cannot make the FIFO {}", path);
  }
  made_ = epoch + 1;
}

void Feeder::run() {
  for (std::int64_t epoch = 0; !stop_; ++epoch) {
    const std::string path = plan_.layout.fifo(plan_.channel.name, epoch).string();
    UniqueFd fifo;
    // Opened without waiting, again and again: a thread inside open() could not be called off.
    while (!stop_ && !(fifo = UniqueFd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)))) {
      if (errno != ENXIO && errno != EINTR)
        throw system_error(errno, "cannot open {}", path);
      std::this_thread::sleep_for(kReaderPoll);
    }
    if (stop_) return;
    make_fifo(epoch + 1);
    feed(epoch, fifo.get());
    fifo.reset();
    ::unlink(path.c_str());  // whoever opened it a second time would wait for ever
  }
}

void Feeder::feed(std::int64_t epoch, int fifo) {
  for (const std::size_t i : entries_of(plan_.channel, plan_.source->entries.size(), plan_.host, plan_.hosts, epoch)) {
    const Entry& entry = plan_.source->entries[i];
    if (is_hidden(entry)) continue;
    for (const Piece& piece : entry.pieces) {
      if (!stream(piece, fifo)) return;
    }
  }
}

// Stops beyond what a record can hold, so that the framing refuses it.
std::string Feeder::whole(const Piece& piece) const {
  if (piece.path.empty()) return piece.text;
  std::string bytes;
  std::vector<char> buffer(kBuffer);
  const auto read = open_piece(piece.path);
  for (std::size_t n; bytes.size() <= formats::recordio::kMaxPayload && (n = read(buffer)) != 0;) bytes.append(buffer.data(), n);
  return bytes;
}

bool Feeder::stream(const Piece& piece, int fifo) {
  if (plan_.channel.record_io) {
    std::string framed;
    formats::recordio::append_frame(framed, whole(piece), false);
    return send(framed, fifo);
  }
  std::string last = piece.text.empty() ? "" : piece.text.substr(piece.text.size() - 1);
  if (!(piece.path.empty() ? send(piece.text, fifo) : stream_file(piece.path, fifo, last))) return false;
  if (!last.empty() && last != "\n" && is_lines(plan_.channel, piece.path)) return send("\n", fifo);
  return true;
}

Feeder::Read Feeder::open_piece(const std::string& path) const {
  if (!plan_.channel.gzip) {
    const auto file = std::make_shared<UniqueFd>(open_for_reading(path));
    return [this, file, path](std::span<char> into) { return read_fully(file->get(), into, path, &stop_); };
  }
  const std::shared_ptr<formats::ByteStream> packed = formats::open_bytes({path, path, true, std::nullopt});
  if (packed->compression() != "gzip")
    throw user_error("channel {}: {} is no gzip data, and CompressionType is Gzip", plan_.channel.name, path);
  return [packed](std::span<char> into) { return packed->read(into); };
}

bool Feeder::stream_file(const std::string& path, int fifo, std::string& last) {
  std::vector<char> buffer(kBuffer);
  const Read read = open_piece(path);
  for (;;) {
    const std::size_t n = read(buffer);
    if (n == 0) return true;
    last = buffer[n - 1];
    if (!send({buffer.data(), n}, fifo)) return false;
  }
}

bool Feeder::send(std::string_view bytes, int fifo) {
  while (!bytes.empty()) {
    if (stop_) return false;
    const ssize_t n = ::write(fifo, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EPIPE) {
      return false;
    } else if (errno == EAGAIN) {
      pollfd waiting{fifo, POLLOUT, 0};
      (void)::poll(&waiting, 1, kStopPollMs);
    } else if (errno != EINTR) {
      throw machine_error("channel {}: writing to its FIFO: {}", plan_.channel.name, errno_text(errno));
    }
  }
  return true;
}

}  // namespace smtrain::run::training_job
