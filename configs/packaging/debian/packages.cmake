# standpipe and standpipe-dev, for cpack -G DEB.
set(here ${CMAKE_CURRENT_SOURCE_DIR}/debian)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME standpipe)
set(CPACK_PACKAGE_VENDOR "Standpipe")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # else it would stand before each description
set(CPACK_PACKAGE_CONTACT "Standpipe maintainers <maintainers@standpipe.invalid>" CACHE STRING "Maintainer of the packages")
set(CPACK_STRIP_FILES ON)
# As `DESTDIR=... cmake --install --prefix /usr` does it: the prefix is the one that files will have.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)

set(CPACK_COMPONENTS_ALL runtime dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME standpipe)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION net)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SUGGESTS standpipe-dev)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${here}/postinst ${here}/prerm ${here}/postrm)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION "local message hub for FIFOs
Programs write framed messages into named FIFOs; the hub hands each message
to handlers that a configuration names: it shows it, logs it to a file,
forwards it into another FIFO, or does whatever a plugin does. No message
is lost when a plugin crashes, and each one is accounted for.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME standpipe-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_DEV_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS python3)  # for handlers and clients in Python
set(CPACK_DEBIAN_DEV_PACKAGE_RECOMMENDS standpipe)
set(CPACK_DEBIAN_DEV_PACKAGE_SUGGESTS "cmake, pkg-config")
set(CPACK_DEBIAN_DEV_DESCRIPTION "headers for plugins of the Standpipe message hub
A plugin is a shared object that the hub loads and hands messages to. This
package has the C header of that contract, the C++ face above it, and what
CMake and pkg-config need to build one.")

# A package for each bridge that is built.
get_property(bridges GLOBAL PROPERTY STANDPIPE_BRIDGES)
set(of_unix "Unix domain sockets")
set(of_rabbitmq "RabbitMQ")
set(of_kafka "Apache Kafka")
set(of_nats "NATS JetStream")
set(of_sqs "Amazon SQS")
set(of_zeromq "ZeroMQ")
set(of_nanomsg "nanomsg")
foreach(bridge ${bridges})
  string(TOUPPER ${bridge} COMPONENT)
  list(APPEND CPACK_COMPONENTS_ALL ${bridge})
  set(CPACK_DEBIAN_${COMPONENT}_PACKAGE_NAME standpipe-${bridge})
  set(CPACK_DEBIAN_${COMPONENT}_PACKAGE_SECTION net)
  set(CPACK_DEBIAN_${COMPONENT}_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_${COMPONENT}_PACKAGE_DEPENDS "standpipe (>= ${PROJECT_VERSION})")
  set(CPACK_DEBIAN_${COMPONENT}_DESCRIPTION "bridge of the Standpipe message hub to ${of_${bridge}}
With it a hub hands messages to ${of_${bridge}}, and takes messages from there:
a handler and a source, in a plugin that the hub finds by itself.")
endforeach()

# What Debian wants of every package, and nobody else of an installation.
set(STANDPIPE_RELEASE ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})
configure_file(${here}/changelog.in changelog.Debian @ONLY)
find_program(GZIP gzip)
if(GZIP)
  execute_process(COMMAND ${GZIP} -9nf ${CMAKE_CURRENT_BINARY_DIR}/changelog.Debian COMMAND_ERROR_IS_FATAL ANY)
  list(TRANSFORM bridges REPLACE "(.+)" "standpipe-\\1:\\1" OUTPUT_VARIABLE pairs)
  foreach(pair standpipe:runtime standpipe-dev:dev ${pairs})
    string(REPLACE ":" ";" pair ${pair})
    list(GET pair 0 package)
    list(GET pair 1 component)
    install(FILES ${here}/copyright ${CMAKE_CURRENT_BINARY_DIR}/changelog.Debian.gz
      DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} COMPONENT ${component} EXCLUDE_FROM_ALL)
  endforeach()
endif()
install(DIRECTORY DESTINATION /etc/standpipe COMPONENT runtime EXCLUDE_FROM_ALL)

include(CPack)
