#include "server/store/rekey.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/errors.h"
#include "common/names.h"
#include "common/string_map.h"
#include "server/store/pushes.h"
#include "server/store/recount.h"
#include "server/store/times.h"
#include "server/store/variant_keys.h"

namespace skulink::store {
namespace {

constexpr int kRowsAtOnce = 2000;
// A server that is silent for so long has ended its turn.
constexpr absl::Duration kLease = absl::Seconds(15);
constexpr absl::Duration kPoll = absl::Milliseconds(100);

// One server's turn at a merchant that is marked. It ends when another server takes over, or the case is
// changed once more: its transactions are refused from then on.
class Turn {
 public:
  Turn(Database& database, Merchant merchant, std::int64_t token, std::stop_token stop)
      : database_(database), merchant_(std::move(merchant)), token_(token), stop_(std::move(stop)) {}
  // Whoever comes next need not wait for the lease of one that was interrupted.
  ~Turn() {
    renewal_ = {};
    const absl::Status given_back = database_.Transact([&](Session& session) {
      session.Execute("UPDATE merchant SET rekeying_until = 0 WHERE merchant_no = ? AND rekeying = ?",
                      {merchant_.number, token_});
    });
    given_back.IgnoreError();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  // Runs `body(session)` in a transaction of this turn.
  template <typename Body>
  auto Transact(const Body& body) const {
    return database_.Transact([&](Session& session) {
      const std::int64_t ours =
          session.Execute(absl::StrCat("UPDATE merchant SET rekeying_until = ", kDatabaseNow,
                                       " + ? WHERE merchant_no = ? AND rekeying = ?"),
                          {absl::ToInt64Microseconds(kLease), merchant_.number, token_});
      if (ours == 0) throw Refused(Rekeying(merchant_.id));
      if (stop_.stop_requested()) throw Refused(absl::CancelledError("stopped"));
      return body(session);
    });
  }

  Database& database() const { return database_; }
  const Merchant& merchant() const { return merchant_; }

 private:
  // Also while a long read is under way, which is no transaction of the turn.
  void Renew(const std::stop_token& stop) const {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    while (!stopped.wait_for(lock, stop, absl::ToChronoNanoseconds(kLease / 3), [] { return false; }) &&
           !stop.stop_requested()) {
      Transact([](Session&) {}).IgnoreError();  // the next transaction of the turn says what is wrong
    }
  }

  Database& database_;
  const Merchant merchant_;
  const std::int64_t token_;
  const std::stop_token stop_;
  std::jthread renewal_{[this](const std::stop_token& stop) { Renew(stop); }};
};
constexpr std::size_t kClashesNamed = 20;

struct Rekeyed {
  std::int64_t product, variant;
  VariantKeys keys;
};

// The next variants after (product, variant), with their new keys. Returns how many there were.
std::int64_t RekeyVariants(Session& session, const Merchant& merchant, std::int64_t& product,
                           std::int64_t& variant) {
  std::vector<Rekeyed> changed;
  std::int64_t seen = 0;
  const std::int64_t after_product = product, after_variant = variant;
  session.Query(
      "SELECT product_no, variant_no, sku, barcode, sku_key, loose_key, gtin_key FROM variant WHERE "
      "merchant_no "
      "= ? AND product_no >= ? AND (product_no > ? OR variant_no > ?) ORDER BY product_no, variant_no LIMIT "
      "?",
      {merchant.number, after_product, after_product, after_variant, kRowsAtOnce}, [&](const Row& row) {
        ++seen;
        product = row.Int(0);
        variant = row.Int(1);
        VariantKeys keys = KeysOf(row.Text(2), row.Text(3), merchant.sku_case);
        const VariantKeys stored{row.String(4), row.String(5), row.OptionalInt(6)};
        if (keys != stored) changed.push_back({product, variant, std::move(keys)});
      });
  for (const Rekeyed& row : changed) {
    session.Execute(
        "UPDATE variant SET sku_key = ?, loose_key = ?, gtin_key = ? WHERE merchant_no = ? AND product_no = "
        "? AND "
        "variant_no = ?",
        {NullWhenEmpty(row.keys.sku_key), NullWhenEmpty(row.keys.loose_key), row.keys.gtin_key,
         merchant.number, row.product, row.variant});
  }
  return seen;
}

std::int64_t RekeyListings(Session& session, const Merchant& merchant, int channel, std::string& listing_id) {
  std::vector<std::pair<std::string, std::string>> changed;
  std::int64_t seen = 0;
  const std::string after = listing_id;
  session.Query(
      "SELECT listing_id, seller_sku, sku_key FROM listing WHERE merchant_no = ? AND channel_no = ? "
      "AND listing_id > ? ORDER BY listing_id LIMIT ?",
      {merchant.number, channel, after, kRowsAtOnce}, [&](const Row& row) {
        ++seen;
        listing_id = row.String(0);
        std::string key = SkuKey(row.Text(1), merchant.sku_case);
        if (key != row.Text(2)) changed.emplace_back(listing_id, std::move(key));
      });
  for (const auto& [id, key] : changed) {
    session.Execute(
        "UPDATE listing SET sku_key = ? WHERE merchant_no = ? AND channel_no = ? AND listing_id = ?",
        {key, merchant.number, channel, id});
  }
  return seen;
}

// Runs `write(session, chunk)` for chunks of `rows`, each in a transaction.
template <typename RowType, typename Write>
absl::Status InChunks(const Turn& turn, const std::vector<RowType>& rows, const Write& write) {
  for (std::size_t first = 0; first < rows.size(); first += kRowsAtOnce) {
    const std::span<const RowType> chunk =
        std::span(rows).subspan(first, std::min<std::size_t>(kRowsAtOnce, rows.size() - first));
    SKULINK_RETURN_IF_ERROR(turn.Transact([&](Session& session) { write(session, chunk); }));
  }
  return absl::OkStatus();
}

absl::Status WriteKeys(const Turn& turn) {
  for (std::int64_t product = 0, variant = 0, seen = 1; seen > 0;) {
    const std::int64_t from_product = product, from_variant = variant;
    absl::StatusOr<std::int64_t> step = turn.Transact([&](Session& session) {
      product = from_product;  // a transaction can be run again
      variant = from_variant;
      return RekeyVariants(session, turn.merchant(), product, variant);
    });
    if (!step.ok()) return step.status();
    seen = *step;
  }
  SKULINK_ASSIGN_OR_RETURN(const std::vector<Channel> channels,
                           ListChannels(turn.database(), turn.merchant().id, "", kMaxChannels));
  for (const Channel& channel : channels) {
    std::string listing_id;
    for (std::int64_t seen = 1; seen > 0;) {
      const std::string from = listing_id;
      absl::StatusOr<std::int64_t> step = turn.Transact([&](Session& session) {
        listing_id = from;
        return RekeyListings(session, turn.merchant(), channel.number, listing_id);
      });
      if (!step.ok()) return step.status();
      seen = *step;
    }
  }
  return absl::OkStatus();
}

absl::Status WriteMatches(const Turn& turn, const Recount& right) {
  SKULINK_RETURN_IF_ERROR(InChunks(turn, right.wrong_in_pos, [&](Session& session, auto chunk) {
    PushPlanner planner(session, turn.merchant().number);
    for (const Recount::WrongInPos& row : chunk) {
      if (!row.right) planner.ListingLeft(row.channel, row.listing_id);
      session.Execute(
          "UPDATE listing SET in_pos = ? WHERE merchant_no = ? AND channel_no = ? AND listing_id = ?",
          {row.right, turn.merchant().number, row.channel, row.listing_id});
    }
    planner.Settle();
  }));
  return InChunks(turn, right.wrong_badges, [&](Session& session, auto chunk) {
    for (const Recount::WrongBadges& row : chunk) {
      session.Execute(
          "UPDATE variant SET badges = ? WHERE merchant_no = ? AND product_no = ? AND variant_no = ?",
          {row.right, turn.merchant().number, row.product, row.variant});
    }
  });
}

absl::Status WriteGroups(const Turn& turn, const Recount& right) {
  for (std::int64_t left = 1; left > 0;) {
    absl::StatusOr<std::int64_t> step = turn.Transact([&](Session& session) {
      return session.Execute("DELETE FROM multiple_listing WHERE merchant_no = ? LIMIT ?",
                             {turn.merchant().number, kRowsAtOnce});
    });
    if (!step.ok()) return step.status();
    left = *step;
  }
  for (const auto& [channel, groups] : right.multiple_listings) {
    const std::vector<std::pair<std::string, std::int64_t>> rows(groups.begin(), groups.end());
    const int channel_number = channel;
    SKULINK_RETURN_IF_ERROR(InChunks(turn, rows, [&](Session& session, auto chunk) {
      RowBatch batch("multiple_listing", "merchant_no, channel_no, sku_key, listings");
      for (const auto& [key, live] : chunk) {
        batch.Add(turn.merchant().number).Add(std::int64_t{channel_number}).Add(key).Add(live).EndRow();
      }
      session.Load(batch);
    }));
  }
  return absl::OkStatus();
}

// The last transaction: counts, the channels that are kept in step are to be planned anew, and the mark is
// taken away.
absl::Status WriteCounts(const Turn& turn, const Recount& right) {
  return turn.Transact([&](Session& session) {
    for (const auto& [channel, counts] : right.channels) {
      const std::array<std::int64_t, 12> n = Columns(counts);
      session.Execute(
          "UPDATE channel_count SET live = ?, inactive = ?, pending = ?, suspended = ?, deleted = ?, unknown "
          "= ?, "
          "not_in_pos = ?, live_items = ?, not_in_pos_items = ?, sold_variants = ?, sold_products = ?, "
          "multiple_listings = ? WHERE merchant_no = ? AND channel_no = ?",
          {n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], n[11], turn.merchant().number,
           channel});
    }
    session.Execute("DELETE FROM badge_count WHERE merchant_no = ?", {turn.merchant().number});
    for (const auto& [badges, variants] : right.badge_counts) {
      session.Execute("INSERT INTO badge_count (merchant_no, badges, variants) VALUES (?, ?, ?)",
                      {turn.merchant().number, badges, variants});
    }
    session.Execute(
        "UPDATE channel SET push_all_after = '' WHERE merchant_no = ? AND (stock_sync OR price_sync) AND NOT "
        "removing",
        {turn.merchant().number});
    session.Execute(
        "UPDATE merchant SET rekeying = 0, rekeying_until = 0, sku_revision = sku_revision + 1 WHERE "
        "merchant_no = ?",
        {turn.merchant().number});
  });
}

absl::Status Finish(const Turn& turn) {
  SKULINK_RETURN_IF_ERROR(WriteKeys(turn));
  // Nobody else writes while the mark is there, so the recount holds until it is written.
  absl::StatusOr<Recount> right = turn.database().ReadSnapshot(
      [&](Session& session) { return RecountMerchant(session, turn.merchant()); });
  if (!right.ok()) return right.status();
  SKULINK_RETURN_IF_ERROR(WriteMatches(turn, *right));
  SKULINK_RETURN_IF_ERROR(WriteGroups(turn, *right));
  return WriteCounts(turn, *right);
}

// The merchant, when it is marked and nobody else is at it.
std::optional<Merchant> TakeTurn(Session& session, std::string_view merchant_id, std::int64_t token,
                                 bool& marked) {
  Merchant merchant = LockMerchant(session, merchant_id, /*also_rekeying=*/true);
  const std::int64_t taken = session.Execute(
      absl::StrCat("UPDATE merchant SET rekeying = ?, rekeying_until = ", kDatabaseNow,
                   " + ? WHERE merchant_no = ? AND rekeying <> 0 AND rekeying_until < ", kDatabaseNow),
      {token, absl::ToInt64Microseconds(kLease), merchant.number});
  session.Query("SELECT rekeying <> 0 FROM merchant WHERE merchant_no = ?", {merchant.number},
                [&](const Row& row) { marked = row.Int(0) != 0; });
  return taken > 0 ? std::optional(std::move(merchant)) : std::nullopt;
}

}  // namespace

void RefuseClashes(Session& session, const Merchant& merchant, SkuCase sku_case) {
  StringMap<std::pair<std::int64_t, std::int64_t>> owners;
  std::vector<std::pair<std::int64_t, std::int64_t>> clashing;
  session.Stream(
      "SELECT product_no, variant_no, sku FROM variant WHERE merchant_no = ? AND sku_key IS NOT NULL",
      {merchant.number}, [&](const Row& row) {
        const std::pair self(row.Int(0), row.Int(1));
        const auto [owner, is_new] = owners.try_emplace(SkuKey(row.Text(2), sku_case), self);
        if (is_new || clashing.size() >= kClashesNamed) return;
        clashing.push_back(owner->second);
        clashing.push_back(self);
      });
  if (clashing.empty()) return;
  std::vector<std::string> names;
  for (const auto& [product, variant] : clashing) {
    session.Query(
        "SELECT p.product_id, v.variant_id, v.sku FROM variant v JOIN product p ON p.merchant_no = "
        "v.merchant_no "
        "AND p.product_no = v.product_no WHERE v.merchant_no = ? AND v.product_no = ? AND v.variant_no = ?",
        {merchant.number, product, variant}, [&](const Row& row) {
          names.push_back(absl::StrCat(ToString(VariantName{merchant.id, row.String(0), row.String(1)}), " (",
                                       row.String(2), ")"));
        });
  }
  throw Refused(
      Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SKU_CASE_CLASH,
            absl::StrCat("ignoring case would give these variants one SKU: ", absl::StrJoin(names, ", "))));
}

absl::Status FinishRekeying(Database& database, std::string_view merchant_id, const std::stop_token& stop) {
  absl::BitGen random;
  const auto token = absl::Uniform<std::int64_t>(random, 2, INT64_MAX);
  while (!stop.stop_requested()) {
    bool marked = false;
    absl::StatusOr<std::optional<Merchant>> ours =
        database.Transact([&](Session& session) { return TakeTurn(session, merchant_id, token, marked); });
    if (!ours.ok()) return ours.status();
    if (*ours) {
      const absl::Status status = Finish(Turn(database, **std::move(ours), token, stop));
      if (ReasonOf(status) != v1::ERROR_REASON_REKEYING) return status;  // else somebody took over
    } else if (!marked) {
      return absl::OkStatus();
    }
    absl::SleepFor(kPoll);
  }
  return absl::CancelledError("stopped");
}

absl::Status FinishAbandonedRekeying(Database& database, const std::stop_token& stop) {
  absl::StatusOr<std::vector<std::string>> marked = database.Read([&](Session& session) {
    std::vector<std::string> ids;
    session.Query(absl::StrCat("SELECT merchant_id FROM merchant WHERE rekeying <> 0 AND rekeying_until < ",
                               kDatabaseNow),
                  {}, [&](const Row& row) { ids.push_back(row.String(0)); });
    return ids;
  });
  if (!marked.ok()) return marked.status();
  for (const std::string& id : *marked) {
    spdlog::info("computing all keys of {} anew", ToString(MerchantName{id}));
    SKULINK_RETURN_IF_ERROR(FinishRekeying(database, id, stop));
  }
  return absl::OkStatus();
}

}  // namespace skulink::store
