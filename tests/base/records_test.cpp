#include <weft/base/records.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using weft::detail::return_record;
using weft::detail::take_record;

TEST_SUITE_BEGIN("records");

namespace {

/// Records of all sizes, each full of a byte of its own.
class Records {
 public:
  explicit Records(int count) {
    for (int i = 0; i < count; ++i) {
      records_.push_back(static_cast<unsigned char*>(take_record(size_of(i))));
      std::memset(records_.back(), i % 251, size_of(i));
    }
  }
  Records(const Records&) = delete;
  Records& operator=(const Records&) = delete;
  ~Records() {
    for (std::size_t i = 0; i < records_.size(); ++i) give_back(int(i));
  }

  void give_back(int i) {
    if (records_[std::size_t(i)]) return_record(records_[std::size_t(i)], size_of(i));
    records_[std::size_t(i)] = nullptr;
  }

  bool are_aligned() const {
    for (const unsigned char* record : records_)
      if (reinterpret_cast<std::uintptr_t>(record) % 64 != 0) return false;
    return true;
  }

  bool are_whole() const {
    for (std::size_t i = 0; i < records_.size(); ++i)
      for (std::size_t j = 0; records_[i] && j < size_of(int(i)); ++j)
        if (records_[i][j] != i % 251) return false;
    return true;
  }

 private:
  static std::size_t size_of(int i) { return std::size_t(1 + i * 37 % 1500); }

  std::vector<unsigned char*> records_;
};

constexpr int kMany = 5000;

}  // namespace

TEST_CASE("records are aligned to a cache line, and do not overlap") {
  const Records records(kMany);
  CHECK(records.are_aligned());
  CHECK(records.are_whole());
}

TEST_CASE("records that are returned in any order leave the others alone") {
  Records first(kMany);
  for (int i = 0; i < kMany; i += 3) first.give_back(i);
  const Records second(kMany);
  for (int i = kMany - 1; i > 0; i -= 2) first.give_back(i);
  CHECK(first.are_whole());
  CHECK(second.are_whole());
}

TEST_CASE("larger alignments are kept") {
  void* record = take_record(300, 256);
  CHECK(reinterpret_cast<std::uintptr_t>(record) % 256 == 0);
  return_record(record, 300, 256);
}

TEST_CASE("records may be returned on other threads") {
  Records mine(kMany);
  std::thread([&] {
    for (int i = 0; i < kMany; i += 2) mine.give_back(i);
  }).join();
  const Records more(kMany);
  CHECK(mine.are_whole());
  CHECK(more.are_whole());
}

TEST_CASE("records outlive the thread that took them") {
  std::unique_ptr<Records> theirs;
  std::thread([&] { theirs = std::make_unique<Records>(kMany); }).join();
  const Records mine(kMany);
  for (int i = 0; i < kMany; i += 2) theirs->give_back(i);
  CHECK(theirs->are_whole());
  CHECK(mine.are_whole());
}

TEST_SUITE_END();
