file(REMOVE_RECURSE ${WORK_DIR})
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD_DIR} --component client --prefix ${WORK_DIR}/installed)
# Nothing of the build tree is needed: the installed tree is moved away first.
file(RENAME ${WORK_DIR}/installed ${WORK_DIR}/moved)
run(${CMAKE_COMMAND} -S ${EXAMPLE_DIR} -B ${WORK_DIR}/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER}
  -DCMAKE_CXX_FLAGS=${FLAGS} -DCMAKE_PREFIX_PATH=${WORK_DIR}/moved)
run(${CMAKE_COMMAND} --build ${WORK_DIR}/build)

file(GLOB_RECURSE grpc_headers ${WORK_DIR}/moved/include/*grpc*)
if(grpc_headers)
  message(FATAL_ERROR "gRPC types are installed: ${grpc_headers}")
endif()

# Port 1 has no server.
execute_process(COMMAND ${WORK_DIR}/build/scan_and_list 127.0.0.1:1 default shopee
  RESULT_VARIABLE result ERROR_VARIABLE error)
if(NOT result EQUAL 1 OR NOT error MATCHES "failed to connect")
  message(FATAL_ERROR "the example ended ${result}: ${error}")
endif()
