// The catalogue that is measured. Channel 0 holds the rare classes: it lacks 30 variants, has 20 listings
// that are not in the POS and 40 SKUs with two listings. The others have 95 to 70 % of the variants, 5 % of
// listings that are not in the POS, two in five of them with a SKU like a variant's, and 1 % of SKUs with two
// listings.
#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <stdexcept>

#include "absl/strings/str_format.h"
#include "tests/bench/bench.h"

namespace skulink::bench {
namespace {

constexpr std::array kGoods = {"Kaos", "Kemeja", "Celana", "Rok",      "Jaket", "Sepatu", "Sandal",
                               "Tas",  "Topi",   "Batik",  "Kerudung", "Gamis", "Sarung", "Dompet",
                               "Jam",  "Gelas",  "Piring", "Panci",    "Lampu", "Bantal"};
constexpr std::array kKinds = {"Polos", "Lengan Panjang", "Anak", "Wanita", "Pria", "Motif", "Premium"};
constexpr std::array kOptions = {"S", "M", "L", "XL", "XXL"};

std::uint64_t Mix(std::uint64_t a, std::uint64_t b) {
  std::uint64_t z = a * 0x9e3779b97f4a7c15 + b * 0xd1b54a32d192ed03 + 0x2545f4914f6cdd1d;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// True for about `percent` of all numbers.
bool Chance(std::uint64_t number, std::uint64_t salt, double percent) {
  return static_cast<double>(Mix(number, salt) % 1'000'000) < percent * 10'000;
}

// True for about `count` of `of` numbers, and with another `shift` for others.
bool OneOfFew(int number, int count, int of, int shift) { return number % std::max(1, of / count) == shift; }

struct Variant {
  int number, product, option;
  std::string name, sku;
  int price;
};

// One to five variants a product, 3.3 on average.
int VariantsOf(int product) { return 1 + static_cast<int>(Mix(product, 1) % 20 * 5 / 17) % 5; }

template <typename Take>
void ForEachVariant(int variants, Take take) {
  for (int number = 0, product = 0; number < variants; ++product) {
    const std::uint64_t random = Mix(product, 2);
    const std::string good = kGoods[random % kGoods.size()];
    const std::string name =
        absl::StrFormat("%s %s %06d", good, kKinds[(random >> 16) % kKinds.size()], product);
    for (int option = 0; option < VariantsOf(product) && number < variants; ++option, ++number) {
      take(Variant{.number = number,
                   .product = product,
                   .option = option,
                   .name = name,
                   .sku = absl::StrFormat("%s-%06d-%s", good.substr(0, 3), product, kOptions[option]),
                   .price = 5000 + static_cast<int>(random % 500) * 500});
    }
  }
}

std::ofstream Open(const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot write " + path);
  return file;
}

void WritePos(const std::string& folder, int variants) {
  std::ofstream file = Open(folder + "/pos.jsonl");
  int product = -1;
  ForEachVariant(variants, [&](const Variant& variant) {
    if (variant.product != product) {
      if (product >= 0) file << "]}\n";
      product = variant.product;
      file << absl::StrFormat(R"({"product_id":"p%d","name":"%s","variants":[)", product, variant.name);
    } else {
      file << ',';
    }
    file << absl::StrFormat(
        R"({"variant_id":"v%d","sku":"%s","barcode":"899%010d","price":%d,"stock":%d,"option":"%s"})",
        variant.option, variant.sku, variant.number, variant.price, variant.number % 200,
        kOptions[variant.option]);
  });
  file << "]}\n";
}

// That no variant has: none, one of its own, or one like the variant's.
std::string StrangeSku(const Variant& variant, int channel) {
  std::string sku = variant.sku;
  switch (variant.number % 5) {
    case 0:
      return "";
    case 1:
      std::replace(sku.begin(), sku.end(), '-', '_');
      return sku;
    case 2:
      return "0" + sku;
    default:
      return absl::StrFormat("ONLY-%d-%d", channel, variant.number);
  }
}

class ChannelFile {
 public:
  ChannelFile(const std::string& path, int channel, bool changed)
      : file_(Open(path)), channel_(channel), changed_(changed) {}

  void Write(const Variant& variant, std::string_view kind, const std::string& sku) {
    const bool live = channel_ == 0 || Chance(variant.number, 30 + channel_, 97);
    // Three in four of the changed have another stock, one another SKU.
    const bool changes = changed_ && Chance(variant.number, 50, 1);
    const bool sku_changes = changes && Chance(variant.number, 51, 25);
    file_ << absl::StrFormat(
        R"({"listing_id":"%d-%07d%s","item_id":"%d-%d","name":"%s %s","seller_sku":"%s%s","price":%d,"stock":%d,)"
        R"("status":"%s","gtin":"899%010d"})"
        "\n",
        channel_, variant.number, kind, channel_, variant.product, variant.name, kOptions[variant.option],
        sku, sku_changes ? "-NEW" : "", variant.price, variant.number % 200 + changes,
        live ? "active" : "inactive", variant.number);
  }

 private:
  std::ofstream file_;
  int channel_;
  bool changed_;
};

void WriteChannel(const std::string& path, int variants, int channel, bool changed) {
  ChannelFile file(path, channel, changed);
  const bool rare = channel == 0;
  const double listed = channel == 1 ? 95 : 100 - 5 * std::min(channel, 6);
  ForEachVariant(variants, [&](const Variant& variant) {
    const int number = variant.number;
    const bool is_listed = rare ? !OneOfFew(number, 30, variants, 7) : Chance(number, 10 + channel, listed);
    if (is_listed) file.Write(variant, "", variant.sku);
    if (is_listed && (rare ? OneOfFew(number, 40, variants, 5) : Chance(number, 60 + channel, 1))) {
      file.Write(variant, "-again", variant.sku);
    }
    if (rare ? OneOfFew(number, 20, variants, 3) : Chance(number, 20 + channel, 5)) {
      file.Write(variant, "-extra", StrangeSku(variant, channel));
    }
  });
}

}  // namespace

void Generate(const std::string& folder, int variants, int channels) {
  WritePos(folder, variants);
  for (int channel = 0; channel < channels; ++channel) {
    WriteChannel(absl::StrFormat("%s/channel.%d.jsonl", folder, channel), variants, channel, false);
  }
  WriteChannel(folder + "/channel.0.changed.jsonl", variants, 0, true);
}

}  // namespace skulink::bench
