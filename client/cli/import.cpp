#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "client/cli/app.h"
#include "client/cli/rows.h"
#include "client/cli/terminal.h"
#include "common/errors.h"

namespace skulink::cli {
namespace {

const std::vector<Column> kColumns = {{"rows", "PRODUCTS", true},
                                      {"products_created", "CREATED", true},
                                      {"products_updated", "UPDATED", true},
                                      {"products_unchanged", "UNCHANGED", true},
                                      {"variants_created", "VARIANTS CREATED", true},
                                      {"variants_updated", "UPDATED", true},
                                      {"variants_unchanged", "UNCHANGED", true},
                                      {"refused", "REFUSED", true},
                                      {"seconds", "SECONDS", true}};

Row CountsRow(const v1::ImportCounts& counts, absl::Duration time) {
  Row row;
  row["rows"] = counts.rows();
  row["products_created"] = counts.products_created();
  row["products_updated"] = counts.products_updated();
  row["products_unchanged"] = counts.products_unchanged();
  row["variants_created"] = counts.variants_created();
  row["variants_updated"] = counts.variants_updated();
  row["variants_unchanged"] = counts.variants_unchanged();
  row["refused"] = counts.refused();
  row["seconds"] = static_cast<double>(absl::ToInt64Milliseconds(time)) / 1000;
  return row;
}

Row RefusedRow(const v1::RefusedRow& refused) {
  Row row;
  row["line"] = refused.line();
  row["field"] = refused.field();
  row["reason"] = ReasonName(refused.reason());
  row["description"] = refused.description();
  row["product_id"] = refused.product_id();
  row["variant_id"] = TextOrNull(refused.variant_id());
  return row;
}

std::string RefusedText(const std::string& path, const v1::RefusedRow& refused) {
  std::string text = absl::StrFormat("%s:%d: %s %s (%s)", path, refused.line(), refused.field(),
                                     refused.description(), ReasonName(refused.reason()));
  if (!refused.product_id().empty()) absl::StrAppendFormat(&text, " product %s", refused.product_id());
  if (!refused.variant_id().empty()) absl::StrAppendFormat(&text, " variant %s", refused.variant_id());
  return Escape(text);
}

// One line on a terminal, rewritten as the import goes on.
class ProgressLine {
 public:
  ~ProgressLine() { Clear(); }

  void Show(const v1::ImportCounts& counts) {
    if (!on_terminal_ || absl::Now() - shown_ < absl::Milliseconds(100)) return;
    shown_ = absl::Now();
    const double seconds = absl::ToDoubleSeconds(shown_ - start_);
    const std::string text =
        absl::StrFormat("%d products, %d refused, %.0f a second", counts.rows(), counts.refused(),
                        seconds > 0 ? static_cast<double>(counts.rows()) / seconds : 0.0);
    std::fprintf(stderr, "\r\x1b[2K%s", Cut(text, TerminalWidth(stderr) - 1).c_str());
  }
  void Clear() const {
    if (on_terminal_) std::fputs("\r\x1b[2K", stderr);
  }

 private:
  const bool on_terminal_ = IsTerminal(stderr);
  const absl::Time start_ = absl::Now();
  absl::Time shown_ = absl::InfinitePast();
};

struct Values {
  std::string file;
  std::optional<ImportFormat> format;
  std::string refused_file;
};

// The file of refused rows. It takes its name when all is written: an import that fails leaves what was there
// before, and one that refuses nothing leaves it empty. What is no regular file, a pipe say, is written to
// directly.
class RefusedFile {
 public:
  absl::Status Open(const std::string& path) {
    std::error_code error;
    target_ = std::filesystem::weakly_canonical(path, error);
    if (error) return absl::InvalidArgumentError(absl::StrCat("cannot write ", path, ": ", error.message()));
    direct_ = std::filesystem::exists(target_, error) && !std::filesystem::is_regular_file(target_, error);
    if (!direct_) part_ = absl::StrCat(target_.string(), ".part-", getpid());
    out_.open(direct_ ? target_ : part_);
    return out_ ? absl::OkStatus() : absl::InvalidArgumentError("cannot write " + path);
  }
  ~RefusedFile() {
    std::error_code ignored;
    if (!part_.empty()) std::filesystem::remove(part_, ignored);
  }

  bool is_open() const { return out_.is_open(); }
  void Write(const v1::RefusedRow& refused) {
    out_ << ToLine(RefusedRow(refused)) << '\n';
    any_ = true;
  }
  // An import that failed after some rows were refused still says which.
  absl::Status End(bool imported) {
    if (!is_open() || (!imported && !any_)) return absl::OkStatus();
    std::error_code error;
    if (out_.flush() && !direct_) std::filesystem::rename(part_, target_, error);
    return out_ && !error ? absl::OkStatus() : absl::DataLossError("cannot write " + target_.string());
  }

 private:
  std::filesystem::path target_, part_;
  std::ofstream out_;
  bool direct_ = false;
  bool any_ = false;
};

void Import(App& app, Client& client, const Values& values) {
  const absl::StatusOr<ImportFormat> format =
      values.format.has_value() ? *values.format : ImportFormatOf(values.file);
  if (!app.Check(format.status())) {
    app.exit_code = kUsage;
    return;
  }
  RefusedFile refused_file;
  if (!values.refused_file.empty()) {
    std::error_code differs;
    if (std::filesystem::equivalent(values.file, values.refused_file, differs)) {
      app.Check(absl::InvalidArgumentError("--refused names the file that is to be imported"));
      app.exit_code = kUsage;
      return;
    }
    // Nothing is made for an import that cannot begin.
    if (values.file != "-" && access(values.file.c_str(), R_OK) != 0) {
      app.Check(absl::ErrnoToStatus(errno, "cannot open " + values.file));
      return;
    }
    if (!app.Check(refused_file.Open(values.refused_file))) return;
  }

  const absl::Time start = absl::Now();
  absl::StatusOr<v1::ImportCounts> counts;
  {
    ProgressLine line;
    counts = client.ImportFile(app.MerchantResource(), values.file, *format,
                               [&](const v1::ImportProductsResponse& progress) {
                                 if (progress.refused_rows_size() > 0) line.Clear();
                                 for (const v1::RefusedRow& refused : progress.refused_rows()) {
                                   if (refused_file.is_open()) {
                                     refused_file.Write(refused);
                                   } else {
                                     std::fprintf(stderr, "%s\n", RefusedText(values.file, refused).c_str());
                                   }
                                 }
                                 line.Show(progress.counts());
                               });
  }
  const absl::Status written = refused_file.End(counts.ok());
  if (!app.Check(counts.status())) return;
  RowPrinter(app, kColumns).Print(CountsRow(*counts, absl::Now() - start));
  if (counts->refused() > 0) app.exit_code = kRowsRefused;
  app.Check(written);
}

}  // namespace

void AddImportCommand(CLI::App& root, App& app) {
  CLI::App* command =
      root.add_subcommand("import", "Import a POS catalogue; importing it again writes nothing");
  const auto values = std::make_shared<Values>();
  command
      ->add_option("FILE", values->file,
                   "What to import: .jsonl, .ndjson or .csv, in UTF-8; - reads the standard input")
      ->required();
  command->add_option("--format", values->format, "When the file's ending does not say it")
      ->transform(OneOf<ImportFormat>({{"jsonl", ImportFormat::kJsonLines}, {"csv", ImportFormat::kCsv}}))
      ->option_text("jsonl|csv");
  command->add_option("--refused", values->refused_file,
                      "Write refused rows to this file, as JSON Lines, instead of the standard error");
  command->footer(
      "JSON Lines: a product a line: {\"product_id\", \"name\", \"variants\": [{\"variant_id\", \"sku\", "
      "\"barcode\",\n"
      "\"price\", \"currency\", \"stock\", \"option\"}]}. All but ids and names may be absent, which leaves "
      "what is\nknown as it is, or null, which clears it.\n"
      "CSV: a variant a row, below a header with product_id, name, variant_id, sku and, if wanted, barcode, "
      "price,\n"
      "currency, stock, option, image_uris (with spaces between them). Without a column what is known stays; "
      "an empty\ncell clears it. Consecutive rows with one product_id are one product.\n"
      "Keys of --output jsonl: rows, products_created, products_updated, products_unchanged, "
      "variants_created,\n"
      "variants_updated, variants_unchanged, refused, seconds.\n"
      "Keys of --refused: line, field, reason, description, product_id, variant_id.");
  OnCommand(*command, app, [&app, values](Client client) { Import(app, client, *values); });
}

}  // namespace skulink::cli
