// Stands in for an OpenMP runtime that a library brings along.

extern "C" int second_openmp_threads();
extern "C" int second_openmp_threads() { return 1; }
