#pragma once

#include <cstddef>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace skulink {

// All rows of a list call, read page by page while they are gone through:
//
//   Pages<v1::Listing> listings = client.ListNotInPos(request);
//   for (const v1::Listing& listing : listings) Use(listing);
//   if (!listings.status().ok()) ...
//
// Can be gone through once. When a page cannot be read the range ends there, and status() says why.
template <class Row>
class Pages {
 public:
  // Replaces `rows` by those of the page that `page_token` names, and `page_token` by the next one.
  using ReadPage = std::function<absl::Status(std::string& page_token, std::vector<Row>& rows)>;

  explicit Pages(ReadPage read_page) : read_page_(std::move(read_page)) {}
  Pages(Pages&&) noexcept = default;
  Pages& operator=(Pages&&) noexcept = default;

  class Iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = Row;
    using difference_type = std::ptrdiff_t;

    explicit Iterator(Pages* pages) : pages_(pages) {}
    Row& operator*() const { return pages_->rows_[pages_->position_]; }
    Row* operator->() const { return &**this; }
    Iterator& operator++() {
      ++pages_->position_;
      pages_->ReadUntilRow();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& iterator, std::default_sentinel_t) { return iterator.AtEnd(); }

   private:
    bool AtEnd() const { return pages_->position_ == pages_->rows_.size(); }

    Pages* pages_;
  };

  Iterator begin() {
    ReadUntilRow();
    return Iterator(this);
  }
  std::default_sentinel_t end() const { return {}; }

  const absl::Status& status() const { return status_; }

 private:
  // A page may be empty before the last one.
  void ReadUntilRow() {
    while (position_ == rows_.size() && !at_end_) {
      rows_.clear();
      position_ = 0;
      status_ = read_page_(page_token_, rows_);
      at_end_ = !status_.ok() || page_token_.empty();
    }
  }

  ReadPage read_page_;
  std::string page_token_;
  std::vector<Row> rows_;
  std::size_t position_ = 0;
  bool at_end_ = false;
  absl::Status status_;
};

}  // namespace skulink
