// The functions of XGBoost's C interface that are used here, declared as that interface (stable since 1.7) has them. Only sources of
// this folder include this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>

namespace smtrain::xgboost {

/// DMatrixHandle, BoosterHandle, DataIterHandle.
using Handle = void*;
/// bst_ulong.
using Length = std::uint64_t;

/// Every function but the first two returns 0, or -1 with the reason in last_error() of the same thread.
struct Calls {
  void (*version)(int* major, int* minor, int* patch);
  const char* (*last_error)();
  int (*build_info)(const char** json);
  int (*register_log_callback)(void (*receive)(const char*));
  int (*set_global_config)(const char* json);

  int (*matrix_from_csr)(const char* indptr, const char* indices, const char* values, Length columns, const char* config, Handle* out);
  int (*matrix_from_dense)(const char* values, const char* config, Handle* out);
  int (*matrix_from_callback)(Handle iterator, Handle proxy, void (*reset)(Handle), int (*next)(Handle), const char* config, Handle* out);
  int (*quantile_matrix_from_callback)(Handle iterator, Handle proxy, Handle reference, void (*reset)(Handle), int (*next)(Handle),
                                       const char* config, Handle* out);
  int (*proxy_create)(Handle* out);
  int (*proxy_set_dense)(Handle proxy, const char* values);
  int (*proxy_set_csr)(Handle proxy, const char* indptr, const char* indices, const char* values, Length columns);
  int (*matrix_slice)(Handle matrix, const int* rows, Length length, Handle* out, int allow_groups);
  int (*matrix_free)(Handle matrix);
  int (*matrix_set_info)(Handle matrix, const char* field, const char* array);
  int (*matrix_set_names)(Handle matrix, const char* field, const char** names, Length count);
  int (*matrix_get_floats)(Handle matrix, const char* field, Length* length, const float** values);
  int (*matrix_get_uints)(Handle matrix, const char* field, Length* length, const unsigned** values);
  int (*matrix_rows)(Handle matrix, Length* out);
  int (*matrix_columns)(Handle matrix, Length* out);

  int (*booster_create)(const Handle* matrices, Length count, Handle* out);
  int (*booster_free)(Handle booster);
  int (*booster_slice)(Handle booster, int begin, int end, int step, Handle* out);
  int (*booster_rounds)(Handle booster, int* out);
  int (*booster_set)(Handle booster, const char* name, const char* value);
  int (*booster_features)(Handle booster, Length* out);
  int (*booster_update)(Handle booster, int round, Handle matrix);
  int (*booster_evaluate)(Handle booster, int round, Handle* matrices, const char** names, Length count, const char** out);
  int (*booster_predict)(Handle booster, Handle matrix, const char* config, const Length** shape, Length* dimensions, const float** out);
  int (*booster_predict_dense)(Handle booster, const char* values, const char* config, Handle proxy, const Length** shape,
                               Length* dimensions, const float** out);
  int (*booster_predict_csr)(Handle booster, const char* indptr, const char* indices, const char* values, Length columns,
                             const char* config, Handle proxy, const Length** shape, Length* dimensions, const float** out);
  int (*booster_load)(Handle booster, const void* bytes, Length length);
  int (*booster_save)(Handle booster, const char* config, Length* length, const char** out);
  int (*booster_save_config)(Handle booster, Length* length, const char** out);
  int (*booster_load_config)(Handle booster, const char* config);
  int (*booster_get_attribute)(Handle booster, const char* key, const char** out, int* found);
  int (*booster_set_attribute)(Handle booster, const char* key, const char* value);
  int (*booster_set_names)(Handle booster, const char* field, const char** names, Length count);
  int (*booster_get_names)(Handle booster, const char* field, Length* count, const char*** names);
  int (*booster_feature_score)(Handle booster, const char* config, Length* count, const char*** names, Length* dimensions,
                               const Length** shape, const float** scores);
  int (*booster_dump)(Handle booster, const char* feature_map, int with_stats, const char* format, Length* count, const char*** trees);

  int (*communicator_init)(const char* config);
  int (*communicator_finalize)();
  int (*communicator_rank)();
  int (*communicator_size)();

  // Null before 2.1.
  int (*tracker_create)(const char* config, Handle* out);
  int (*tracker_worker_args)(Handle tracker, const char** json);
  int (*tracker_run)(Handle tracker, const char* config);
  int (*tracker_wait)(Handle tracker, const char* config);
  int (*tracker_free)(Handle tracker);

  /// Not of the C interface: the engine's stream of random numbers on this thread. Null where the library hides it.
  std::mt19937& (*random_engine)();
};

}  // namespace smtrain::xgboost
