# `cmake --install`: library, public headers, and how to find them (CMake package and pkg-config). Component `development`.
include(CMakePackageConfigHelpers)

set(wgu_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/wgu)
get_target_property(wgu_type wgu TYPE)

install(TARGETS wgu EXPORT wguTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(EXPORT wguTargets NAMESPACE wgu:: DESTINATION ${wgu_package_dir} COMPONENT development)

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/wguConfig.cmake.in ${PROJECT_BINARY_DIR}/cmake/wguConfig.cmake
  INSTALL_DESTINATION ${wgu_package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/wguConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cmake/wguConfig.cmake ${PROJECT_BINARY_DIR}/cmake/wguConfigVersion.cmake
  DESTINATION ${wgu_package_dir} COMPONENT development)

# A shared wgu brings its libraries along; a static one leaves them to whoever links it, so then they are not private. The
# prefix follows from where the file lies, because `cmake --install --prefix` may name another than the configured one.
if(wgu_type STREQUAL "STATIC_LIBRARY")
  set(wgu_pc_requires "Requires: ${WGU_PKGCONFIG_LIBS}")
  set(wgu_pc_libs "-lstdc++ -pthread")
else()
  set(wgu_pc_requires "Requires.private: ${WGU_PKGCONFIG_LIBS}")
  set(wgu_pc_libs_private "Libs.private: -lstdc++ -pthread\n")
endif()
file(RELATIVE_PATH wgu_pc_to_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" wgu_pc_to_prefix "${wgu_pc_to_prefix}")
configure_file(${PROJECT_SOURCE_DIR}/cmake/wgu.pc.in ${PROJECT_BINARY_DIR}/cmake/wgu.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cmake/wgu.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT development)
