// The views whose rows are variants: Sold In Channel, Not In Channel, In POS.
#include <algorithm>
#include <tuple>

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

// Ranges of by_badges in one statement, at most.
constexpr int kSetsAtOnce = 500;
constexpr std::int64_t kSmallView = 2000;
// Products without a row of the view, and rows, that are looked through for a page, at most.
constexpr std::int64_t kLookedThroughByName = 4000;
constexpr std::int64_t kVariantsOfMost = 4;

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
  page.rows.reserve(rows.size());
  for (Placed& row : rows) page.rows.push_back(std::move(row.variant));
  return page;
}

// Variants of which badges there are: with at least one of `any_of`, and without at least one of `lacking`.
struct BadgeRule {
  Badges any_of, lacking;
};

struct BadgeSet {
  std::int64_t badges, variants;
  std::int64_t variants_of_all;  // sets, in the view or not
};

std::vector<BadgeSet> BadgeSets(Session& session, const Menu& menu, const BadgeRule& rule,
                                std::int64_t from) {
  std::vector<BadgeSet> sets;
  const auto any_of = static_cast<std::int64_t>(rule.any_of),
             lacking = static_cast<std::int64_t>(rule.lacking);
  session.Query(
      "SELECT badges, variants, (SELECT SUM(variants) FROM badge_count WHERE merchant_no = ?) FROM "
      "badge_count WHERE merchant_no = ? AND badges >= ? AND badges & ? <> 0 "
      "AND (? = 0 OR badges & ? <> ?) ORDER BY badges",
      {menu.merchant_number, menu.merchant_number, from, any_of, lacking, lacking, lacking},
      [&](const Row& row) {
        sets.push_back({row.Int(0), row.Int(1), row.Int(2)});
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

bool BeginsWith(std::string_view name, const std::string& folded_prefix) {
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

// Rows in the order of names, as they are found.
struct NamedRows {
  std::size_t wanted;
  PagePosition from;
  std::vector<Placed> rows = {};
  std::int64_t looked_through = 0;  // rows, and products without one
  bool all = false;                 // there are no more
};

// The rows of the product where `read` stands.
void ReadVariants(Session& session, const Menu& menu, const std::string& in_view, NamedRows& read) {
  session.Query(
      absl::StrCat("SELECT STRAIGHT_JOIN ", kColumns, " FROM variant v FORCE INDEX (PRIMARY)", kJoinProduct,
                   "WHERE v.merchant_no = ? AND v.product_no = ? AND v.variant_no > ? AND ", in_view,
                   " ORDER BY v.variant_no LIMIT ?"),
      {menu.merchant_number, Number(read.from, 1), Number(read.from, 2),
       static_cast<std::int64_t>(read.wanted - read.rows.size())},
      [&](const Row& row) {
        read.rows.push_back(FromRow(row));
        // It may have been renamed meanwhile.
        read.rows.back().name_key = read.from[0];
      });
}

// Reads on and looks through so many rows at most. One statement goes along the names, and a product without
// a variant in the view is a row too; it stops at the limit, which may be within a product.
void ReadByName(Session& session, const Menu& menu, const MenuQuery& query, const std::string& in_view,
                std::int64_t limit, NamedRows& read) {
  const std::string prefix = NameKeyPrefix(query.name_prefix), end = EndOfPrefix(prefix);
  const std::string folded = FoldCase(query.name_prefix);
  const bool longer_than_key = CodePoints(folded) > kNameKeyLength;
  const PagePosition from = read.from;
  const std::int64_t first_product = Number(from, 1), first_variant = Number(from, 2);
  const std::size_t before = read.rows.size();
  std::size_t before_last = before;
  std::int64_t found = 0;
  bool has_row = false;  // the last product
  session.Query(
      absl::StrCat(
          "SELECT STRAIGHT_JOIN ", kColumns,
          ", n.name_key, n.product_no FROM product n FORCE INDEX (by_name) LEFT JOIN variant v "
          "FORCE INDEX (PRIMARY) ON v.merchant_no = n.merchant_no AND v.product_no = n.product_no AND ",
          in_view,
          " LEFT JOIN product p FORCE INDEX (PRIMARY) ON p.merchant_no = v.merchant_no AND "
          "p.product_no = v.product_no WHERE n.merchant_no = ? AND n.name_key >= ? AND n.name_key < ? "
          "AND (n.name_key > ? OR n.product_no >= ?) ORDER BY n.name_key, n.product_no LIMIT ?"),
      {menu.merchant_number, Blob{std::max(prefix, from[0])}, Blob{end}, Blob{from[0]}, first_product, limit},
      [&](const Row& row) {
        const std::int64_t product = row.Int(15);
        if (found++ == 0 || product != Number(read.from, 1)) {
          before_last = read.rows.size();
          read.from = {row.String(14), row.String(15), product == first_product ? from[2] : "0"};
        }
        has_row = !row.IsNull(1) && (!longer_than_key || BeginsWith(row.Text(2), folded));
        if (!has_row || (product == first_product && row.Int(12) <= first_variant)) return;
        read.rows.push_back(FromRow(row));
      });
  read.looked_through += found;
  read.all = found < limit;
  if (!read.all && has_row) {
    // Some of the last product may be missing.
    read.rows.erase(read.rows.begin() + static_cast<std::ptrdiff_t>(before_last), read.rows.end());
    if (read.rows.size() < read.wanted) ReadVariants(session, menu, in_view, read);
  }
  std::sort(read.rows.begin() + static_cast<std::ptrdiff_t>(before), read.rows.end(),
            [](const Placed& a, const Placed& b) {
              return std::tie(a.name_key, a.product, a.number) < std::tie(b.name_key, b.product, b.number);
            });
  // From the next product on, so that the variants of this one are not looked through again.
  read.from[1] = absl::StrCat(Number(read.from, 1) + 1);
  read.from[2] = "0";
}

// Rows in the order of names. A page takes bounded work however few of those that are looked through are in
// the view: of about `share` it is known that they are.
MenuPage<MenuVariant> ByName(Session& session, const Menu& menu, const MenuQuery& query,
                             const std::string& in_view, double share) {
  NamedRows read{.wanted = static_cast<std::size_t>(query.limit) + 1,
                 .from = query.after.empty() ? PagePosition{"", "0", "0"} : query.after};
  // To be looked through for a row: itself, and products without one, were each of two or three variants.
  double for_row = 1 + (1 - share) * (1 - share) / (2.5 * share);
  while (!read.all && read.rows.size() < read.wanted && read.looked_through < kLookedThroughByName) {
    const auto missing = static_cast<double>(read.wanted - read.rows.size());
    ReadByName(session, menu, query, in_view,
               std::min(static_cast<std::int64_t>(missing * for_row) + kVariantsOfMost,
                        kLookedThroughByName - read.looked_through),
               read);
    for_row = static_cast<double>(read.looked_through) /
              static_cast<double>(std::max<std::size_t>(read.rows.size(), 1));
  }
  const bool full = read.rows.size() >= read.wanted;
  MenuPage<MenuVariant> page = MakePage(std::move(read.rows), query.limit, AfterName);
  if (!full && !read.all) page.next = read.from;
  return page;
}

MenuPage<MenuVariant> SoldSomewhere(Session& session, const Menu& menu, const MenuQuery& query,
                                    const BadgeRule& rule) {
  if (query.name_prefix.empty()) return BySku(session, menu, query, rule);
  const std::vector<BadgeSet> sets = BadgeSets(session, menu, rule, 0);
  std::int64_t variants = 0;
  for (const BadgeSet& set : sets) variants += set.variants;
  if (variants <= kSmallView) return SmallByName(session, menu, query, sets);
  std::string in_view = absl::StrCat("v.badges & ", rule.any_of, " <> 0");
  if (rule.lacking != 0) absl::StrAppend(&in_view, " AND v.badges & ", rule.lacking, " <> ", rule.lacking);
  return ByName(session, menu, query, in_view,
                static_cast<double>(variants) / static_cast<double>(sets.front().variants_of_all));
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
    if (!query.name_prefix.empty()) return ByName(session, menu, query, "TRUE", 1);
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
