# The daemon but for the library it is linked with: bench/null_cipher builds it once more, with another cipher. So its parts are linked
# with the layers they need, not with `wgu`.
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
pkg_check_modules(microhttpd REQUIRED IMPORTED_TARGET libmicrohttpd>=0.9.71)  # MHD_Result
include_guard(GLOBAL)  # the packages' targets are each directory's own, those below are not
set(examples ${PROJECT_SOURCE_DIR}/examples)
set(daemon ${examples}/wgu-tunnel)

# What asks a running daemon, and how the answers are read.
add_library(wgu_status STATIC ${examples}/status/client.cc ${examples}/status/conservation.cc ${examples}/status/quantities.cc
  ${examples}/status/snapshot_json.cc ${examples}/status/status_text.cc)
wgu_options(wgu_status)
target_include_directories(wgu_status PUBLIC ${examples} ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/lib)
target_link_libraries(wgu_status PUBLIC wgu_telemetry PRIVATE fmt::fmt nlohmann_json::nlohmann_json)

# What the daemon answers.
add_library(wgu_status_service STATIC ${daemon}/accept.cc ${daemon}/event_log.cc ${daemon}/http_server.cc ${daemon}/listener.cc
  ${daemon}/pages.cc ${daemon}/status_service.cc)
wgu_options(wgu_status_service)
target_link_libraries(wgu_status_service PUBLIC wgu_status wgu_control PRIVATE PkgConfig::microhttpd)

# NAME, which somebody links with an engine; further SOURCEs.
function(wgu_daemon name version)
  set(daemon ${CMAKE_CURRENT_FUNCTION_LIST_DIR})
  add_executable(${name} ${daemon}/main.cc ${daemon}/daemonise.cc ${daemon}/options.cc ${daemon}/privileges.cc ${daemon}/queries.cc ${ARGN})
  wgu_options(${name})
  target_compile_definitions(${name} PRIVATE WGU_VERSION="${version}")
  target_link_libraries(${name} PRIVATE wgu_status wgu_status_service wgu_control CLI11::CLI11 fmt::fmt)
endfunction()
