#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/errors.h"
#include "skulink/import.h"

namespace skulink {
namespace {

// What a file gives, read to its end.
struct Content {
  std::vector<v1::ImportRow> rows;
  std::vector<v1::RefusedRow> refused;
  absl::Status status;
};

class ClientImportFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "skulink-import-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  Content Read(const std::string& text, ImportFormat format) const {
    const std::filesystem::path path = directory_ / "file";
    std::ofstream(path, std::ios::binary) << text;
    Content content;
    absl::StatusOr<ImportSource> source = OpenImportFile(path.string(), format);
    content.status = source.status();
    while (content.status.ok()) {
      absl::StatusOr<std::optional<ImportEntry>> entry = (*source)();
      content.status = entry.status();
      if (!entry.ok() || !entry->has_value()) break;
      if ((*entry)->row.has_value()) content.rows.push_back(*(*entry)->row);
      content.refused.insert(content.refused.end(), (*entry)->refused.begin(), (*entry)->refused.end());
    }
    return content;
  }
  Content ReadJson(const std::string& text) const { return Read(text, ImportFormat::kJsonLines); }
  Content ReadCsv(const std::string& text) const { return Read(text, ImportFormat::kCsv); }

  std::filesystem::path directory_;
};

// `line field REASON`, one for each refused row.
std::vector<std::string> Refusals(const Content& content) {
  std::vector<std::string> texts;
  for (const v1::RefusedRow& refused : content.refused) {
    texts.push_back(std::to_string(refused.line()) + " " + refused.field() + " " +
                    ReasonName(refused.reason()));
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST_F(ClientImportFile, JsonLineBecomesAProduct) {
  const Content content = ReadJson(
      "\xEF\xBB\xBF"
      R"({"product_id":"p1","name":"Baju","variants":[{"variant_id":"v1","sku":" A-1 ","barcode":null,)"
      R"("price":19.99,"currency":"USD","stock":5,"option":"Merah"},{"variant_id":"v2","sku":null,"price":null,"stock":null}]})"
      "\r\n\n");

  ASSERT_TRUE(content.status.ok()) << content.status;
  EXPECT_EQ(Refusals(content), Texts());
  ASSERT_EQ(content.rows.size(), 1u);
  const v1::Product& product = content.rows[0].product();
  EXPECT_EQ(content.rows[0].line(), 1);
  EXPECT_EQ(product.product_id(), "p1");
  EXPECT_EQ(product.display_name(), "Baju");
  ASSERT_EQ(product.variants_size(), 2);
  EXPECT_EQ(product.variants(0).sku(), " A-1 ");
  EXPECT_EQ(product.variants(0).price().units(), 19);
  EXPECT_EQ(product.variants(0).price().nanos(), 990'000'000);
  EXPECT_EQ(product.variants(0).price().currency_code(), "USD");
  EXPECT_EQ(product.variants(0).stock(), 5);
  EXPECT_EQ(product.variants(0).option(), "Merah");
  EXPECT_EQ(product.variants(1).sku(), "");
  EXPECT_FALSE(product.variants(1).has_price());
  EXPECT_FALSE(product.variants(1).has_stock());
}

// `price,stock`, one text for each mask.
std::vector<std::string> KeptFields(const v1::ImportRow& row) {
  std::vector<std::string> texts;
  for (const auto& mask : row.kept_fields()) {
    std::string& text = texts.emplace_back();
    for (const std::string& path : mask.paths()) text += (text.empty() ? "" : ",") + path;
  }
  return texts;
}

TEST_F(ClientImportFile, KeysAndColumnsThatAreNotThereAreKept) {
  const Content json = ReadJson(
      R"({"product_id":"p","name":"n","variants":[{"variant_id":"v1","sku":"A","stock":null},{"variant_id":"v2","price":1}]})"
      "\n"
      R"({"product_id":"q","name":"n","variants":[{"variant_id":"v1","sku":"A"},{"variant_id":"v2","sku":null}]})"
      "\n"
      R"({"product_id":"r","name":"n","variants":[{"variant_id":"v","sku":"","barcode":"","price":null,"stock":1,"option":null}]})");
  ASSERT_EQ(json.rows.size(), 3u);
  EXPECT_EQ(KeptFields(json.rows[0]), (Texts{"barcode,price,option", "sku,barcode,stock,option"}));
  EXPECT_EQ(KeptFields(json.rows[1]), (Texts{"barcode,price,stock,option"})) << "the same for both";
  EXPECT_EQ(KeptFields(json.rows[2]), Texts());

  const Content csv = ReadCsv("product_id,name,variant_id,sku,option\np,n,v1,A,\n");
  ASSERT_EQ(csv.rows.size(), 1u);
  EXPECT_EQ(KeptFields(csv.rows[0]), Texts{"barcode,price,stock"});
}

TEST_F(ClientImportFile, AnUnknownCurrencyIsRefusedAlsoWithoutAPrice) {
  const Content json = ReadJson(
      R"({"product_id":"p","name":"n","variants":[{"variant_id":"v1","currency":"rupiah"},{"variant_id":"v2","currency":"IDR"}]})");
  EXPECT_EQ(Refusals(json), Texts{"1 variants[0].currency CURRENCY_UNKNOWN"});
  const Content csv =
      ReadCsv("product_id,name,variant_id,sku,price,currency\np,n,v1,A,,XYZ\np,n,v2,B,,IDR\n");
  EXPECT_EQ(Refusals(csv), Texts{"2 currency CURRENCY_UNKNOWN"});
}

TEST_F(ClientImportFile, AFileThatIsNoTextIsOneError) {
  using std::string_literals::operator""s;
  for (const std::string& start : {"\x1f\x8b\x08"s, "PK\x03\x04"s, "\xff\xfe{\0"s, "{\0\"\0"s,
                                   "\x7f"
                                   "ELF\x02\x01\x01\0"s}) {
    const absl::Status status = ReadJson(start + "more\n").status;
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_NE(status.message().find("UTF-8"), std::string::npos) << status;
  }
}

TEST_F(ClientImportFile, PriceKeepsDigitsThatADoubleLoses) {
  const Content content =
      ReadJson(R"({"product_id":"p","name":"n","variants":[{"variant_id":"v","price":922337203685.4775}]})");

  ASSERT_EQ(content.rows.size(), 1u) << Refusals(content).at(0);
  EXPECT_EQ(content.rows[0].product().variants(0).price().units(), 922337203685);
  EXPECT_EQ(content.rows[0].product().variants(0).price().nanos(), 477'500'000);
}

TEST_F(ClientImportFile, JsonVariantWithAWrongTypeIsLeftOut) {
  const std::string good = R"({"variant_id":"good"})";
  const Texts wrong = {
      R"("stock":5.0)",    R"("stock":"5")", R"("stock":true)", R"("stock":99999999999999999999)",
      R"("price":"10")",   R"("price":[1])", R"("sku":17)",     R"("barcode":899)",
      R"("price":1.23456)"};
  for (const std::string& field : wrong) {
    const Content content = ReadJson(R"({"product_id":"p","name":"n","variants":[)" + good +
                                     R"(,{"variant_id":"bad",)" + field + R"(}]})");

    ASSERT_EQ(content.refused.size(), 1u) << field;
    EXPECT_EQ(content.refused[0].field(), "variants[1]." + field.substr(1, field.find('"', 1) - 1)) << field;
    EXPECT_NE(content.refused[0].reason(), v1::ERROR_REASON_UNSPECIFIED) << field;
    EXPECT_EQ(content.refused[0].product_id(), "p") << field;
    EXPECT_EQ(content.refused[0].variant_id(), "bad") << field;
    ASSERT_EQ(content.rows.size(), 1u) << field;
    ASSERT_EQ(content.rows[0].product().variants_size(), 1) << field;
    EXPECT_EQ(content.rows[0].product().variants(0).variant_id(), "good") << field;
  }
}

TEST_F(ClientImportFile, JsonLinesThatCannotBeReadAreRefusedAndTheOthersGoOn) {
  using std::string_literals::operator""s;
  const Content content = ReadJson(
      "{\"product_id\":\"p1\",\"name\":\"broken\"\n"
      "[1,2]\n"
      "\"text\"\n"
      "{\"product_id\":7,\"name\":\"n\",\"variants\":[]}\n"
      "{\"product_id\":\"p5\",\"name\":\"\xff\",\"variants\":[]}\n"
      "{\"product_id\":\"p6\",\"name\":\"a\0b\",\"variants\":[]}\n"
      "{\"product_id\":\"p7\",\"name\":\"a\\u0000b\",\"variants\":[]}\n"
      "{\"product_id\":\"p8\",\"name\":\"n\",\"variants\":{}}\n"
      "{\"product_id\":\"p9\",\"name\":\"n\",\"variants\":[3]}\n"
      "{\"product_id\":\"p10\",\"name\":\"n\",\"colour\":{\"a\":[1]},\"variants\":[]}\n"
      "{\"product_id\":\"p11\",\"name\":\"n\",\"name\":\"m\",\"variants\":[]}\n"
      "{\"product_id\":\"p12\",\"name\":\"n\",\"variants\":[]} {}\n"
      "{\"product_id\":\"good\",\"name\":\"n\",\"variants\":[{\"variant_id\":\"v\"}]}"s);

  ASSERT_TRUE(content.status.ok()) << content.status;
  EXPECT_EQ(Refusals(content),
            (Texts{"1 name FORMAT_INVALID", "2 row FORMAT_INVALID", "3 row FORMAT_INVALID",
                   "4 product_id FORMAT_INVALID", "5 name TEXT_INVALID", "6 name TEXT_INVALID",
                   "7 name TEXT_INVALID", "8 variants FORMAT_INVALID", "9 variants[0] FORMAT_INVALID",
                   "10 colour FORMAT_INVALID", "11 name FORMAT_INVALID", "12 row FORMAT_INVALID"}));
  ASSERT_EQ(content.rows.size(), 1u);
  EXPECT_EQ(content.rows[0].line(), 13);
  EXPECT_EQ(content.rows[0].product().product_id(), "good");
}

TEST_F(ClientImportFile, LinesUpToFourMebibytesAreRead) {
  const auto line = [](std::size_t size) {
    std::string text = R"({"product_id":"p","variants":[],"name":")";
    return text + std::string(size - text.size() - 2, 'x') + "\"}";
  };
  constexpr std::size_t kLongest = 4 << 20;

  const Content content = ReadJson(line(kLongest) + "\n" + line(kLongest + 1) + "\n" + line(100));

  EXPECT_EQ(Refusals(content), Texts{"2 row FIELD_TOO_LONG"});
  ASSERT_EQ(content.rows.size(), 2u);
  EXPECT_EQ(content.rows[1].line(), 3);
}

TEST_F(ClientImportFile, CsvRowsOfOneProductBecomeOne) {
  const Content content = ReadCsv(
      "\xEF\xBB\xBFsku,product_id,name,variant_id,price,stock,option,currency,barcode\r\n"
      "\" A,1 \",p1,Baju,v1,19.99,5,\"Merah, XL\",USD,899\r\n"
      " A2,p1,,v2,,,,,\r\n"
      "\r\n"
      "A3,p2,\"Kaos \"\"polos\"\"\nhitam\",v1,150000,0,,,\r\n"
      "A4,p3,Topi,v1,,,,,");

  ASSERT_TRUE(content.status.ok()) << content.status;
  EXPECT_EQ(Refusals(content), Texts());
  ASSERT_EQ(content.rows.size(), 3u);
  const v1::ImportRow& baju = content.rows[0];
  EXPECT_EQ(baju.line(), 2);
  EXPECT_EQ(baju.product().product_id(), "p1");
  EXPECT_EQ(baju.product().display_name(), "Baju");
  ASSERT_EQ(baju.product().variants_size(), 2);
  EXPECT_EQ(baju.product().variants(0).sku(), " A,1 ");
  EXPECT_EQ(baju.product().variants(0).price().units(), 19);
  EXPECT_EQ(baju.product().variants(0).price().currency_code(), "USD");
  EXPECT_EQ(baju.product().variants(0).stock(), 5);
  EXPECT_EQ(baju.product().variants(0).option(), "Merah, XL");
  EXPECT_EQ(baju.product().variants(0).barcode(), "899");
  EXPECT_EQ(baju.product().variants(1).sku(), " A2") << "white space is kept";
  EXPECT_FALSE(baju.product().variants(1).has_price());
  EXPECT_FALSE(baju.product().variants(1).has_stock());
  ASSERT_EQ(baju.variant_lines_size(), 2);
  EXPECT_EQ(baju.variant_lines(0), 2);
  EXPECT_EQ(baju.variant_lines(1), 3);
  EXPECT_EQ(content.rows[1].line(), 5);
  EXPECT_EQ(content.rows[1].product().display_name(), "Kaos \"polos\"\nhitam");
  EXPECT_EQ(content.rows[2].line(), 7) << "a quoted cell went over two lines";
}

TEST_F(ClientImportFile, CsvRowsThatCannotBeReadAreRefusedAndTheOthersGoOn) {
  using std::string_literals::operator""s;
  const Content content = ReadCsv(
      "product_id,name,variant_id,sku,price,stock\n"
      "p1,Baju,v1,A1,12x,5\n"
      "p1,Baju,v2,A2,12,5.0\n"
      "p1,Kaos,v3,A3,12,5\n"
      "p1,Baju,v4,\xff,12,5\n"
      "p1,Baju,v5,A\0,12,5\n"
      "p1,Baju,v6,A6\n"
      "p1,Ba\"ju,v7,A7,12,5\n"
      "p1,Baju,v8,A8,12,5\n"s);

  EXPECT_EQ(Refusals(content), (Texts{"2 price FORMAT_INVALID", "3 stock FORMAT_INVALID",
                                      "4 name FORMAT_INVALID", "5 sku TEXT_INVALID", "6 sku TEXT_INVALID",
                                      "7 row FORMAT_INVALID", "8 row FORMAT_INVALID"}));
  EXPECT_EQ(content.refused.at(3).variant_id(), "v4");
  ASSERT_EQ(content.rows.size(), 1u);
  ASSERT_EQ(content.rows[0].product().variants_size(), 1);
  EXPECT_EQ(content.rows[0].product().variants(0).variant_id(), "v8");
  EXPECT_EQ(content.rows[0].variant_lines(0), 9);
}

TEST_F(ClientImportFile, QuoteThatIsNotClosedTakesOneRowOnly) {
  const Content content = ReadCsv(
      "product_id,name,variant_id,sku\n"
      "p1,\"Baju,v1,A1\n"
      "p2,Kaos,v1,A2\n"
      "p3,Topi,v1,A3\n");

  EXPECT_EQ(Refusals(content), Texts{"2 row FORMAT_INVALID"});
  ASSERT_EQ(content.rows.size(), 2u);
  EXPECT_EQ(content.rows[0].product().product_id(), "p2");
  EXPECT_EQ(content.rows[0].line(), 3);
}

TEST_F(ClientImportFile, CsvHeaderThatDoesNotFitIsAnErrorThatNamesTheColumn) {
  EXPECT_EQ(FieldOf(ReadCsv("product_id,name,variant_id\n").status), "sku");
  EXPECT_EQ(FieldOf(ReadCsv("product_id,name,variant_id,sku,colour\n").status), "colour");
  EXPECT_EQ(FieldOf(ReadCsv("product_id,name,variant_id,sku,sku\n").status), "sku");
  EXPECT_EQ(FieldOf(ReadCsv("").status), "header");
  EXPECT_EQ(ReadCsv("\n\nproduct_id,name,variant_id\n").status.message(),
            (directory_ / "file").string() + ":3: sku is missing: a column of that name");
  EXPECT_TRUE(ReadCsv("product_id,name,variant_id,sku\n").status.ok());
}

TEST_F(ClientImportFile, CsvProductWithTooManyVariantsIsKeptInBounds) {
  std::string text = "product_id,name,variant_id,sku\n";
  for (int i = 0; i < 3000; ++i) text += "p1,Baju,v" + std::to_string(i) + ",\n";

  const Content content = ReadCsv(text + "p2,Kaos,v1,\n");

  ASSERT_EQ(content.rows.size(), 2u);
  EXPECT_EQ(content.rows[0].product().variants_size(), 1001) << "enough to be refused for";
  EXPECT_EQ(content.rows[1].product().product_id(), "p2");
}

TEST_F(ClientImportFile, FileThatCannotBeReadIsAnError) {
  EXPECT_EQ(OpenImportFile((directory_ / "missing").string(), ImportFormat::kCsv).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_FALSE(OpenImportFile(directory_.string(), ImportFormat::kCsv).ok());
}

TEST_F(ClientImportFile, FormatIsToldByTheEnding) {
  EXPECT_EQ(*ImportFormatOf("a/pos.jsonl"), ImportFormat::kJsonLines);
  EXPECT_EQ(*ImportFormatOf("POS.CSV"), ImportFormat::kCsv);
  EXPECT_EQ(FieldOf(ImportFormatOf("pos.xlsx").status()), "file");
}

}  // namespace
}  // namespace skulink
