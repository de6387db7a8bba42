// What the model says of changes of the catalogue.
#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "tests/integration/menu_model.h"

namespace skulink {

using store::Product;
using store::Variant;

bool MenuModel::Create(const Product& product) {
  if (Find(product.id) != nullptr) return false;
  MenuModel after = *this;
  bool good = true, changed = false;
  Product& added = after.products.emplace_back(Product{.id = product.id, .name = product.name, .version = 1});
  for (const Variant& variant : product.variants) good = good && after.Put(added, variant, changed);
  if (good) products = std::move(after.products);
  return good;
}

bool MenuModel::Update(std::string_view product_id, const store::ProductChange& change) {
  const Product* const product = Find(product_id);
  if (product == nullptr || change.version.value_or(product->version) != product->version) return false;
  MenuModel after = *this;
  Product& now = *after.Find(product_id);
  if (change.name) now.name = *change.name;
  if (change.variants && !after.Replace(now, *change.variants)) return false;
  now.version += now.name != product->name || now.variants != product->variants;
  products = std::move(after.products);
  return true;
}

bool MenuModel::Delete(std::string_view product_id) {
  return std::erase_if(products, [&](const Product& product) { return product.id == product_id; }) > 0;
}

// The whole list: all old SKUs are given up first.
bool MenuModel::Replace(Product& product, const std::vector<Variant>& coming) {
  const auto in_coming = [&](const std::string& id) {
    return std::find_if(coming.begin(), coming.end(), [&](const Variant& one) { return one.id == id; });
  };
  std::erase_if(product.variants, [&](const Variant& old) { return in_coming(old.id) == coming.end(); });
  for (Variant& old : product.variants) old.sku.clear();
  bool good = true, changed = false;
  for (const Variant& variant : coming) good = good && Put(product, variant, changed);
  return good;
}

std::vector<std::string> MenuModel::Import(const std::vector<store::ImportRow>& rows) {
  std::vector<std::string> refused;
  const std::vector<Product> before = products;
  std::set<std::string> touched;
  for (const store::ImportRow& row : rows) ImportRow(row, refused, touched);
  for (Product& product : products) {
    const auto was = std::find_if(before.begin(), before.end(),
                                  [&](const Product& other) { return other.id == product.id; });
    if (was == before.end()) continue;
    // Written when it was changed on the way, also when back to what it was.
    product.version = was->version + touched.contains(product.id);
  }
  return refused;
}

void MenuModel::ImportRow(const store::ImportRow& row, std::vector<std::string>& refused,
                          std::set<std::string>& touched) {
  Product* product = Find(row.product.id);
  const bool is_new = product == nullptr;
  if (is_new) {
    product = &products.emplace_back(Product{.id = row.product.id, .name = row.product.name, .version = 1});
  } else if (product->name != row.product.name) {
    product->name = row.product.name;
    touched.insert(product->id);
  }
  const std::set<std::size_t> stuck = Stuck(row);
  const Product before = *product;
  for (std::size_t i = 0; i < row.product.variants.size(); ++i) {
    for (Variant& old : product->variants) {
      if (old.id == row.product.variants[i].id && !stuck.contains(i)) old.sku.clear();
    }
  }
  for (std::size_t i = 0; i < row.product.variants.size(); ++i) {
    const Variant& variant = row.product.variants[i];
    bool changed = false;
    if (stuck.contains(i)) {
      refused.push_back(absl::StrCat(row.line, " variants[", i, "].sku ", product->id, "/", variant.id));
    } else {
      EXPECT_TRUE(Put(*product, variant, changed));
    }
  }
  if (product->variants != before.variants) touched.insert(product->id);
  if (is_new && product->variants.empty()) products.pop_back();
}

// Which variants of the row cannot have their SKUs, since somebody keeps them: a variant that is not in the
// row, one that is stuck itself, or one before it in the row.
std::set<std::size_t> MenuModel::Stuck(const store::ImportRow& row) const {
  const std::vector<Variant>& coming = row.product.variants;
  const auto key = [&](const Variant& variant) { return Key(variant.sku); };
  std::set<std::size_t> stuck;
  for (std::size_t known = 1; known != stuck.size();) {
    known = stuck.size();
    const std::set<std::size_t> before = stuck;
    const auto leaves = [&](const Variant& old) {
      for (std::size_t i = 0; i < coming.size(); ++i) {
        if (coming[i].id == old.id) return !before.contains(i) && key(coming[i]) != key(old);
      }
      return false;
    };
    std::set<std::string> promised;
    for (std::size_t i = 0; i < coming.size(); ++i) {
      if (before.contains(i) || key(coming[i]).empty()) continue;
      bool is_free = true;
      for (const Product& product : products) {
        for (const Variant& old : product.variants) {
          const bool itself = product.id == row.product.id && old.id == coming[i].id;
          if (itself || key(old) != key(coming[i])) continue;
          is_free = is_free && product.id == row.product.id && leaves(old);
        }
      }
      if (!is_free || !promised.insert(key(coming[i])).second) stuck.insert(i);
    }
    if (stuck.empty()) break;
  }
  return stuck;
}

}  // namespace skulink
