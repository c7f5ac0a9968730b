// Tests of what computes run with the libraries set up as the program sets them up.
#include <unistd.h>

#ifdef SMTRAIN_TEST_COMPUTES
#include "compute/libraries.h"
#endif

int run_tests(int argc, char** argv);

int main(int argc, char** argv) {
#ifdef SMTRAIN_TEST_COMPUTES
  if (smtrain::compute::set_up_libraries()) execv("/proc/self/exe", argv);
#endif
  return run_tests(argc, argv);
}
