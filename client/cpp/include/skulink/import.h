#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "skulink/v1/catalog_service.pb.h"

namespace skulink {

// What a source of an import gives at a time: a product, rows that could not be read, or both.
struct ImportEntry {
  std::optional<v1::ImportRow> row;
  std::vector<v1::RefusedRow> refused = {};
};

// The next entry; nullopt at the end; a status when nothing more can be read.
using ImportSource = std::function<absl::StatusOr<std::optional<ImportEntry>>()>;

// Called with what was refused since the last call, and with the totals so far. Rows refused before they were
// sent are among them.
using OnImportProgress = std::function<void(const v1::ImportProductsResponse&)>;

enum class ImportFormat {
  // One product a line:
  // {"product_id","name","variants":[{"variant_id","sku","barcode","price","currency","stock",
  // "option"}]}. Numbers are JSON numbers. All but the ids and names may be absent, which leaves what is
  // known
  // as it is, or null, which clears it.
  kJsonLines,
  // One variant a row, below a header with the names product_id, name, variant_id, sku and, if wanted,
  // barcode, price, currency, stock, option, image_uris, in any order. A column that is not there leaves what
  // is
  // known as it is; an empty cell clears it. Consecutive rows with the same product_id are one product; its
  // name is in
  // the first of them, and in the others too or nowhere.
  kCsv,
};

// By the file's ending: .jsonl, .ndjson, .csv.
absl::StatusOr<ImportFormat> ImportFormatOf(std::string_view path);

// The rows of a UTF-8 file, or, named `-`, of the standard input, with or without a byte order mark. It is
// read while the import goes on, in bounded memory. Lines (with CSV: rows) longer than 4 MiB are refused.
// INVALID_ARGUMENT for a CSV header that cannot be used, and for a file that is compressed or binary.
absl::StatusOr<ImportSource> OpenImportFile(const std::string& path, ImportFormat format);

}  // namespace skulink
