# Debian's libsoci-dev has neither a CMake config nor a pkg-config file.
# Defines SOCI::mysql.
find_path(SOCI_INCLUDE_DIR soci/soci.h)
find_library(SOCI_CORE_LIBRARY soci_core)
find_library(SOCI_MYSQL_LIBRARY soci_mysql)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(SOCI REQUIRED_VARS SOCI_INCLUDE_DIR SOCI_CORE_LIBRARY SOCI_MYSQL_LIBRARY)
if(SOCI_FOUND AND NOT TARGET SOCI::mysql)
  add_library(SOCI::mysql INTERFACE IMPORTED)
  target_include_directories(SOCI::mysql SYSTEM INTERFACE ${SOCI_INCLUDE_DIR})
  target_link_libraries(SOCI::mysql INTERFACE ${SOCI_MYSQL_LIBRARY} ${SOCI_CORE_LIBRARY})
endif()
mark_as_advanced(SOCI_INCLUDE_DIR SOCI_CORE_LIBRARY SOCI_MYSQL_LIBRARY)
