# The library that is installed, `wgu`: the objects of all layers in one archive (or, with BUILD_SHARED_LIBS, one shared
# object), so that whoever embeds it links one name and sees only include/wgu.
function(wgu_library)
  cmake_parse_arguments(arg "" "" "HEADERS;LINKS" ${ARGN})
  list(TRANSFORM arg_HEADERS PREPEND ${PROJECT_SOURCE_DIR}/include/wgu/)
  add_library(wgu)
  add_library(wgu::wgu ALIAS wgu)
  wgu_options(wgu)
  get_property(layers GLOBAL PROPERTY WGU_LAYERS)
  foreach(layer IN LISTS layers)
    target_sources(wgu PRIVATE $<TARGET_OBJECTS:${layer}>)
  endforeach()
  target_sources(wgu PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${arg_HEADERS})
  target_link_libraries(wgu PRIVATE ${arg_LINKS})
  set_target_properties(wgu PROPERTIES
    LINKER_LANGUAGE CXX  # there is no source from which CMake could tell
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})  # before 1.0 every minor version may break the ABI
endfunction()
