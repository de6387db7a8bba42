#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "client/cpp/connection.h"
#include "common/errors.h"
#include "skulink/client.h"

namespace skulink {
namespace {

// Limits of one message of the API, and of one product.
constexpr int kMaxVariants = 5000;
constexpr std::size_t kMaxRefusals = 5000;
constexpr std::size_t kMaxMessageBytes = 1 << 20;
constexpr int kMaxProductVariants = 1000;
constexpr std::size_t kMaxProductBytes = 4'000'000;
// Enough to keep the store busy while answers travel.
constexpr std::size_t kMessagesUnderWay = 4;

// One call of ImportProducts. Answers are read on a thread of their own, since a server that cannot get rid
// of its answers stops reading.
class ImportStream {
 public:
  explicit ImportStream(v1::CatalogService::Stub& stub) : stream_(stub.ImportProducts(&context_)) {
    reader_ = std::thread([this] { ReadAnswers(); });
  }
  ~ImportStream() {
    if (reader_.joinable()) Finish().IgnoreError();
  }
  ImportStream(const ImportStream&) = delete;
  ImportStream& operator=(const ImportStream&) = delete;

  bool Write(const v1::ImportProductsRequest& request) { return stream_->Write(request); }
  void WritesDone() { stream_->WritesDone(); }

  // The next answer; nullopt when there is none within `wait` or will be none.
  std::optional<v1::ImportProductsResponse> NextAnswer(absl::Duration wait) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, absl::ToChronoNanoseconds(wait), [this] { return !answers_.empty() || ended_; });
    if (answers_.empty()) return std::nullopt;
    v1::ImportProductsResponse answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
  }

  // Ends the call.
  absl::Status Finish() {
    bool answers_ended = false;
    {
      const std::lock_guard lock(mutex_);
      answers_ended = ended_;
    }
    if (!answers_ended) context_.TryCancel();
    reader_.join();
    const absl::Status status = internal::FromGrpc(stream_->Finish());
    return answers_ended ? status : absl::UnavailableError("the server has stopped answering");
  }

 private:
  void ReadAnswers() {
    for (v1::ImportProductsResponse answer; stream_->Read(&answer);) {
      const std::lock_guard lock(mutex_);
      answers_.push_back(std::move(answer));
      changed_.notify_one();
    }
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_one();
  }

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ImportProductsRequest, v1::ImportProductsResponse>> stream_;
  std::thread reader_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<v1::ImportProductsResponse> answers_;
  bool ended_ = false;
};

v1::RefusedRow Refuse(const v1::ImportRow& row, v1::ErrorReason reason, std::string_view field,
                      std::string_view description) {
  v1::RefusedRow refused;
  refused.set_line(row.line());
  refused.set_field(std::string(field));
  refused.set_reason(reason);
  refused.set_description(std::string(description));
  refused.set_product_id(row.product().product_id());
  return refused;
}

// Turns a source's rows into messages.
class Packer {
 public:
  explicit Packer(const ImportSource& source) : source_(source) {}

  // The next message; nullopt at the end. What was refused meanwhile is appended to `refused`.
  absl::StatusOr<std::optional<v1::ImportProductsRequest>> Next(std::vector<v1::RefusedRow>& refused) {
    v1::ImportProductsRequest message;
    int variants = 0;
    std::size_t bytes = 0;
    // Refusals alone also make a message's worth: they are to be reported while the rest is still being read.
    while (variants < kMaxVariants && refused.size() < kMaxRefusals) {
      if (!waiting_.has_value()) SKULINK_RETURN_IF_ERROR(ReadRow(refused));
      if (!waiting_.has_value()) break;
      const int row_variants = waiting_->product().variants_size();
      const std::size_t row_bytes = waiting_->ByteSizeLong();
      if (message.rows_size() > 0 &&
          (variants + row_variants > kMaxVariants || bytes + row_bytes > kMaxMessageBytes)) {
        break;
      }
      variants += row_variants;
      bytes += row_bytes;
      *message.add_rows() = *std::move(waiting_);
      waiting_.reset();
    }
    if (message.rows_size() == 0 && at_end_) return std::nullopt;
    return message;
  }

 private:
  // Into waiting_, unless the entry has no row that can be sent.
  absl::Status ReadRow(std::vector<v1::RefusedRow>& refused) {
    while (!at_end_ && !waiting_.has_value() && refused.size() < kMaxRefusals) {
      SKULINK_ASSIGN_OR_RETURN(std::optional<ImportEntry> entry, source_());
      if (!entry.has_value()) {
        at_end_ = true;
        break;
      }
      std::move(entry->refused.begin(), entry->refused.end(), std::back_inserter(refused));
      if (!entry->row.has_value()) continue;
      // These would break the stream for the other rows.
      if (entry->row->product().variants_size() > kMaxProductVariants) {
        refused.push_back(
            Refuse(*entry->row, v1::ERROR_REASON_VALUE_OUT_OF_RANGE, "variants", "must be 1 to 1000"));
      } else if (entry->row->ByteSizeLong() > kMaxProductBytes) {
        refused.push_back(Refuse(*entry->row, v1::ERROR_REASON_FIELD_TOO_LONG, "product",
                                 "is larger than 4,000,000 bytes"));
      } else {
        waiting_ = std::move(entry->row);
      }
    }
    return absl::OkStatus();
  }

  const ImportSource& source_;
  std::optional<v1::ImportRow> waiting_;
  bool at_end_ = false;
};

void Add(v1::ImportCounts& sum, const v1::ImportCounts& counts) {
  sum.set_rows(sum.rows() + counts.rows());
  sum.set_products_created(sum.products_created() + counts.products_created());
  sum.set_products_updated(sum.products_updated() + counts.products_updated());
  sum.set_products_unchanged(sum.products_unchanged() + counts.products_unchanged());
  sum.set_variants_created(sum.variants_created() + counts.variants_created());
  sum.set_variants_updated(sum.variants_updated() + counts.variants_updated());
  sum.set_variants_unchanged(sum.variants_unchanged() + counts.variants_unchanged());
  sum.set_refused(sum.refused() + counts.refused());
}

// What a field of the API is called in a file. A variant is known by its id or its line; the place in its
// row says no more, and is another one where a variant before it was not sent.
std::string FieldOfFile(const v1::RefusedRow& refused, ImportFormat format) {
  std::string field = refused.field();
  const bool of_variant = field.starts_with("variants[");
  if (of_variant && (format == ImportFormat::kCsv || !refused.variant_id().empty())) {
    const std::size_t dot = field.find("].");
    field = dot == std::string::npos ? "variants" : field.substr(dot + 2);
  }
  if (field == "display_name") return "name";
  constexpr std::string_view kCurrency = "price.currency_code";
  if (field.ends_with(kCurrency))
    field.replace(field.size() - kCurrency.size(), kCurrency.size(), "currency");
  return field;
}

class Import {
 public:
  Import(const internal::Connection& connection, std::string_view merchant, const ImportSource& source,
         const OnImportProgress& on_progress)
      : connection_(connection), merchant_(merchant), packer_(source), on_progress_(on_progress) {}

  absl::StatusOr<v1::ImportCounts> Run() {
    while (true) {
      SKULINK_ASSIGN_OR_RETURN(const absl::Status status, RunStream());
      if (status.ok() && under_way_.empty()) return Totals();
      const absl::Status failure =
          status.ok() ? absl::UnavailableError("the server ended the import before its answers") : status;
      const std::optional<absl::Duration> delay = backoff_.NextDelay(failure);
      if (!delay.has_value() || absl::Now() + *delay - last_answer_ > connection_.options.give_up_after) {
        return failure;
      }
      absl::SleepFor(*delay);
      // The new stream counts from zero.
      Add(earlier_streams_, this_stream_);
      this_stream_.Clear();
    }
  }

 private:
  // One stream, until it breaks or all is done: its status. An error of the source is this function's own.
  absl::StatusOr<absl::Status> RunStream() {
    ImportStream stream(*connection_.catalog);
    std::size_t sent = 0;  // of under_way_
    bool alive = true;
    while (alive) {
      while (alive && sent < kMessagesUnderWay) {
        if (sent == under_way_.size()) {
          SKULINK_ASSIGN_OR_RETURN(std::optional<v1::ImportProductsRequest> message, NextMessage());
          if (!message.has_value()) break;
          under_way_.push_back(*std::move(message));
        }
        under_way_[sent].set_parent(first_ ? merchant_ : "");
        first_ = false;
        alive = stream.Write(under_way_[sent]);
        ++sent;
        while (TakeAnswer(stream, absl::ZeroDuration(), sent)) {
        }
      }
      if (sent == 0) {
        stream.WritesDone();
        stream.NextAnswer(connection_.options.give_up_after);
        break;
      }
      // Also when a write failed: what was answered before is to be known.
      alive = TakeAnswer(stream, connection_.options.give_up_after, sent) && alive;
    }
    while (TakeAnswer(stream, absl::ZeroDuration(), sent)) {
    }
    first_ = true;
    return stream.Finish();
  }

  // Reports what is refused before it is sent. Messages without rows are not for the server.
  absl::StatusOr<std::optional<v1::ImportProductsRequest>> NextMessage() {
    while (true) {
      std::vector<v1::RefusedRow> refused;
      SKULINK_ASSIGN_OR_RETURN(std::optional<v1::ImportProductsRequest> message, packer_.Next(refused));
      if (!refused.empty()) {
        refused_here_ += static_cast<std::int64_t>(refused.size());
        Report({refused.begin(), refused.end()});
      }
      if (!message.has_value()) {
        if (any_message_) return std::nullopt;
        // Without any row the server still has to say whether there is such a merchant.
        message.emplace();
      } else if (message->rows_size() == 0) {
        continue;
      }
      any_message_ = true;
      return message;
    }
  }

  bool TakeAnswer(ImportStream& stream, absl::Duration wait, std::size_t& sent) {
    if (sent == 0) return false;
    std::optional<v1::ImportProductsResponse> answer = stream.NextAnswer(wait);
    if (!answer.has_value()) return false;
    backoff_.Answered();
    last_answer_ = absl::Now();
    under_way_.pop_front();
    --sent;
    this_stream_ = answer->counts();
    Report(std::move(*answer->mutable_refused_rows()));
    return true;
  }

  v1::ImportCounts Totals() const {
    v1::ImportCounts totals = earlier_streams_;
    Add(totals, this_stream_);
    totals.set_refused(totals.refused() + refused_here_);
    return totals;
  }

  void Report(google::protobuf::RepeatedPtrField<v1::RefusedRow> refused) {
    if (!on_progress_) return;
    v1::ImportProductsResponse progress;
    *progress.mutable_refused_rows() = std::move(refused);
    *progress.mutable_counts() = Totals();
    on_progress_(progress);
  }

  const internal::Connection& connection_;
  const std::string merchant_;
  Packer packer_;
  const OnImportProgress& on_progress_;
  internal::Backoff backoff_;
  absl::Time last_answer_ = absl::Now();
  std::deque<v1::ImportProductsRequest> under_way_;  // not answered yet
  bool first_ = true;                                // message of the stream
  bool any_message_ = false;
  v1::ImportCounts earlier_streams_;
  v1::ImportCounts this_stream_;
  std::int64_t refused_here_ = 0;
};

}  // namespace

absl::StatusOr<v1::ImportCounts> Client::ImportProducts(std::string_view merchant, const ImportSource& source,
                                                        const OnImportProgress& on_progress) {
  return Import(*connection_, merchant, source, on_progress).Run();
}

absl::StatusOr<v1::ImportCounts> Client::ImportFile(std::string_view merchant, const std::string& path,
                                                    ImportFormat format,
                                                    const OnImportProgress& on_progress) {
  SKULINK_ASSIGN_OR_RETURN(const ImportSource source, OpenImportFile(path, format));
  if (!on_progress) return ImportProducts(merchant, source);
  return ImportProducts(merchant, source, [&](v1::ImportProductsResponse progress) {
    for (v1::RefusedRow& refused : *progress.mutable_refused_rows()) {
      refused.set_field(FieldOfFile(refused, format));
    }
    on_progress(progress);
  });
}

}  // namespace skulink
