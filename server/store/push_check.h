#pragma once

#include <functional>
#include <string>

#include "server/store/merchants.h"
#include "server/store/session.h"

namespace skulink::store {

// Computes from listings and variants alone which pushes there must be, and tells `differs`, for people, what
// is not so: a value that is not planned, another one than the channel's rule gives, one that waits for
// nothing or is believed to be applied when the listing has another, one of a listing that is to have none.
// What is still to be planned (PlanSomeOfAll) is left out. `session` should be in a snapshot.
void CheckPushes(Session& session, const Merchant& merchant,
                 const std::function<void(const std::string&)>& differs);

}  // namespace skulink::store
