# cmake --install: everything is found relative to the executable, so the prefix can be moved.
include(GNUInstallDirs)
