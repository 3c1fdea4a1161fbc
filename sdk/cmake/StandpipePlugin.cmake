# SPDX-License-Identifier: Apache-2.0
# standpipe_add_plugin(NAME SOURCES source... [TARGET target])
#
# Adds a plugin that YAML calls NAME: the shared object NAME.so with one export, no undefined symbols,
# never unloaded. It is a target like any other, called NAME or TARGET: link to it what it needs.
function(standpipe_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 PLUGIN "" "TARGET" "SOURCES")
  if(PLUGIN_UNPARSED_ARGUMENTS OR NOT PLUGIN_SOURCES)
    message(FATAL_ERROR "usage: standpipe_add_plugin(NAME SOURCES source... [TARGET target])")
  endif()
  if(NOT PLUGIN_TARGET)
    set(PLUGIN_TARGET ${name})
  endif()
  add_library(${PLUGIN_TARGET} MODULE ${PLUGIN_SOURCES})
  target_link_libraries(${PLUGIN_TARGET} PRIVATE Standpipe::plugin)
  set_target_properties(${PLUGIN_TARGET} PROPERTIES PREFIX "" OUTPUT_NAME ${name} SUFFIX ".so"
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if(CXX IN_LIST languages)  # plugin.hpp is C++20, plugin.h is C
    target_compile_features(${PLUGIN_TARGET} PRIVATE cxx_std_20)
  endif()
  # What a sanitizer adds is defined in the program.
  if(NOT "${STANDPIPE_SANITIZE} ${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS}" MATCHES "sanitize|address|thread")
    target_link_options(${PLUGIN_TARGET} PRIVATE "LINKER:-z,defs")
  endif()
endfunction()
