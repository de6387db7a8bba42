#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/service_type.h>

#include <memory>
#include <vector>

#include "server/service/runtime.h"

namespace skulink {

// The services of skulink.v1. `runtime` must outlive them.
std::vector<std::unique_ptr<grpc::Service>> MakeServices(const Runtime& runtime);

}  // namespace skulink
