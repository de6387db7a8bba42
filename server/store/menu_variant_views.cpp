// The views whose rows are variants: Sold In Channel, Not In Channel, In POS.
#include <algorithm>
#include <functional>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/text.h"
#include "server/store/key_range.h"
#include "server/store/menu_views.h"

namespace skulink::store {
namespace {

constexpr char kColumns[] =
    "p.product_id, v.variant_id, p.name, v.option_text, v.sku, v.barcode, v.price, v.currency, v.stock, "
    "v.badges, "
    "v.sku_key, v.product_no, v.variant_no, p.name_key";
constexpr char kJoinProduct[] =
    " JOIN product p ON p.merchant_no = v.merchant_no AND p.product_no = v.product_no ";

// Ranges of by_badges in one statement, and products looked through for a name, at most.
constexpr int kSetsAtOnce = 500;
constexpr std::int64_t kSmallView = 2000;
constexpr int kProductsLookedThrough = 4000;

// A row, and where it stands in each order a view can have.
struct Placed {
  MenuVariant variant;
  std::string sku_key, name_key;
  std::int64_t product = 0, number = 0;
};

Placed FromRow(const Row& row) {
  Placed placed{.variant = {.product_id = row.String(0),
                            .variant_id = row.String(1),
                            .product_name = row.String(2),
                            .option = row.String(3),
                            .sku = row.String(4),
                            .barcode = row.String(5),
                            .stock = row.OptionalInt(8),
                            .badges = static_cast<Badges>(row.Int(9))},
                .sku_key = row.String(10),
                .name_key = row.String(13),
                .product = row.Int(11),
                .number = row.Int(12)};
  if (!row.IsNull(6)) placed.variant.price = Money{row.Int(6), row.String(7)};
  return placed;
}

// Positions come from tokens; one that is not a number stands for the start.
std::int64_t Number(const PagePosition& position, std::size_t column) {
  std::int64_t number = 0;
  return column < position.size() && absl::SimpleAtoi(position[column], &number) ? number : 0;
}

PagePosition AfterSku(const Placed& row) { return {absl::StrCat(row.variant.badges), row.sku_key}; }
PagePosition AfterSkuInPos(const Placed& row) { return {row.sku_key}; }
PagePosition AfterNumber(const Placed& row) { return {absl::StrCat(row.product), absl::StrCat(row.number)}; }
PagePosition AfterName(const Placed& row) {
  return {row.name_key, absl::StrCat(row.product), absl::StrCat(row.number)};
}

// One row more than the page has was read, to know whether there is a next page.
MenuPage<MenuVariant> MakePage(std::vector<Placed> rows, int limit, PagePosition (*after)(const Placed&)) {
  MenuPage<MenuVariant> page;
  if (rows.size() > static_cast<std::size_t>(limit)) {
    rows.resize(limit);
    page.next = after(rows.back());
  }
  for (Placed& row : rows) page.rows.push_back(std::move(row.variant));
  return page;
}

// Variants of which badges there are: with at least one of `any_of`, and without at least one of `lacking`.
struct BadgeRule {
  Badges any_of, lacking;
};

struct BadgeSet {
  std::int64_t badges, variants;
};

std::vector<BadgeSet> BadgeSets(Session& session, const Menu& menu, const BadgeRule& rule,
                                std::int64_t from) {
  std::vector<BadgeSet> sets;
  const auto any_of = static_cast<std::int64_t>(rule.any_of),
             lacking = static_cast<std::int64_t>(rule.lacking);
  session.Query(
      "SELECT badges, variants FROM badge_count WHERE merchant_no = ? AND badges >= ? AND badges & ? <> 0 "
      "AND (? = 0 OR badges & ? <> ?) ORDER BY badges",
      {menu.merchant_number, from, any_of, lacking, lacking, lacking}, [&](const Row& row) {
        sets.push_back({row.Int(0), row.Int(1)});
      });
  return sets;
}

// Rows in the order of badges and SKU key, range by range.
MenuPage<MenuVariant> BySku(Session& session, const Menu& menu, const MenuQuery& query,
                            const BadgeRule& rule) {
  const std::string prefix = SkuKeyPrefix(query.sku_prefix, menu.sku_case);
  const std::string end = EndOfPrefix(prefix);
  const std::int64_t first_set = Number(query.after, 0);
  const std::string first_key = query.after.empty() ? std::string() : query.after[1];
  const std::vector<BadgeSet> sets = BadgeSets(session, menu, rule, first_set);
  std::vector<Placed> rows;
  const auto wanted = static_cast<std::size_t>(query.limit) + 1;
  for (auto set = sets.begin(); set != sets.end() && rows.size() < wanted;) {
    // Without a prefix the counts say how many ranges fill the page.
    std::vector<std::int64_t> whole;
    const bool in_first = !query.after.empty() && set->badges == first_set;
    const std::int64_t started = in_first ? first_set : -1;
    if (in_first) ++set;
    std::int64_t promised = 0;
    const auto missing = static_cast<std::int64_t>(wanted - rows.size());
    while (set != sets.end() && whole.size() < kSetsAtOnce && promised < missing) {
      if (prefix.empty()) promised += set->variants;
      whole.push_back((set++)->badges);
    }
    session.Query(
        absl::StrCat("SELECT STRAIGHT_JOIN ", kColumns, " FROM variant v FORCE INDEX (by_badges)",
                     kJoinProduct,
                     "WHERE v.merchant_no = ? AND ((v.badges = ? AND v.sku_key > ? AND v.sku_key >= ? AND "
                     "v.sku_key < ?) OR (v.badges IN (?) AND v.sku_key >= ? AND v.sku_key < ?)) "
                     "ORDER BY v.badges, v.sku_key LIMIT ?"),
        {menu.merchant_number, started, Blob{first_key}, prefix, Blob{end}, whole, prefix, Blob{end},
         missing},
        [&](const Row& row) { rows.push_back(FromRow(row)); });
  }
  return MakePage(std::move(rows), query.limit, AfterSku);
}

bool BeginsWith(const std::string& name, const std::string& folded_prefix) {
  return FoldCase(name).starts_with(folded_prefix);
}

// The few variants of a small view, filtered by name.
MenuPage<MenuVariant> SmallByName(Session& session, const Menu& menu, const MenuQuery& query,
                                  const std::vector<BadgeSet>& sets) {
  const std::string prefix = NameKeyPrefix(query.name_prefix), folded = FoldCase(query.name_prefix);
  const std::string end = EndOfPrefix(prefix);
  const PagePosition start = query.after.empty() ? PagePosition{"", "0", "0"} : query.after;
  std::vector<std::int64_t> badges;
  for (const BadgeSet& set : sets) badges.push_back(set.badges);
  std::vector<Placed> rows;
  session.Query(
      absl::StrCat("SELECT STRAIGHT_JOIN ", kColumns, " FROM variant v FORCE INDEX (by_badges)", kJoinProduct,
                   "WHERE v.merchant_no = ? AND v.badges IN (?) AND p.name_key >= ? AND p.name_key < ? "
                   "AND (p.name_key > ? OR (p.name_key = ? AND (p.product_no > ? OR (p.product_no = ? AND "
                   "v.variant_no > ?)))) ORDER BY p.name_key, p.product_no, v.variant_no"),
      {menu.merchant_number, badges, prefix, Blob{end}, Blob{start[0]}, Blob{start[0]}, Number(start, 1),
       Number(start, 1), Number(start, 2)},
      [&](const Row& row) {
        Placed placed = FromRow(row);
        if (BeginsWith(placed.variant.product_name, folded)) rows.push_back(std::move(placed));
      });
  return MakePage(std::move(rows), query.limit, AfterName);
}

struct NamedProduct {
  std::int64_t number;
  std::string name_key;
  bool matches;
};

// Products in the order of their names, from the position on.
std::vector<NamedProduct> ProductsByName(Session& session, const Menu& menu, const MenuQuery& query,
                                         const PagePosition& from, std::int64_t limit) {
  const std::string prefix = NameKeyPrefix(query.name_prefix), folded = FoldCase(query.name_prefix);
  const std::string first_key = std::max(prefix, from[0]), end = EndOfPrefix(prefix);
  std::vector<NamedProduct> products;
  session.Query(
      "SELECT product_no, name_key, name FROM product FORCE INDEX (by_name) WHERE merchant_no = ? AND "
      "name_key >= ? "
      "AND name_key < ? AND (name_key > ? OR product_no >= ?) ORDER BY name_key, product_no LIMIT ?",
      {menu.merchant_number, Blob{first_key}, Blob{end}, Blob{from[0]}, Number(from, 1), limit},
      [&](const Row& row) {
        products.push_back({row.Int(0), row.String(1), BeginsWith(row.String(2), folded)});
      });
  return products;
}

// Rows in the order of names: products are looked through in growing steps, so that a page takes bounded work
// however few of them are in the view.
MenuPage<MenuVariant> ByName(Session& session, const Menu& menu, const MenuQuery& query,
                             const std::function<bool(Badges)>& in_view) {
  PagePosition from = query.after.empty() ? PagePosition{"", "0", "0"} : query.after;
  std::vector<Placed> rows;
  const auto wanted = static_cast<std::size_t>(query.limit) + 1;
  std::int64_t step = query.limit + 1, looked_through = 0;
  bool more = true;
  while (more && rows.size() < wanted && looked_through < kProductsLookedThrough) {
    const std::vector<NamedProduct> products = ProductsByName(session, menu, query, from, step);
    more = static_cast<std::int64_t>(products.size()) == step;
    looked_through += static_cast<std::int64_t>(products.size());
    step = std::min<std::int64_t>(4 * step, kProductsLookedThrough);
    std::vector<std::int64_t> numbers;
    absl::flat_hash_map<std::int64_t, std::size_t> order;
    for (const NamedProduct& product : products) {
      order[product.number] = order.size();
      if (product.matches) numbers.push_back(product.number);
    }
    if (!numbers.empty()) {
      const std::size_t before = rows.size();
      session.Query(absl::StrCat("SELECT STRAIGHT_JOIN ", kColumns, " FROM variant v", kJoinProduct,
                                 "WHERE v.merchant_no = ? AND v.product_no IN (?)"),
                    {menu.merchant_number, numbers}, [&](const Row& row) {
                      if (!in_view(static_cast<Badges>(row.Int(9)))) return;
                      if (row.Int(11) == Number(from, 1) && row.Int(12) <= Number(from, 2)) return;
                      rows.push_back(FromRow(row));
                    });
      std::sort(rows.begin() + static_cast<std::ptrdiff_t>(before), rows.end(),
                [&](const Placed& a, const Placed& b) {
                  return std::pair(order[a.product], a.number) < std::pair(order[b.product], b.number);
                });
    }
    // Past the last product, whatever the number of its variants.
    if (!products.empty())
      from = {products.back().name_key, absl::StrCat(products.back().number), "2147483647"};
  }
  const bool full = rows.size() >= wanted;
  MenuPage<MenuVariant> page = MakePage(std::move(rows), query.limit, AfterName);
  if (!full && more) page.next = from;
  return page;
}

MenuPage<MenuVariant> SoldSomewhere(Session& session, const Menu& menu, const MenuQuery& query,
                                    const BadgeRule& rule) {
  if (query.name_prefix.empty()) return BySku(session, menu, query, rule);
  const std::vector<BadgeSet> sets = BadgeSets(session, menu, rule, 0);
  std::int64_t variants = 0;
  for (const BadgeSet& set : sets) variants += set.variants;
  if (variants <= kSmallView) return SmallByName(session, menu, query, sets);
  return ByName(session, menu, query, [&](Badges badges) {
    return (badges & rule.any_of) != 0 && (rule.lacking == 0 || (badges & rule.lacking) != rule.lacking);
  });
}

}  // namespace

absl::StatusOr<MenuPage<MenuVariant>> SoldInChannel(Database& database, const Menu& menu,
                                                    const MenuQuery& query) {
  return database.Read([&](Session& session) {
    return SoldSomewhere(session, menu, query, {.any_of = menu.asked, .lacking = 0});
  });
}

absl::StatusOr<MenuPage<MenuVariant>> NotInChannel(Database& database, const Menu& menu,
                                                   const MenuQuery& query) {
  if (menu.asked == 0) return MenuPage<MenuVariant>();
  return database.Read([&](Session& session) {
    return SoldSomewhere(session, menu, query, {.any_of = menu.all, .lacking = menu.asked});
  });
}

absl::StatusOr<MenuPage<MenuVariant>> InPos(Database& database, const Menu& menu, const MenuQuery& query) {
  return database.Read([&](Session& session) {
    if (!query.name_prefix.empty()) return ByName(session, menu, query, [](Badges) { return true; });
    std::vector<Placed> rows;
    const auto take = [&](const Row& row) { rows.push_back(FromRow(row)); };
    if (query.sku_prefix.empty()) {
      const std::int64_t product = Number(query.after, 0);
      session.Query(absl::StrCat("SELECT STRAIGHT_JOIN ", kColumns, " FROM variant v FORCE INDEX (PRIMARY)",
                                 kJoinProduct,
                                 "WHERE v.merchant_no = ? AND v.product_no >= ? AND (v.product_no > ? OR "
                                 "v.variant_no > ?) ORDER BY v.product_no, v.variant_no LIMIT ?"),
                    {menu.merchant_number, product, product, Number(query.after, 1), query.limit + 1}, take);
      return MakePage(std::move(rows), query.limit, AfterNumber);
    }
    const std::string prefix = SkuKeyPrefix(query.sku_prefix, menu.sku_case), end = EndOfPrefix(prefix);
    const std::string after = query.after.empty() ? std::string() : query.after[0];
    session.Query(
        absl::StrCat("SELECT STRAIGHT_JOIN ", kColumns, " FROM variant v FORCE INDEX (by_sku)", kJoinProduct,
                     "WHERE v.merchant_no = ? AND v.sku_key >= ? AND v.sku_key < ? AND v.sku_key > ? "
                     "ORDER BY v.sku_key LIMIT ?"),
        {menu.merchant_number, prefix, Blob{end}, Blob{after}, query.limit + 1}, take);
    return MakePage(std::move(rows), query.limit, AfterSkuInPos);
  });
}

}  // namespace skulink::store
