#include <csv.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "client/cpp/import_rows.h"
#include "common/errors.h"
#include "common/money.h"

namespace skulink::internal {
namespace {

// A row of cells, or what is wrong with it.
struct CsvRow {
  std::int64_t line;  // where it begins
  std::vector<std::string> cells;
  absl::Status error;
};

// Reads rows, which may go over several lines. After a row that is not well-formed it goes on with the next
// line, so that a quote which is never closed does not take the rest of the file with it.
class CsvReader {
 public:
  explicit CsvReader(LineReader lines) : lines_(std::move(lines)) { StartParser(); }
  ~CsvReader() { csv_free(&parser_); }
  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  // nullopt at the end.
  absl::StatusOr<std::optional<CsvRow>> Next() {
    while (ready_.empty()) {
      SKULINK_ASSIGN_OR_RETURN(const bool more, ReadLine());
      if (!more) return std::nullopt;
    }
    CsvRow row = std::move(ready_.front());
    ready_.pop_front();
    return row;
  }

 private:
  struct OwnedLine {
    std::int64_t number;
    std::string text;
  };

  // Strict, and white space stays: a SKU is kept byte for byte.
  void StartParser() {
    csv_init(&parser_, CSV_STRICT);
    csv_set_space_func(&parser_, [](unsigned char) { return 0; });
  }
  // libcsv's ROW_NOT_BEGUN.
  bool InRow() const { return parser_.pstate != 0; }

  // False at the end of the file.
  absl::StatusOr<bool> ReadLine() {
    OwnedLine line;
    if (!again_.empty()) {
      line = std::move(again_.front());
      again_.pop_front();
    } else {
      SKULINK_ASSIGN_OR_RETURN(const std::optional<Line> read, lines_.Next());
      if (!read.has_value()) {
        if (open_.empty()) return false;
        RefuseOpenRow(v1::ERROR_REASON_FORMAT_INVALID, "has a quote that is not closed");
        return true;
      }
      if (read->too_long) {
        if (open_.empty()) open_.push_back({read->number, ""});
        open_.resize(1);
        RefuseOpenRow(v1::ERROR_REASON_FIELD_TOO_LONG, "is longer than 4 MiB");
        return true;
      }
      line = {read->number, std::string(read->text) + "\n"};
    }
    if (open_.empty() && (line.text == "\n" || line.text == "\r\n")) return true;
    open_bytes_ += line.text.size();
    open_.push_back(std::move(line));
    const std::string& text = open_.back().text;
    if (csv_parse(&parser_, text.data(), text.size(), &OnCell, &OnRowEnd, this) != text.size()) {
      RefuseOpenRow(v1::ERROR_REASON_FORMAT_INVALID, "has a quote where none can be");
    } else if (!InRow()) {
      open_.clear();
      open_bytes_ = 0;
    } else if (open_bytes_ > kMaxLineBytes) {
      RefuseOpenRow(v1::ERROR_REASON_FIELD_TOO_LONG, "is longer than 4 MiB; is a quote not closed?");
    }
    return true;
  }

  void RefuseOpenRow(v1::ErrorReason reason, std::string_view description) {
    ready_.push_back({open_.front().number, {}, InvalidField("row", reason, description)});
    again_.insert(again_.begin(), std::make_move_iterator(open_.begin() + 1),
                  std::make_move_iterator(open_.end()));
    open_.clear();
    open_bytes_ = 0;
    cells_.clear();
    csv_free(&parser_);
    StartParser();
  }

  static void OnCell(void* data, std::size_t size, void* self) {
    static_cast<CsvReader*>(self)->cells_.emplace_back(static_cast<const char*>(data), size);
  }
  static void OnRowEnd(int, void* self) {
    auto* reader = static_cast<CsvReader*>(self);
    reader->ready_.push_back({reader->open_.front().number, std::move(reader->cells_), absl::OkStatus()});
    reader->cells_.clear();
  }

  LineReader lines_;
  csv_parser parser_;
  std::vector<std::string> cells_;  // of the row being read
  std::vector<OwnedLine> open_;     // lines of the row being read
  std::size_t open_bytes_ = 0;
  std::deque<OwnedLine> again_;  // lines to be read once more, as rows of their own
  std::deque<CsvRow> ready_;
};

enum Column {
  kProductId,
  kName,
  kVariantId,
  kSku,
  kBarcode,
  kPrice,
  kCurrency,
  kStock,
  kOption,
  kImageUris,
  kColumns
};
constexpr std::array<std::string_view, kColumns> kColumnNames = {
    "product_id", "name",     "variant_id", "sku",    "barcode",
    "price",      "currency", "stock",      "option", "image_uris"};
constexpr int kRequiredColumns = kSku + 1;
constexpr int kMostVariants = 1001;  // one more than a product can have: enough to be refused for it

// Makes products of consecutive rows.
class CsvProducts {
 public:
  explicit CsvProducts(LineReader lines) : rows_(std::move(lines)) {}

  absl::Status ReadHeader() {
    SKULINK_ASSIGN_OR_RETURN(const std::optional<CsvRow> header, rows_.Next());
    if (!header.has_value()) {
      return InvalidField("header", v1::ERROR_REASON_FIELD_REQUIRED, "is missing: the file is empty");
    }
    header_line_ = header->line;
    SKULINK_RETURN_IF_ERROR(header->error);
    position_.fill(-1);
    columns_ = header->cells.size();
    for (std::size_t i = 0; i < columns_; ++i) {
      const std::string& name = header->cells[i];
      SKULINK_RETURN_IF_ERROR(CheckSendable(name, "header"));
      const auto* known = std::find(kColumnNames.begin(), kColumnNames.end(), name);
      if (known == kColumnNames.end()) {
        return InvalidField(
            name, v1::ERROR_REASON_FORMAT_INVALID,
            "is not a column that can be imported: product_id, name, variant_id, sku, barcode, "
            "price, currency, stock, option, image_uris");
      }
      int& position = position_[static_cast<std::size_t>(known - kColumnNames.begin())];
      if (position >= 0) return InvalidField(name, v1::ERROR_REASON_FORMAT_INVALID, "is a column twice");
      position = static_cast<int>(i);
    }
    for (std::size_t column = 0; column < kRequiredColumns; ++column) {
      if (position_[column] < 0) {
        return InvalidField(kColumnNames[column], v1::ERROR_REASON_FIELD_REQUIRED,
                            "is missing: a column of that name");
      }
    }
    for (const Column column : {kBarcode, kPrice, kStock, kOption}) {
      if (position_[column] < 0) kept_fields_.add_paths(std::string(kColumnNames[column]));
    }
    return absl::OkStatus();
  }

  std::int64_t header_line() const { return header_line_; }

  // The next product; nullopt at the end.
  absl::StatusOr<std::optional<ImportEntry>> Next() {
    ImportEntry entry;
    while (true) {
      if (!waiting_.has_value()) {
        SKULINK_ASSIGN_OR_RETURN(waiting_, rows_.Next());
        if (!waiting_.has_value()) break;
      }
      // A row that cannot be read belongs to no product.
      if (absl::Status error = CheckRow(*waiting_); !error.ok()) {
        entry.refused.push_back(RefusedRowOf(waiting_->line, error));
        waiting_.reset();
        if (entry.row.has_value() && entry.refused.size() < kMostVariants) continue;
        break;
      }
      if (entry.row.has_value() && Cell(*waiting_, kProductId) != entry.row->product().product_id()) break;
      Add(*waiting_, entry);
      waiting_.reset();
      // The rest of the product follows as another entry.
      if (entry.refused.size() >= kMostVariants) break;
    }
    if (!entry.row.has_value() && entry.refused.empty()) return std::nullopt;
    // Nothing is left that could be sent.
    if (entry.row.has_value() && entry.row->product().variants().empty()) entry.row.reset();
    return entry;
  }

 private:
  std::string_view Cell(const CsvRow& row, Column column) const {
    return position_[column] < 0 ? std::string_view()
                                 : row.cells[static_cast<std::size_t>(position_[column])];
  }

  absl::Status CheckRow(const CsvRow& row) const {
    SKULINK_RETURN_IF_ERROR(row.error);
    if (row.cells.size() != columns_) {
      return InvalidField("row", v1::ERROR_REASON_FORMAT_INVALID,
                          absl::StrCat("has ", row.cells.size(), " cells, the header has ", columns_));
    }
    return CheckSendable(Cell(row, kProductId), kColumnNames[kProductId]);
  }

  void Add(const CsvRow& row, ImportEntry& entry) const {
    if (!entry.row.has_value()) {
      entry.row.emplace().set_line(row.line);
      if (kept_fields_.paths_size() > 0) *entry.row->add_kept_fields() = kept_fields_;
      entry.row->mutable_product()->set_product_id(std::string(Cell(row, kProductId)));
    }
    v1::Product& product = *entry.row->mutable_product();
    if (product.variants_size() >= kMostVariants) return;
    absl::StatusOr<v1::Variant> variant = VariantOf(row, product);
    if (variant.ok()) {
      *product.add_variants() = *std::move(variant);
      entry.row->add_variant_lines(row.line);
      return;
    }
    v1::RefusedRow refused = RefusedRowOf(row.line, variant.status());
    refused.set_product_id(product.product_id());
    if (CheckSendable(Cell(row, kVariantId), "").ok())
      refused.set_variant_id(std::string(Cell(row, kVariantId)));
    entry.refused.push_back(std::move(refused));
  }

  // Also gives the product its name.
  absl::StatusOr<v1::Variant> VariantOf(const CsvRow& row, v1::Product& product) const {
    for (std::size_t column = 0; column < kColumns; ++column) {
      SKULINK_RETURN_IF_ERROR(CheckSendable(Cell(row, static_cast<Column>(column)), kColumnNames[column]));
    }
    const std::string_view name = Cell(row, kName);
    if (product.display_name().empty()) {
      product.set_display_name(std::string(name));
    } else if (!name.empty() && name != product.display_name()) {
      return InvalidField("name", v1::ERROR_REASON_FORMAT_INVALID,
                          "is another one than in the product's rows before");
    }
    // In the product's first row, or in any that has it.
    if (product.image_uris().empty()) {
      const std::string uris(Cell(row, kImageUris));
      for (std::string& uri : std::vector<std::string>(absl::StrSplit(uris, ' ', absl::SkipEmpty()))) {
        product.add_image_uris(std::move(uri));
      }
    }
    v1::Variant variant;
    variant.set_variant_id(std::string(Cell(row, kVariantId)));
    variant.set_sku(std::string(Cell(row, kSku)));
    variant.set_barcode(std::string(Cell(row, kBarcode)));
    variant.set_option(std::string(Cell(row, kOption)));
    std::optional<std::int64_t> amount;
    if (const std::string_view price = Cell(row, kPrice); !price.empty()) {
      SKULINK_ASSIGN_OR_RETURN(amount, ParseTenThousandths(price, "price"));
    }
    SKULINK_RETURN_IF_ERROR(SetPrice(variant, amount, std::string(Cell(row, kCurrency)), "currency"));
    if (const std::string_view stock = Cell(row, kStock); !stock.empty()) {
      SKULINK_ASSIGN_OR_RETURN(const std::int64_t units, ParseStock(stock, "stock"));
      variant.set_stock(units);
    }
    return variant;
  }

  CsvReader rows_;
  std::array<int, kColumns> position_{};  // of each column in a row; -1 when the file has none
  std::size_t columns_ = 0;
  std::int64_t header_line_ = 1;
  google::protobuf::FieldMask kept_fields_;  // those that the file has no column for
  std::optional<CsvRow> waiting_;
};

}  // namespace

absl::StatusOr<ImportSource> ReadCsv(LineReader lines) {
  const std::string path = lines.path();
  const auto products = std::make_shared<CsvProducts>(std::move(lines));
  if (const absl::Status header = products->ReadHeader(); !header.ok()) {
    absl::Status located(
        header.code(), absl::StrCat(path, ":", products->header_line(), ": ", std::string(header.message())));
    header.ForEachPayload([&](absl::string_view type_url, const absl::Cord& payload) {
      located.SetPayload(type_url, payload);
    });
    return located;
  }
  return ImportSource([products] { return products->Next(); });
}

}  // namespace skulink::internal
