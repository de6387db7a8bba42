#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "skulink/sellercenter/v1/seller_center_service.pb.h"
#include "tests/seller_center_simulator/shop_options.h"

namespace skulink::simulator {

// 1 to 64 of a-z, 0-9 and `-`.
bool IsIdempotencyKey(std::string_view text);

// A price that the protocol allows: currency, not below zero, four decimals.
bool IsPrice(const google::type::Money& price);

// Why a creation is refused; nullopt when it is not. `siblings` are the listings that its item has already.
std::optional<sellercenter::v1::WriteOutcome> CheckCreation(
    const sellercenter::v1::ItemCreation& creation, const std::vector<sellercenter::v1::Listing>& siblings,
    const ShopOptions& options);

}  // namespace skulink::simulator
