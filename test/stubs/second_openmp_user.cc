// Stands in for a library that needs an OpenMP runtime other than the program's.

extern "C" int second_openmp_threads();
extern "C" void XGBoostVersion(int* major, int* minor, int* patch);
extern "C" void XGBoostVersion(int* major, int* minor, int* patch) {
  *major = 1;
  *minor = 7;
  *patch = second_openmp_threads();
}
