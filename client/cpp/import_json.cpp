#include <algorithm>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "client/cpp/import_rows.h"
#include "common/errors.h"
#include "common/money.h"
#include "nlohmann/json.hpp"

namespace skulink::internal {
namespace {

// What stands for a field, not yet known to be right.
struct Scalar {
  enum class Kind { kNull, kBoolean, kInteger, kFraction, kText } kind;
  std::string text;  // of a number: its digits, exactly
};

// Builds one product from the parser's events, so that numbers keep their digits. What is wrong with a
// variant leaves out that variant; what is wrong with the product, the row.
class ProductBuilder : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit ProductBuilder(std::int64_t line) : line_(line) { entry_.row.emplace().set_line(line); }

  // After parsing.
  ImportEntry Finish() && {
    JoinKeptFields(*entry_.row->mutable_kept_fields());
    if (!row_error_.ok()) entry_.refused = {RefusedRowOf(line_, row_error_)};
    for (v1::RefusedRow& refused : entry_.refused) refused.set_product_id(product().product_id());
    const bool nothing_left = !entry_.refused.empty() && product().variants().empty();
    if (!row_error_.ok() || nothing_left) entry_.row.reset();
    return std::move(entry_);
  }

  void RefuseRow(const absl::Status& error) {
    if (row_error_.ok()) row_error_ = error;
  }
  // The place that the parser has come to: `variants[2].sku`.
  std::string Path() const {
    if (place_ == Place::kVariant)
      return absl::StrCat("variants[", index_, "]", key_.empty() ? "" : ".", key_);
    if (place_ == Place::kVariants) return absl::StrCat("variants[", index_, "]");
    if (place_ == Place::kImages)
      return absl::StrCat("image_uris[", entry_.row->product().image_uris_size(), "]");
    return key_.empty() ? "row" : key_;
  }

  bool null() override { return Value({Scalar::Kind::kNull, ""}); }
  bool boolean(bool) override { return Value({Scalar::Kind::kBoolean, ""}); }
  bool number_integer(number_integer_t value) override {
    return Value({Scalar::Kind::kInteger, absl::StrCat(value)});
  }
  bool number_unsigned(number_unsigned_t value) override {
    return Value({Scalar::Kind::kInteger, absl::StrCat(value)});
  }
  bool number_float(number_float_t, const string_t& text) override {
    return Value({Scalar::Kind::kFraction, text});
  }
  bool string(string_t& value) override { return Value({Scalar::Kind::kText, std::move(value)}); }
  bool binary(binary_t&) override { return false; }

  bool start_object(std::size_t) override {
    if (place_ == Place::kStart) {
      place_ = Place::kProduct;
    } else if (place_ == Place::kVariants) {
      place_ = Place::kVariant;
      variant_ = {};
      price_.reset();
      currency_.clear();
      variant_error_ = absl::OkStatus();
      variant_keys_.clear();
    } else {
      StartUnexpected("must not be an object");
    }
    key_.clear();
    return true;
  }
  bool end_object() override {
    if (place_ == Place::kVariant) {
      EndVariant();
    } else {
      EndUnexpected();
    }
    key_.clear();
    return true;
  }
  bool start_array(std::size_t) override {
    if (place_ == Place::kProduct && key_ == "variants") {
      place_ = Place::kVariants;
    } else if (place_ == Place::kProduct && key_ == "image_uris") {
      place_ = Place::kImages;
    } else {
      StartUnexpected("must not be an array");
    }
    return true;
  }
  bool end_array() override {
    if (place_ == Place::kVariants || place_ == Place::kImages) {
      place_ = Place::kProduct;
    } else {
      EndUnexpected();
    }
    key_.clear();
    return true;
  }
  bool key(string_t& name) override {
    if (place_ == Place::kUnexpected) return true;
    key_ = std::move(name);
    std::set<std::string>& keys = place_ == Place::kVariant ? variant_keys_ : product_keys_;
    if (!keys.insert(key_).second) Refuse("is there twice");
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    error_position_ = position;
    return false;
  }
  std::size_t error_position() const { return error_position_; }

 private:
  enum class Place { kStart, kProduct, kVariants, kVariant, kImages, kUnexpected };

  v1::Product& product() { return *entry_.row->mutable_product(); }

  // One mask when all are equal, as they nearly always are; none when that is empty.
  static void JoinKeptFields(google::protobuf::RepeatedPtrField<google::protobuf::FieldMask>& masks) {
    const auto differs = [&](const google::protobuf::FieldMask& mask) {
      return !std::equal(mask.paths().begin(), mask.paths().end(), masks[0].paths().begin(),
                         masks[0].paths().end());
    };
    if (masks.empty() || std::any_of(masks.begin(), masks.end(), differs)) return;
    masks.DeleteSubrange(1, masks.size() - 1);
    if (masks[0].paths().empty()) masks.Clear();
  }

  void Refuse(const absl::Status& error) {
    if (place_ != Place::kVariant) return RefuseRow(error);
    if (variant_error_.ok()) variant_error_ = error;
  }
  void Refuse(std::string_view description) {
    Refuse(InvalidField(Path(), v1::ERROR_REASON_FORMAT_INVALID, description));
  }

  // An object or array where none can be; its content does not count.
  void StartUnexpected(std::string_view description) {
    if (place_ == Place::kUnexpected) {
      ++depth_;
      return;
    }
    if (place_ == Place::kStart) {
      Refuse("must be a JSON object");
    } else {
      Refuse(description);
    }
    place_before_ = place_;
    place_ = Place::kUnexpected;
    depth_ = 1;
  }
  void EndUnexpected() {
    if (place_ == Place::kUnexpected && --depth_ == 0) place_ = place_before_;
  }

  void EndVariant() {
    if (absl::Status status =
            SetPrice(variant_, price_, currency_, absl::StrCat("variants[", index_, "].currency"));
        variant_error_.ok()) {
      variant_error_ = std::move(status);
    }
    if (variant_error_.ok()) {
      *product().add_variants() = std::move(variant_);
      google::protobuf::FieldMask& kept = *entry_.row->add_kept_fields();
      for (const char* field : {"sku", "barcode", "price", "stock", "option"}) {
        if (!variant_keys_.contains(field)) kept.add_paths(field);
      }
    } else {
      v1::RefusedRow refused = RefusedRowOf(line_, variant_error_);
      refused.set_variant_id(variant_.variant_id());
      entry_.refused.push_back(std::move(refused));
    }
    place_ = Place::kVariants;
    ++index_;
  }

  bool Value(const Scalar& value) {
    switch (place_) {
      case Place::kStart:
        RefuseRow(InvalidField("row", v1::ERROR_REASON_FORMAT_INVALID, "must be a JSON object"));
        break;
      case Place::kProduct:
        ProductValue(value);
        break;
      case Place::kVariants:
        RefuseRow(InvalidField(Path(), v1::ERROR_REASON_FORMAT_INVALID, "must be a JSON object"));
        break;
      case Place::kImages:
        if (value.kind == Scalar::Kind::kText) {
          SetText(value, product().add_image_uris());
        } else {
          Refuse("must be a string");
        }
        break;
      case Place::kVariant:
        if (const absl::Status status = VariantValue(value); !status.ok()) Refuse(status);
        break;
      case Place::kUnexpected:
        break;
    }
    return true;
  }

  void ProductValue(const Scalar& value) {
    if (key_ == "product_id") {
      SetText(value, product().mutable_product_id());
    } else if (key_ == "name") {
      SetText(value, product().mutable_display_name());
    } else if (key_ == "variants") {
      Refuse("must be an array");
    } else if (key_ == "image_uris") {
      if (value.kind != Scalar::Kind::kNull) Refuse("must be an array");
    } else {
      Refuse("is not a field of a product: product_id, name, image_uris, variants");
    }
  }

  absl::Status VariantValue(const Scalar& value) {
    if (key_ == "variant_id") {
      SetText(value, variant_.mutable_variant_id());
    } else if (key_ == "sku") {
      SetText(value, variant_.mutable_sku());
    } else if (key_ == "barcode") {
      SetText(value, variant_.mutable_barcode());
    } else if (key_ == "option") {
      SetText(value, variant_.mutable_option());
    } else if (key_ == "currency") {
      SetText(value, &currency_);
    } else if (key_ == "price") {
      if (value.kind == Scalar::Kind::kNull) return absl::OkStatus();
      if (value.kind != Scalar::Kind::kInteger && value.kind != Scalar::Kind::kFraction) {
        return InvalidField(Path(), v1::ERROR_REASON_FORMAT_INVALID, "must be a number");
      }
      SKULINK_ASSIGN_OR_RETURN(price_, ParseTenThousandths(value.text, Path()));
    } else if (key_ == "stock") {
      if (value.kind == Scalar::Kind::kNull) return absl::OkStatus();
      if (value.kind == Scalar::Kind::kText) {
        return InvalidField(Path(), v1::ERROR_REASON_FORMAT_INVALID, "must be a whole number");
      }
      SKULINK_ASSIGN_OR_RETURN(const std::int64_t stock, ParseStock(value.text, Path()));
      variant_.set_stock(stock);
    } else {
      Refuse("is not a field of a variant: variant_id, sku, barcode, price, currency, stock, option");
    }
    return absl::OkStatus();
  }

  // null clears the field; absent leaves it as it is known.
  void SetText(const Scalar& value, std::string* target) {
    if (value.kind == Scalar::Kind::kText) {
      if (const absl::Status status = CheckSendable(value.text, Path()); !status.ok()) return Refuse(status);
      *target = value.text;
    } else if (value.kind != Scalar::Kind::kNull) {
      Refuse("must be a string");
    }
  }

  const std::int64_t line_;
  ImportEntry entry_;
  Place place_ = Place::kStart;
  Place place_before_ = Place::kStart;
  int depth_ = 0;
  std::string key_;
  int index_ = 0;  // of the variant
  std::set<std::string> product_keys_, variant_keys_;
  v1::Variant variant_;
  std::optional<std::int64_t> price_;
  std::string currency_;
  absl::Status variant_error_;
  absl::Status row_error_;
  std::size_t error_position_ = 0;
};

ImportEntry ReadProduct(const Line& line) {
  ProductBuilder builder(line.number);
  if (line.too_long) {
    builder.RefuseRow(InvalidField("row", v1::ERROR_REASON_FIELD_TOO_LONG, "is longer than 4 MiB"));
  } else if (!nlohmann::json::sax_parse(line.text, &builder)) {
    const std::string path = builder.Path();
    // The parser stops at such characters too; they are the better reason.
    absl::Status error = CheckSendable(line.text, path);
    if (error.ok()) {
      error = InvalidField(path, v1::ERROR_REASON_FORMAT_INVALID,
                           absl::StrCat("is not valid JSON at column ", builder.error_position()));
    }
    builder.RefuseRow(error);
  }
  return std::move(builder).Finish();
}

}  // namespace

ImportSource ReadJsonLines(LineReader lines) {
  const auto reader = std::make_shared<LineReader>(std::move(lines));
  return [reader]() -> absl::StatusOr<std::optional<ImportEntry>> {
    while (true) {
      SKULINK_ASSIGN_OR_RETURN(const std::optional<Line> line, reader->Next());
      if (!line.has_value()) return std::nullopt;
      if (line->text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      return ReadProduct(*line);
    }
  };
}

}  // namespace skulink::internal
