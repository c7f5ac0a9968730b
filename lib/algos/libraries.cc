#include "algos/libraries.h"

#include "algos/xgboost/library.h"

namespace smtrain::algos {

std::vector<Library> libraries() { return {xgboost::engine()}; }

}  // namespace smtrain::algos
