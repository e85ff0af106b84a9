# Compile options of every target of this project, set on the target: nothing leaks into a project that embeds wgu.
include(CheckPIESupported)
check_pie_supported()

function(wgu_options target)
  get_target_property(type ${target} TYPE)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -fno-omit-frame-pointer
    $<$<BOOL:${WGU_DEVELOPER}>:-Werror>)
  target_compile_definitions(${target} PRIVATE $<$<NOT:$<BOOL:${WGU_PROBES}>>:WGU_WITHOUT_PROBES>)
  if(WGU_SANITIZE)
    target_compile_options(${target} PUBLIC -fsanitize=${WGU_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${WGU_SANITIZE})
  else()
    # _FORTIFY_SOURCE needs an optimiser: without one glibc only warns. Undefined first, as some distributions preset it.
    target_compile_options(${target} PRIVATE -fstack-protector-strong
      "$<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=3>")
  endif()
  if(type MATCHES "EXECUTABLE|SHARED_LIBRARY")
    target_link_options(${target} PRIVATE -Wl,-z,relro,-z,now -Wl,-z,noexecstack)
  endif()
endfunction()

# One folder of lib/ is one target, linked downwards only. SOURCES are listed, never globbed. WGU_LAYERS collects the targets
# for the one library that is installed; one that is APART is not in it.
function(wgu_layer name)
  cmake_parse_arguments(arg "APART" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(wgu_${name} STATIC ${arg_SOURCES})
  wgu_options(wgu_${name})
  target_include_directories(wgu_${name}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
           $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/lib>)
  target_link_libraries(wgu_${name} PUBLIC ${arg_LINKS} PRIVATE ${arg_PRIVATE_LINKS})
  if(NOT arg_APART)
    set_property(GLOBAL APPEND PROPERTY WGU_LAYERS wgu_${name})
  endif()
endfunction()
