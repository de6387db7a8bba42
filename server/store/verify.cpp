#include "server/store/verify.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/names.h"
#include "server/store/merchants.h"
#include "server/store/push_check.h"
#include "server/store/recount.h"

namespace skulink::store {
namespace {

constexpr std::size_t kReported = 100;

class Verification {
 public:
  explicit Verification(VerifyReport& report) : report_(report) {}

  void Check(Session& session, const Merchant& merchant) {
    merchant_ = ToString(MerchantName{merchant.id});
    const Recount right = RecountMerchant(session, merchant);
    ++report_.merchants;
    report_.variants += right.variants;
    report_.listings += right.listings;
    for (const std::string& text : right.wrong_rows) Differs(text);
    for (const auto& wrong : right.wrong_badges) {
      Differs(absl::StrCat("badges of variant ", wrong.product, "/", wrong.variant, ": stored ", wrong.stored,
                           ", right is ", wrong.right));
    }
    for (const auto& wrong : right.wrong_in_pos) {
      Differs(absl::StrCat("listing ", wrong.listing_id, " of channel ", wrong.channel, " is ",
                           wrong.right ? "" : "not ", "in POS"));
    }
    CheckCounts(session, merchant, right);
    CheckMultipleListings(session, merchant, right);
    CheckBadgeCounts(session, merchant, right);
    CheckPushes(session, merchant, [this](const std::string& text) { Differs(text); });
  }

 private:
  void Differs(const std::string& text) {
    ++report_.differences;
    if (report_.first_differences.size() < kReported) {
      report_.first_differences.push_back(absl::StrCat(merchant_, ": ", text));
    }
  }

  void CheckCounts(Session& session, const Merchant& merchant, const Recount& right) {
    std::map<int, ChannelCounts> missing(right.channels);
    session.Query(
        absl::StrCat("SELECT channel_no, ", kChannelCountColumns,
                     " FROM channel_count WHERE merchant_no = ?"),
        {merchant.number}, [&](const Row& row) {
          const int channel = static_cast<int>(row.Int(0));
          std::array<std::int64_t, 12> stored;
          for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = row.Int(static_cast<int>(i) + 1);
          const auto found = right.channels.find(channel);
          const std::array<std::int64_t, 12> expected =
              Columns(found == right.channels.end() ? ChannelCounts() : found->second);
          missing.erase(channel);
          if (stored == expected) return;
          Differs(absl::StrCat("counts of channel ", channel, " (", kChannelCountColumns, "): stored ",
                               absl::StrJoin(stored, " "), ", right is ", absl::StrJoin(expected, " ")));
        });
    for (const auto& [channel, counts] : missing) Differs(absl::StrCat("no counts of channel ", channel));
  }

  void CheckMultipleListings(Session& session, const Merchant& merchant, const Recount& right) {
    std::map<int, StringMap<std::int64_t>> missing(right.multiple_listings);
    session.Query(
        "SELECT channel_no, sku_key, listings FROM multiple_listing WHERE merchant_no = ?", {merchant.number},
        [&](const Row& row) {
          StringMap<std::int64_t>& groups = missing[static_cast<int>(row.Int(0))];
          const auto group = groups.find(row.Text(1));
          if (group == groups.end() || group->second != row.Int(2)) {
            Differs(absl::StrCat("multiple listing of key ", row.String(1), " on channel ", row.Int(0)));
          }
          if (group != groups.end()) groups.erase(group);
        });
    for (const auto& [channel, groups] : missing) {
      for (const auto& [key, live] : groups) {
        Differs(absl::StrCat("no multiple listing of key ", key, " on channel ", channel));
      }
    }
  }

  void CheckBadgeCounts(Session& session, const Merchant& merchant, const Recount& right) {
    std::map<std::int64_t, std::int64_t> stored;
    session.Query("SELECT badges, variants FROM badge_count WHERE merchant_no = ? AND variants <> 0",
                  {merchant.number}, [&](const Row& row) { stored[row.Int(0)] = row.Int(1); });
    if (stored == right.badge_counts) return;
    const auto text = [](const std::map<std::int64_t, std::int64_t>& counts) {
      return absl::StrJoin(counts, " ", absl::PairFormatter(":"));
    };
    Differs(absl::StrCat("badge counts: stored ", text(stored), ", right is ", text(right.badge_counts)));
  }

  VerifyReport& report_;
  std::string merchant_;
};

}  // namespace

absl::StatusOr<VerifyReport> Verify(Database& database) {
  VerifyReport report;
  std::string last;
  while (true) {
    SKULINK_ASSIGN_OR_RETURN(const std::vector<Merchant> merchants, ListMerchants(database, last, 100));
    if (merchants.empty()) return report;
    for (const Merchant& merchant : merchants) {
      absl::StatusOr<VerifyReport> checked = database.ReadSnapshot([&](Session& session) {
        VerifyReport sum(report);
        // As it is in the snapshot: its sku_case may have changed since it was listed.
        Verification(sum).Check(session, RequireMerchant(session, merchant.id));
        return sum;
      });
      if (!checked.ok()) return checked.status();
      report = *std::move(checked);
    }
    last = merchants.back().id;
  }
}

}  // namespace skulink::store
