// CreateTrainingJob requests: any bytes are a request or a user Error.
#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "run/training_job/request.h"

using namespace smtrain;
using namespace smtrain::run::training_job;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  NullLog log;
  for (const bool lenient : {false, true}) {
    RequestOptions options;
    options.lenient = lenient;
    try {
      const TrainingJobRequest request = parse_request({reinterpret_cast<const char*>(data), size}, "fuzz", options, log);
      if (request.name.empty() || request.output_path.empty() || request.instance_count < 1) std::abort();
    } catch (const Error& e) {
      if (e.fault() != Fault::user || e.problems().empty()) std::abort();
    }
  }
  return 0;
}
