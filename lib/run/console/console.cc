#include "run/console/console.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <mutex>

#include "base/error.h"
#include "base/file.h"
#include "base/signals.h"
#include "base/system_error.h"
#include "run/console/progress_bar.h"
#include "run/console/render.h"

namespace smtrain::run {
namespace {

std::unique_ptr<Renderer> make_renderer(const ConsoleOptions& options) {
  switch (options.format) {
    case LogFormat::json: return make_json_renderer();
    case LogFormat::sagemaker: return make_sagemaker_renderer(options);
    case LogFormat::text: break;
  }
  return make_text_renderer(options.color_err, options.verbose);
}

// False when nobody takes what is written and a stop was asked for, which must not wait for that.
bool wait_writable(int fd) {
  constexpr int kSliceMilliseconds = 100, kPatience = 5;
  for (int waited = 0; waited < kPatience;) {
    pollfd place = {fd, POLLOUT, 0};
    const int ready = ::poll(&place, 1, kSliceMilliseconds);
    if (ready > 0 || (ready < 0 && errno != EINTR)) return true;
    if (stop_signal() != 0) ++waited;
  }
  return false;
}

// Writes everything or says why not; a descriptor nobody reads is the caller's to judge.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    if (!wait_writable(fd)) return 0;
    const ssize_t n = ::write(fd, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

class StandardConsole final : public Console {
 public:
  explicit StandardConsole(const ConsoleOptions& options)
      : options_(options), renderer_(make_renderer(options)), metrics_renderer_(make_json_renderer()),
        bar_(options.progress_bar) {
  }
  ~StandardConsole() override { finish_quietly(); }

  void write(Level level, std::string_view line) override {
    if ((options_.quiet || options_.mute) && level != Level::error) return;
    const bool wants_detail = options_.verbose || options_.format == LogFormat::sagemaker;
    if ((level == Level::debug && !options_.verbose) || (level == Level::detail && !wants_detail)) return;
    std::lock_guard lock(mutex_);
    emit(renderer_->log(level, line));
  }
  void service(std::string_view line) override {
    if (options_.quiet || options_.mute) return;
    std::lock_guard lock(mutex_);
    emit(renderer_->service(line));
  }
  void print(std::string_view text) override {
    if (options_.mute) return;
    std::lock_guard lock(mutex_);
    write_err(bar_.clear());
    write_out(text);
  }
  void finish() override {
    std::lock_guard lock(mutex_);
    finish_quietly();
  }
  void report(const std::exception& error) override {
    std::lock_guard lock(mutex_);
    write_err(bar_.clear());
    const auto* ours = dynamic_cast<const Error*>(&error);
    const std::vector<std::string> problems = ours != nullptr ? ours->problems() : std::vector<std::string>{error.what()};
    const bool stopped = ours != nullptr && (ours->fault() == Fault::stopped || ours->fault() == Fault::interrupted);
    for (const std::string& problem : problems) {
      const Rendered r = stopped ? renderer_->stopped(problem) : renderer_->error(problem);
      write_err(r.err);
      (void)write_all(STDOUT_FILENO, r.out);  // nothing is left to tell about a failure here
    }
  }
  std::map<std::string, double> final_metrics() const override {
    std::lock_guard lock(mutex_);
    return final_;
  }

  std::uint64_t metrics_bytes() const override {
    std::lock_guard lock(mutex_);
    return metrics_bytes_;
  }
  void continue_metrics(std::uint64_t bytes, std::map<std::string, double> final_metrics) override {
    bool shorter = false;
    {
      std::lock_guard lock(mutex_);
      final_ = std::move(final_metrics);
      if (!options_.metrics_file.empty()) shorter = cut_metrics(bytes);
    }
    if (shorter) warning("{} is shorter than when the checkpoint was written; the lines before are lost", options_.metrics_file);
  }

  void quality(const job::Quality& m) override {
    std::lock_guard lock(mutex_);
    keep_final(m);
    metric([&](Renderer& r) { return r.quality(m); });
  }
  void evaluation(const job::Evaluation& e) override {
    std::lock_guard lock(mutex_);
    for (const job::Quality& m : e.metrics) keep_final(m);
    metric([&](Renderer& r) { return r.evaluation(e); });
  }
  void early_stopping(std::int64_t epoch, std::string_view criterion, double value) override {
    std::lock_guard lock(mutex_);
    metric([&](Renderer& r) { return r.early_stopping(epoch, criterion, value); });
  }
  void iterator(const job::IteratorStats& s) override {
    std::lock_guard lock(mutex_);
    metric([&](Renderer& r) { return r.iterator(s); });
  }
  void throughput(double rate, std::int64_t epoch) override {
    std::lock_guard lock(mutex_);
    metric([&](Renderer& r) { return r.throughput(rate, epoch); });
  }
  void epochs_completed(std::int64_t done, std::int64_t total) override {
    std::lock_guard lock(mutex_);
    metric([&](Renderer& r) { return r.epochs_completed(done, total); });
  }
  void timing(std::string_view name, double milliseconds) override {
    std::lock_guard lock(mutex_);
    timings_[std::string(name)].add(milliseconds);
  }
  void flush_timings(std::optional<std::int64_t> epoch) override {
    std::lock_guard lock(mutex_);
    if (timings_.empty()) return;
    metric([&](Renderer& r) { return r.timings(timings_, epoch, start_); });
    timings_.clear();
    start_ = wall_clock();
  }
  void progress(const job::Progress& p) override {
    if (options_.quiet || options_.mute) return;
    std::lock_guard lock(mutex_);
    const std::string text = bar_.update(p);
    if (text.empty()) return;
    if (options_.progress_bar) write_err(text);
    else emit(renderer_->log(Level::info, text));
  }

 private:
  void keep_final(const job::Quality& m) {
    if (!m.epoch && !m.model && std::isfinite(m.value)) final_[published_name(m)] = m.value;
  }
  // The rendering of a measurement for the log, and as JSON for --metrics.
  template <class F>
  void metric(F render) {
    if (options_.mute) return;
    Rendered r = render(*renderer_);
    if (options_.quiet) r.err.clear();
    emit(r);
    if (options_.metrics_file.empty()) return;
    if (!metrics_) open_metrics(O_TRUNC);
    const std::string line = render(*metrics_renderer_).out;
    if (const int e = write_all(metrics_.get(), line); e != 0) throw metrics_error(e);
    metrics_bytes_ += line.size();
  }
  void open_metrics(int flags) {
    metrics_ = UniqueFd(::open(options_.metrics_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0666));
    if (!metrics_) throw metrics_error(errno);
  }
  // Whether the file holds less than that.
  bool cut_metrics(std::uint64_t bytes) {
    open_metrics(0);
    struct stat status = {};
    if (::fstat(metrics_.get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
    if (::ftruncate(metrics_.get(), std::min<off_t>(status.st_size, static_cast<off_t>(bytes))) != 0) throw metrics_error(errno);
    metrics_bytes_ = std::min(static_cast<std::uint64_t>(status.st_size), bytes);
    return metrics_bytes_ < bytes;
  }
  Error metrics_error(int error_number) const {
    return system_error(error_number, "cannot write \"{}\"", options_.metrics_file);
  }
  void emit(const Rendered& r) {
    if (r.err.empty() && r.out.empty()) return;
    write_err(bar_.clear());
    write_err(r.err);
    write_out(r.out);
  }
  void write_out(std::string_view text) {
    const int e = write_all(STDOUT_FILENO, text);
    if (e == EPIPE) throw Error(Fault::interrupted, {std::string("standard output was closed")}, SIGPIPE);
    if (e != 0) throw machine_error("cannot write to standard output: {}", errno_text(e));
  }
  // Standard error may be gone; the run goes on without its log.
  static void write_err(std::string_view text) { (void)write_all(STDERR_FILENO, text); }
  void finish_quietly() { write_err(bar_.clear()); }

  const ConsoleOptions options_;
  std::unique_ptr<Renderer> renderer_, metrics_renderer_;
  ProgressBar bar_;
  std::uint64_t metrics_bytes_ = 0;
  UniqueFd metrics_;  // opened with the first measurement: a run that is refused leaves an old file alone
  mutable std::mutex mutex_;
  std::map<std::string, double> final_;
  std::map<std::string, Timing> timings_;
  double start_ = wall_clock();
};

}  // namespace

void Timing::add(double milliseconds) {
  min = count == 0 ? milliseconds : std::min(min, milliseconds);
  max = count == 0 ? milliseconds : std::max(max, milliseconds);
  sum += milliseconds;
  ++count;
}

double wall_clock() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::string published_name(const job::Quality& metric) {
  return metric.channel + ":" + (metric.published.empty() ? metric.name : metric.published);
}

std::unique_ptr<Console> make_console(const ConsoleOptions& options) { return std::make_unique<StandardConsole>(options); }

bool wants_color(int fd, bool no_color_flag) {
  auto set = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
  };
  if (no_color_flag) return false;
  if (set("FORCE_COLOR")) return true;
  const char* term = std::getenv("TERM");
  if (set("NO_COLOR") || (term != nullptr && std::string_view(term) == "dumb")) return false;
  return ::isatty(fd) != 0;
}

}  // namespace smtrain::run
