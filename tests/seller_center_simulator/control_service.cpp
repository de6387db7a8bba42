#include "tests/seller_center_simulator/control_service.h"

#include "tests/seller_center_simulator/simulated_seller_center.h"

namespace skulink::simulator {
namespace {

class ControlService final : public SimulatorControl::Service {
 public:
  explicit ControlService(SimulatedSellerCenter& center) : center_(center) {}

  grpc::Status GetBooks(grpc::ServerContext*, const GetBooksRequest*, Books* books) override {
    *books = center_.AllBooks();
    return grpc::Status::OK;
  }

  grpc::Status ListListingBooks(grpc::ServerContext*, const ListListingBooksRequest* request,
                                grpc::ServerWriter<ListingBooks>* writer) override {
    for (const std::string& id : request->listing_ids()) writer->Write(center_.listing_books(id));
    if (!request->listing_ids().empty()) return grpc::Status::OK;
    for (const ListingBooks& books : center_.AllListingBooks()) writer->Write(books);
    return grpc::Status::OK;
  }

  grpc::Status ChangeShop(grpc::ServerContext*, const ChangeShopRequest* request,
                          ChangeShopResponse*) override {
    return center_.Change(*request);
  }

 private:
  SimulatedSellerCenter& center_;
};

}  // namespace

std::unique_ptr<SimulatorControl::Service> MakeControlService(SimulatedSellerCenter& center) {
  return std::make_unique<ControlService>(center);
}

}  // namespace skulink::simulator
