#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/page_token.h"
#include "server/store/database.h"
#include "server/store/variant_choice.h"
#include "skulink/v1/inventory_service.pb.h"

namespace skulink::store {

struct PushQuery {
  std::optional<VariantChoice> variant;   // only of this one
  std::string channel_id;                 // only of this one; empty: of all
  std::vector<v1::PushOutcome> outcomes;  // only these; empty: all
  int limit = 0;
  PagePosition after;  // `next` of the page before
};
struct PushPage {
  std::vector<v1::Push> pushes;
  PagePosition next;  // empty: this was the last
};
inline constexpr std::size_t kPushPosition = 3;  // columns of a PagePosition

// By channel, then listing, then kind. With outcomes, a page ends after a few thousand rows were looked
// through. NOT_FOUND names the field `variant`, or the channel.
absl::StatusOr<PushPage> ListPushes(Database& database, std::string_view merchant_id, const PushQuery& query);

}  // namespace skulink::store
