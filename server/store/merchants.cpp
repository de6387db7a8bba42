#include "server/store/merchants.h"

#include "absl/random/random.h"
#include "common/errors.h"
#include "common/names.h"
#include "server/store/rekey.h"
#include "server/store/times.h"

namespace skulink::store {
namespace {

constexpr std::string_view kSelect =
    "SELECT merchant_no, merchant_id, display_name, currency, sku_case, version, create_time, update_time, "
    "rekeying, sku_revision, allow_negative_stock "
    "FROM merchant ";

Merchant FromRow(const Row& row) {
  return {.number = row.Int(0),
          .id = row.String(1),
          .display_name = row.String(2),
          .currency = row.String(3),
          .sku_case = static_cast<SkuCase>(row.Int(4)),
          .allow_negative_stock = row.Int(10) != 0,
          .version = row.Int(5),
          .sku_revision = row.Int(9),
          .create_time = absl::FromUnixMicros(row.Int(6)),
          .update_time = absl::FromUnixMicros(row.Int(7))};
}

std::optional<Merchant> Find(Session& session, std::string_view merchant_id) {
  std::optional<Merchant> found;
  session.Query(std::string(kSelect) + "WHERE merchant_id = ?", {merchant_id},
                [&](const Row& row) { found = FromRow(row); });
  return found;
}

Merchant Insert(Session& session, const Merchant& merchant) {
  // Random, so that two servers never make the same; 53 bits, so that every tool can show it.
  absl::BitGen random;
  const auto number = absl::Uniform<std::int64_t>(random, 1, std::int64_t{1} << 53);
  const std::int64_t now = Now();
  try {
    session.Execute(
        "INSERT INTO merchant (merchant_no, merchant_id, display_name, currency, sku_case, "
        "allow_negative_stock, version, create_time, update_time) VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)",
        {number, merchant.id, merchant.display_name, merchant.currency, static_cast<int>(merchant.sku_case),
         merchant.allow_negative_stock, now, now});
  } catch (const StoreError& error) {
    if (error.number() != kDuplicateKey) throw;
    throw Stale();  // another server made it meanwhile
  }
  return *Find(session, merchant.id);
}

template <typename KeyType>
Merchant Lock(Session& session, std::string_view column, const KeyType& key, std::string_view name,
              bool also_rekeying) {
  std::optional<Merchant> merchant;
  bool rekeying = false;
  session.Query(std::string(kSelect) + "WHERE " + std::string(column) + " = ? FOR UPDATE", {key},
                [&](const Row& row) {
                  merchant = FromRow(row);
                  rekeying = row.Int(8) != 0;
                });
  if (!merchant) throw Refused(NotFound(name));
  if (rekeying && !also_rekeying) throw Refused(Rekeying(merchant->id));
  return *std::move(merchant);
}

}  // namespace

Merchant RequireMerchant(Session& session, std::string_view merchant_id) {
  std::optional<Merchant> merchant = Find(session, merchant_id);
  if (!merchant) throw Refused(NotFound(ToString(MerchantName{std::string(merchant_id)})));
  return *std::move(merchant);
}

absl::Status Rekeying(std::string_view merchant_id) {
  return Unavailable(v1::ERROR_REASON_REKEYING,
                     "SKU keys of " + ToString(MerchantName{std::string(merchant_id)}) +
                         " are being computed anew after sku_case changed",
                     absl::Seconds(1));
}

absl::StatusOr<Merchant> CreateMerchant(Database& database, const Merchant& merchant) {
  return database.Transact([&](Session& session) {
    if (Find(session, merchant.id)) throw Refused(AlreadyExists(ToString(MerchantName{merchant.id})));
    return Insert(session, merchant);
  });
}

absl::StatusOr<Merchant> GetMerchant(Database& database, std::string_view merchant_id) {
  return database.Read([&](Session& session) { return RequireMerchant(session, merchant_id); });
}

absl::StatusOr<std::vector<Merchant>> ListMerchants(Database& database, std::string_view after_id,
                                                    int limit) {
  return database.Read([&](Session& session) {
    std::vector<Merchant> merchants;
    session.Query(std::string(kSelect) + "WHERE merchant_id > ? ORDER BY merchant_id LIMIT ?",
                  {after_id, limit}, [&](const Row& row) { merchants.push_back(FromRow(row)); });
    return merchants;
  });
}

absl::StatusOr<Merchant> UpdateMerchant(Database& database, std::string_view merchant_id,
                                        const MerchantChange& change) {
  absl::StatusOr<bool> rekey = database.Transact([&](Session& session) {
    // Also a merchant that was left half-way by a server that died: calling again goes on.
    Merchant merchant = LockMerchant(session, merchant_id, /*also_rekeying=*/true);
    if (change.version && *change.version != merchant.version) {
      throw Refused(EtagMismatch(ToString(MerchantName{merchant.id})));
    }
    const bool new_case = change.sku_case && *change.sku_case != merchant.sku_case;
    if (new_case) RefuseClashes(session, merchant, *change.sku_case);
    merchant.display_name = change.display_name.value_or(merchant.display_name);
    merchant.currency = change.currency.value_or(merchant.currency);
    merchant.sku_case = change.sku_case.value_or(merchant.sku_case);
    merchant.allow_negative_stock = change.allow_negative_stock.value_or(merchant.allow_negative_stock);
    session.Execute(
        "UPDATE merchant SET display_name = ?, currency = ?, sku_case = ?, allow_negative_stock = ?, "
        "rekeying = IF(?, 1, rekeying), "
        "rekeying_until = IF(?, 0, rekeying_until), version = version + 1, update_time = ? WHERE merchant_no "
        "= ?",
        {merchant.display_name, merchant.currency, static_cast<int>(merchant.sku_case),
         merchant.allow_negative_stock, new_case, new_case, Now(), merchant.number});
    return change.sku_case.has_value();
  });
  if (!rekey.ok()) return rekey.status();
  if (*rekey) SKULINK_RETURN_IF_ERROR(FinishRekeying(database, merchant_id));
  return GetMerchant(database, merchant_id);
}

absl::Status EnsureDefaultMerchant(Database& database) {
  return database.Transact([](Session& session) {
    if (Find(session, "default")) return;
    Insert(session, {.id = "default", .display_name = "Default", .currency = "IDR"});
  });
}

Merchant LockMerchant(Session& session, std::string_view merchant_id, bool also_rekeying) {
  return Lock(session, "merchant_id", merchant_id, ToString(MerchantName{std::string(merchant_id)}),
              also_rekeying);
}

Merchant LockMerchant(Session& session, std::int64_t merchant_number) {
  return Lock(session, "merchant_no", merchant_number, "merchant", false);
}

}  // namespace skulink::store
