#pragma once

#include <memory>

#include "seller_center_simulator/simulator_control.grpc.pb.h"

namespace skulink::simulator {

class SimulatedSellerCenter;

// Serves a shop's books, and changes of it, to tests in other processes.
std::unique_ptr<SimulatorControl::Service> MakeControlService(SimulatedSellerCenter& center);

}  // namespace skulink::simulator
