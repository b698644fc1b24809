# SPDX-License-Identifier: MIT
#
# `cmake --install`, and the package that find_package(burrow) finds afterwards.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(burrow_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/burrow")

set(burrow_targets burrow_scheduler burrow_context burrow_runtime)
if(TARGET burrow_http)
  list(APPEND burrow_targets burrow_http)
endif()
if(TARGET burrow_tls)
  list(APPEND burrow_targets burrow_tls)
  set(burrow_needs_openssl ON)
endif()
install(
  TARGETS ${burrow_targets}
  EXPORT burrowTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(
  EXPORT burrowTargets
  NAMESPACE burrow::
  DESTINATION "${burrow_package_dir}")

configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/burrowConfig.cmake.in" "${PROJECT_BINARY_DIR}/burrowConfig.cmake"
  INSTALL_DESTINATION "${burrow_package_dir}")
# Before 1.0 a minor version may change the face.
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/burrowConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(
  FILES "${PROJECT_BINARY_DIR}/burrowConfig.cmake" "${PROJECT_BINARY_DIR}/burrowConfigVersion.cmake"
        "${CMAKE_CURRENT_LIST_DIR}/Findliburing.cmake"
  DESTINATION "${burrow_package_dir}")
