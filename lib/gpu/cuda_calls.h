// The CUDA runtime behind plain functions: cuda_calls.cu alone is compiled by nvcc and sees CUDA's headers. Each function returns
// 0, or CUDA's error number; handles are CUDA's own.
#pragma once

#include <cstddef>

#include "gpu/kernels/derive_loss.h"
#include "gpu/kernels/distance.h"
#include "gpu/kernels/factors.h"
#include "gpu/kernels/nearest_tile.h"
#include "gpu/kernels/search.h"
#include "gpu/kernels/segment_sum.h"
#include "gpu/kernels/small_kernels.h"
#include "gpu/kernels/sort_rows.h"
#include "gpu/kernels/sparse_product.h"
#include "gpu/kernels/standardize.h"
#include "gpu/kernels/step.h"

namespace smtrain::gpu::cuda {

/// The version this module was built with: 1000 * major + 10 * minor.
int runtime_version();
/// "out of memory (cudaErrorMemoryAllocation)".
const char* error_name(int error);
const char* error_text(int error);
bool is_out_of_memory(int error);
/// Forgets an error that does not harm what follows.
void clear_error();

int set_device(int device);
int memory(std::size_t* free, std::size_t* total);
int allocate(void** to, std::size_t bytes);
int free(void* memory);
int allocate_pinned(void** to, std::size_t bytes);
int free_pinned(void* memory);

int create_stream(void** stream);
int destroy_stream(void* stream);
int wait_stream(void* stream);
int create_event(void** event);
int destroy_event(void* event);
int record_event(void* event, void* stream);
int stream_wait_event(void* stream, void* event);
int wait_event(void* event);

enum class Way { to_device, to_host, on_device };

/// Copies rows of `row_bytes`.
int copy(Way way, void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t row_bytes, std::size_t rows,
         void* stream);
int zero(void* to, std::size_t pitch, std::size_t row_bytes, std::size_t rows, void* stream);

int launch(const NearestNarrow& kernel, void* stream);
int launch(const NearestMiddle& kernel, void* stream);
int launch(const NearestWide& kernel, void* stream);
int launch(const MergeParts& kernel, void* stream);
int launch(const RowDistance& kernel, void* stream);
int launch(const HalfNorm& kernel, void* stream);
int launch(const CountDigits& kernel, void* stream);
int launch(const ScanCounts& kernel, void* stream);
int launch(const PlaceRows& kernel, void* stream);
int launch(const SumSegments& kernel, void* stream);
int launch(const JoinSegments& kernel, void* stream);
int launch(const LossTiles& kernel, void* stream);
int launch(const LossTotal& kernel, void* stream);
int launch(const BlendMeans& kernel, void* stream);
int launch(const SpellOut& kernel, void* stream);
int launch(const Standardize<float>& kernel, void* stream);
int launch(const Standardize<double>& kernel, void* stream);
int launch(const ScaleValues& kernel, void* stream);
int launch(const TurnOver& kernel, void* stream);
int launch(const SparseProduct& kernel, void* stream);
int launch(const SumColumns<ProductColumns>& kernel, void* stream);
int launch(const JoinColumns& kernel, void* stream);
int launch(const FactorScores& kernel, void* stream);
int launch(const SumColumns<FactorColumns>& kernel, void* stream);
int launch(const PickRows& kernel, void* stream);
int launch(const PutRows& kernel, void* stream);
int launch(const JudgeTiles& kernel, void* stream);
int launch(const Soften& kernel, void* stream);
int launch(const SumTiles& kernel, void* stream);
int launch(const AddTiles<float>& kernel, void* stream);
int launch(const AddTiles<double>& kernel, void* stream);
int launch(const StepAll& kernel, void* stream);
int launch(const StepMarked& kernel, void* stream);
int launch(const ShiftedSquares& kernel, void* stream);
int launch(const SearchTile& kernel, void* stream);
int launch(const SearchFinish& kernel, void* stream);
int launch(const SearchAll& kernel, void* stream);

}  // namespace smtrain::gpu::cuda
