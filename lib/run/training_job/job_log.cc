#include "run/training_job/job_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/system_error.h"
#include "base/text.h"
#include "run/console/render.h"
#include "run/training_job/request.h"

namespace smtrain::run::training_job {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLastLines = 10;

UniqueFd open_to_append(const fs::path& path) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (!fd) throw system_error(errno, "cannot write {}", path.string());
  return fd;
}

// Splits rendered text into lines for the log.
class JobConsole final : public Console {
 public:
  JobConsole(Console& console, JobLog& log, const ConsoleOptions& options)
      : console_(console), log_(log), renderer_(make_sagemaker_renderer(options)), start_(wall_clock()) {}

  void write(Level level, std::string_view line) override {
    console_.write(level, line);
    if (level != Level::debug) keep([&](Renderer& r) { return r.log(level, line); });
  }
  void service(std::string_view line) override {
    console_.service(line);
    keep([&](Renderer& r) { return r.service(line); });
  }
  void print(std::string_view text) override { console_.print(text); }
  void finish() override { console_.finish(); }
  void report(const std::exception& error) override { console_.report(error); }
  std::map<std::string, double> final_metrics() const override { return console_.final_metrics(); }
  std::uint64_t metrics_bytes() const override { return console_.metrics_bytes(); }
  void continue_metrics(std::uint64_t bytes, std::map<std::string, double> final_metrics) override {
    console_.continue_metrics(bytes, std::move(final_metrics));
  }
  void quality(const job::Quality& m) override {
    console_.quality(m);
    keep([&](Renderer& r) { return r.quality(m); });
  }
  void evaluation(const job::Evaluation& e) override {
    console_.evaluation(e);
    keep([&](Renderer& r) { return r.evaluation(e); });
  }
  void early_stopping(std::int64_t epoch, std::string_view criterion, double value) override {
    console_.early_stopping(epoch, criterion, value);
    keep([&](Renderer& r) { return r.early_stopping(epoch, criterion, value); });
  }
  void iterator(const job::IteratorStats& s) override {
    console_.iterator(s);
    keep([&](Renderer& r) { return r.iterator(s); });
  }
  void throughput(double rate, std::int64_t epoch) override {
    console_.throughput(rate, epoch);
    keep([&](Renderer& r) { return r.throughput(rate, epoch); });
  }
  void epochs_completed(std::int64_t done, std::int64_t total) override {
    console_.epochs_completed(done, total);
    keep([&](Renderer& r) { return r.epochs_completed(done, total); });
  }
  void timing(std::string_view name, double milliseconds) override {
    console_.timing(name, milliseconds);
    const std::lock_guard lock(mutex_);
    timings_[std::string(name)].add(milliseconds);
  }
  void flush_timings(std::optional<std::int64_t> epoch) override {
    console_.flush_timings(epoch);
    const std::lock_guard lock(mutex_);
    if (timings_.empty()) return;
    to_log(renderer_->timings(timings_, epoch, start_));
    timings_.clear();
    start_ = wall_clock();
  }
  void progress(const job::Progress& p) override { console_.progress(p); }

 private:
  template <class F>
  void keep(F&& render) {
    const std::lock_guard lock(mutex_);
    to_log(render(*renderer_));
  }
  void to_log(const Rendered& rendered) {
    std::string_view text = rendered.out;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      log_.line(0, text.substr(0, end), false);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  Console& console_;
  JobLog& log_;
  std::unique_ptr<Renderer> renderer_;
  std::mutex mutex_;
  std::map<std::string, Timing> timings_;
  double start_;
};

}  // namespace

JobLog::JobLog(const JobLogOptions& options, Console& console) : console_(console), hosts_(options.hosts),
    search_(options.metrics), last_(options.hosts.size()) {
  const fs::path folder = options.folder / "logs";
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw system_error(error.value(), "cannot make the folder {}", folder.string());
  for (const std::string& host : hosts_) logs_.push_back(open_to_append(folder / (host + ".log")));
  metrics_.push_back(open_to_append(options.folder / "metrics.jsonl"));
  if (!options.metrics_file.empty()) metrics_.push_back(open_to_append(options.metrics_file));
}

void JobLog::line(std::size_t host, std::string_view text, bool shown) {
  const double now = wall_clock();
  const std::vector<Observation> found = search_.search(text);
  {
    const std::lock_guard lock(mutex_);
    append(logs_[host].get(), std::string(text) + "\n");
    if (shown) last_[host].emplace_back(text);
    if (last_[host].size() > kLastLines) last_[host].pop_front();
    for (const Observation& o : found) {
      final_[std::string(o.metric)] = {o.value, now};
      const std::string metric = fmt::format(R"({{"time":{:.3f},"metric":{},"value":{},"host":{}}})", now, json_quoted(o.metric),
                                             format_number(o.value), json_quoted(hosts_[host]));
      for (const UniqueFd& file : metrics_) append(file.get(), metric + "\n");
    }
  }
  if (shown) console_.info("{}{}", hosts_.size() > 1 ? "[" + hosts_[host] + "] " : "", text);
}

std::map<std::string, FinalMetric> JobLog::final_metrics() const {
  const std::lock_guard lock(mutex_);
  return final_;
}

std::vector<std::string> JobLog::last_lines(std::size_t host) const {
  const std::lock_guard lock(mutex_);
  return {last_[host].begin(), last_[host].end()};
}

void JobLog::append(int fd, const std::string& text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      if (!told_) console_.warning("the job's log cannot be written: {}", errno_text(errno));
      told_ = true;
      return;
    }
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::unique_ptr<Console> make_job_console(Console& console, JobLog& log, const std::string& host,
                                          const std::string& algorithm_log_name) {
  ConsoleOptions options;
  options.host = host;
  options.algorithm_log_name = algorithm_log_name;
  return std::make_unique<JobConsole>(console, log, options);
}

}  // namespace smtrain::run::training_job
