#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/integration/client_fake_server.h"

namespace skulink {
namespace {

// `count` products of `variants` variants each; lines from 1.
ImportSource Products(int count, int variants) {
  return [count, variants, line = 0]() mutable -> absl::StatusOr<std::optional<ImportEntry>> {
    if (line == count) return std::nullopt;
    ImportEntry entry;
    entry.row.emplace().set_line(++line);
    entry.row->mutable_product()->set_product_id(absl::StrCat("p", line));
    for (int i = 0; i < variants; ++i) {
      entry.row->mutable_product()->add_variants()->set_variant_id(absl::StrCat("v", i));
    }
    return entry;
  };
}

v1::ImportProductsResponse Answer(std::int64_t rows) {
  v1::ImportProductsResponse answer;
  answer.mutable_counts()->set_rows(rows);
  return answer;
}

TEST(ClientImport, RowsArriveInOrderInMessagesOfLimitedSize) {
  FakeServer server;
  std::vector<std::string> parents;
  std::vector<std::int64_t> lines;
  int largest = 0;
  server.catalog.import = [&](FakeCatalog::Stream& stream) {
    for (v1::ImportProductsRequest request; stream.Read(&request);) {
      parents.push_back(request.parent());
      int variants = 0;
      for (const v1::ImportRow& row : request.rows()) {
        lines.push_back(row.line());
        variants += row.product().variants_size();
      }
      largest = std::max(largest, variants);
      stream.Write(Answer(static_cast<std::int64_t>(lines.size())));
    }
    return absl::OkStatus();
  };
  server.Start();

  const absl::StatusOr<v1::ImportCounts> counts =
      server.Connect().ImportProducts("merchants/toko", Products(50, 900));

  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->rows(), 50);
  server.Stop();
  ASSERT_EQ(lines.size(), 50u);
  for (std::size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(lines[i], static_cast<std::int64_t>(i) + 1);
  EXPECT_LE(largest, 5000);
  ASSERT_GT(parents.size(), 1u);
  EXPECT_EQ(parents.front(), "merchants/toko");
  for (std::size_t i = 1; i < parents.size(); ++i) EXPECT_EQ(parents[i], "");
}

TEST(ClientImport, WhatWasNotAnsweredIsSentAgainAfterALostConnection) {
  FakeServer server;
  int streams = 0;
  std::vector<std::vector<std::int64_t>> lines_of_stream(2);
  server.catalog.import = [&](FakeCatalog::Stream& stream) {
    std::vector<std::int64_t>& lines = lines_of_stream.at(static_cast<std::size_t>(streams++));
    int messages = 0;
    for (v1::ImportProductsRequest request; stream.Read(&request);) {
      EXPECT_EQ(request.parent(), messages == 0 ? "merchants/toko" : "");
      for (const v1::ImportRow& row : request.rows()) lines.push_back(row.line());
      if (streams == 1 && messages == 1) return ServerIsGone();
      ++messages;
      stream.Write(Answer(static_cast<std::int64_t>(lines.size())));
    }
    return absl::OkStatus();
  };
  server.Start();

  const absl::StatusOr<v1::ImportCounts> counts =
      server.Connect().ImportProducts("merchants/toko", Products(40, 1000));

  ASSERT_TRUE(counts.ok()) << counts.status();
  server.Stop();
  EXPECT_EQ(streams, 2);
  EXPECT_EQ(counts->rows(), 40);
  EXPECT_EQ(lines_of_stream[1].front(), 6) << "the first message of five rows was answered";
  EXPECT_EQ(lines_of_stream[1].back(), 40);
}

TEST(ClientImport, RefusalOfTheWholeImportIsItsError) {
  FakeServer server;
  server.catalog.import = [](FakeCatalog::Stream& stream) {
    v1::ImportProductsRequest request;
    stream.Read(&request);
    return NotFound("merchants/toko");
  };
  server.Start();
  Client client = server.Connect();

  EXPECT_EQ(ReasonOf(client.ImportProducts("merchants/toko", Products(9, 1000)).status()),
            v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(ReasonOf(client.ImportProducts("merchants/toko", Products(0, 0)).status()),
            v1::ERROR_REASON_NOT_FOUND)
      << "the server is asked also when there is no row";
}

TEST(ClientImport, ProductThatIsTooLargeIsRefusedAndTheOthersAreSent) {
  FakeServer server;
  std::int64_t received = 0;
  server.catalog.import = [&](FakeCatalog::Stream& stream) {
    for (v1::ImportProductsRequest request; stream.Read(&request);) {
      received += request.rows_size();
      stream.Write(Answer(received));
    }
    return absl::OkStatus();
  };
  server.Start();
  const ImportSource source = [line = 0]() mutable -> absl::StatusOr<std::optional<ImportEntry>> {
    if (++line > 3) return std::nullopt;
    ImportEntry entry;
    entry.row.emplace().set_line(line);
    for (int i = 0; i < (line == 2 ? 1001 : 1); ++i) entry.row->mutable_product()->add_variants();
    return entry;
  };

  std::vector<v1::RefusedRow> refused;
  const absl::StatusOr<v1::ImportCounts> counts = server.Connect().ImportProducts(
      "merchants/toko", source, [&](const v1::ImportProductsResponse& progress) {
        refused.insert(refused.end(), progress.refused_rows().begin(), progress.refused_rows().end());
      });

  ASSERT_TRUE(counts.ok()) << counts.status();
  server.Stop();
  EXPECT_EQ(received, 2);
  EXPECT_EQ(counts->refused(), 1);
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].line(), 2);
  EXPECT_EQ(refused[0].field(), "variants");
}

TEST(ClientImport, ErrorOfTheSourceEndsTheImport) {
  FakeServer server;
  server.catalog.import = [](FakeCatalog::Stream& stream) {
    for (v1::ImportProductsRequest request; stream.Read(&request);) stream.Write(Answer(1));
    return absl::OkStatus();
  };
  server.Start();
  const ImportSource source = []() -> absl::StatusOr<std::optional<ImportEntry>> {
    return absl::DataLossError("disk is broken");
  };

  EXPECT_EQ(server.Connect().ImportProducts("merchants/toko", source).status().code(),
            absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace skulink
