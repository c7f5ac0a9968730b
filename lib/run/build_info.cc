#include "run/build_info.h"

namespace smtrain::run {

std::string version() { return SMTRAIN_VERSION; }

}  // namespace smtrain::run
