#include "algos/xgboost/library.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace smtrain::xgboost {
namespace {

constexpr Version kOldest{1, 7, 0};

thread_local std::vector<std::string> messages;

void receive(const char* message) { messages.emplace_back(trim(message)); }

void find_matrix_calls(const SharedObject& object, Calls& c) {
  object.find({wanted("XGDMatrixCreateFromCSR", c.matrix_from_csr),
               wanted("XGDMatrixCreateFromDense", c.matrix_from_dense),
               wanted("XGDMatrixCreateFromCallback", c.matrix_from_callback),
               wanted("XGQuantileDMatrixCreateFromCallback", c.quantile_matrix_from_callback),
               wanted("XGProxyDMatrixCreate", c.proxy_create),
               wanted("XGProxyDMatrixSetDataDense", c.proxy_set_dense),
               wanted("XGProxyDMatrixSetDataCSR", c.proxy_set_csr),
               wanted("XGDMatrixSliceDMatrixEx", c.matrix_slice),
               wanted("XGDMatrixFree", c.matrix_free),
               wanted("XGDMatrixSetInfoFromInterface", c.matrix_set_info),
               wanted("XGDMatrixSetStrFeatureInfo", c.matrix_set_names),
               wanted("XGDMatrixGetFloatInfo", c.matrix_get_floats),
               wanted("XGDMatrixGetUIntInfo", c.matrix_get_uints),
               wanted("XGDMatrixNumRow", c.matrix_rows),
               wanted("XGDMatrixNumCol", c.matrix_columns)});
}

void find_booster_calls(const SharedObject& object, Calls& c) {
  object.find({wanted("XGBoosterCreate", c.booster_create),
               wanted("XGBoosterFree", c.booster_free),
               wanted("XGBoosterSlice", c.booster_slice),
               wanted("XGBoosterBoostedRounds", c.booster_rounds),
               wanted("XGBoosterSetParam", c.booster_set),
               wanted("XGBoosterGetNumFeature", c.booster_features),
               wanted("XGBoosterUpdateOneIter", c.booster_update),
               wanted("XGBoosterEvalOneIter", c.booster_evaluate),
               wanted("XGBoosterPredictFromDMatrix", c.booster_predict),
               wanted("XGBoosterPredictFromDense", c.booster_predict_dense),
               wanted("XGBoosterPredictFromCSR", c.booster_predict_csr),
               wanted("XGBoosterLoadModelFromBuffer", c.booster_load),
               wanted("XGBoosterSaveModelToBuffer", c.booster_save),
               wanted("XGBoosterSaveJsonConfig", c.booster_save_config),
               wanted("XGBoosterLoadJsonConfig", c.booster_load_config),
               wanted("XGBoosterGetAttr", c.booster_get_attribute),
               wanted("XGBoosterSetAttr", c.booster_set_attribute),
               wanted("XGBoosterSetStrFeatureInfo", c.booster_set_names),
               wanted("XGBoosterGetStrFeatureInfo", c.booster_get_names),
               wanted("XGBoosterFeatureScore", c.booster_feature_score),
               wanted("XGBoosterDumpModelEx", c.booster_dump)});
}

SharedObject opened() {
  return SharedObject({"libxgboost", {"libxgboost.so.0", "libxgboost.so"}, "SMTRAIN_XGBOOST_LIB", "libxgboost0"});
}

// "[10:32:01] " in front, as the engine's logger writes it.
std::string_view without_time(std::string_view text) {
  text = trim(text);
  if (text.size() > 11 && text[0] == '[' && text[9] == ']' && text[3] == ':') text = trim(text.substr(10));
  return text;
}

// "../src/learner.cc:767: " in front.
std::string_view without_place(std::string_view text) {
  const std::size_t end = text.find(": ");
  if (end == std::string_view::npos) return text;
  const std::string_view place = text.substr(0, end);
  const std::size_t colon = place.rfind(':');
  const bool named = colon != std::string_view::npos && colon + 1 < place.size() && place.find(' ') == std::string_view::npos &&
                     place.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
  return named ? trim(text.substr(end + 2)) : text;
}

}  // namespace

std::string Version::to_string() const { return fmt::format("{}.{}.{}", major, minor, patch); }

const Library& Library::open() {
  static const Library library;
  return library;
}

Library::Library() : object_(opened()) {
  object_.find({wanted("XGBoostVersion", calls_.version), wanted("XGBGetLastError", calls_.last_error)});
  calls_.version(&version_.major, &version_.minor, &version_.patch);
  if (version_ < kOldest) {
    throw machine_error("{} is XGBoost {}; expected {} or newer", file(), version_.to_string(), kOldest.to_string());
  }
  object_.find({wanted("XGBuildInfo", calls_.build_info), wanted("XGBRegisterLogCallback", calls_.register_log_callback),
                wanted("XGBSetGlobalConfig", calls_.set_global_config), wanted("XGCommunicatorInit", calls_.communicator_init),
                wanted("XGCommunicatorFinalize", calls_.communicator_finalize), wanted("XGCommunicatorGetRank", calls_.communicator_rank),
                wanted("XGCommunicatorGetWorldSize", calls_.communicator_size)});
  object_.find_optional(wanted("_ZN7xgboost6common12GlobalRandomEv", calls_.random_engine));
  find_matrix_calls(object_, calls_);
  find_booster_calls(object_, calls_);
  if (version_ >= Version{2, 1, 0}) {
    object_.find({wanted("XGTrackerCreate", calls_.tracker_create), wanted("XGTrackerWorkerArgs", calls_.tracker_worker_args),
                  wanted("XGTrackerRun", calls_.tracker_run), wanted("XGTrackerWaitFor", calls_.tracker_wait),
                  wanted("XGTrackerFree", calls_.tracker_free)});
  }
  const char* text = nullptr;
  check(calls_.build_info(&text), Fault::machine);
  const auto built = nlohmann::json::parse(text, nullptr, false);
  cuda_ = built.is_object() && built.value("USE_CUDA", false);
  openmp_ = built.is_object() && built.value("USE_OPENMP", false);
}

void Library::check(int result, Fault fault) const {
  if (result == 0) return;
  const char* text = calls_.last_error();
  const std::string words = plain_words(text == nullptr ? "" : text);
  if (words.find("bad_alloc") != std::string::npos) throw machine_error("out of memory in XGBoost: {}", words);
  throw Error(fault, "XGBoost: " + words);
}

void Library::listen() const {
  thread_local bool listening = false;
  if (!listening) check(calls_.register_log_callback(receive), Fault::internal);
  listening = true;
}

std::vector<std::string> take_messages() {
  std::vector<std::string> taken;
  taken.swap(messages);
  for (std::string& message : taken) message = std::string(without_time(message));
  return taken;
}

void put_back_messages(std::vector<std::string> taken) { messages.insert(messages.begin(), taken.begin(), taken.end()); }

std::string plain_words(std::string_view engine_text) {
  std::string_view text = engine_text.substr(0, std::min(engine_text.find("Stack trace:"), engine_text.size()));
  text = without_time(text);
  for (const std::string_view level : {"WARNING: ", "INFO: ", "DEBUG: ", "CONSOLE: "}) {
    if (text.starts_with(level)) text.remove_prefix(level.size());
  }
  text = without_place(text);
  std::string line;
  // The engine quotes damaged files byte by byte.
  for (const char c : trim(text)) line += c == '\n' ? ' ' : c < ' ' || c == '\x7f' ? '?' : c;
  return line;
}

std::vector<std::string> unused_parameters(std::string_view message) {
  const std::size_t start = message.find("Parameters: {"), end = message.find('}', start == std::string_view::npos ? 0 : start);
  if (start == std::string_view::npos || end == std::string_view::npos || message.find("not used", end) == std::string_view::npos) return {};
  std::vector<std::string> names;
  for (const std::string_view part : split(message.substr(start + 13, end - start - 13), ',')) {
    std::string_view name = trim(part);
    if (name.size() >= 2 && name.front() == '"' && name.back() == '"') name = name.substr(1, name.size() - 2);
    names.emplace_back(name);
  }
  return names;
}

std::string array_interface(const void* data, std::initializer_list<std::size_t> shape, std::string_view type) {
  std::string sizes;
  for (const std::size_t size : shape) sizes += (sizes.empty() ? "" : ",") + std::to_string(size);
  return fmt::format(R"({{"data":[{},true],"shape":[{}],"typestr":"{}","version":3}})", reinterpret_cast<std::uintptr_t>(data), sizes, type);
}

smtrain::Library engine() {
  try {
    const Library& library = Library::open();
    return {"XGBoost", library.version().to_string(),
            fmt::format("{}, {}", library.cuda() ? "with CUDA" : "without CUDA", library.openmp() ? "OpenMP" : "one thread"), "libxgboost"};
  } catch (const Error& e) {
    return {"XGBoost", "", e.what(), "libxgboost"};
  }
}

}  // namespace smtrain::xgboost
