// White-box: the memory of records that have not begun.
#include "coro/fleeting.h"

#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <weft/coro/routine.h>

using weft::detail::allocate_fleeting, weft::detail::free_fleeting, weft::detail::fleeting_blocks;

TEST_SUITE_BEGIN("fleeting records");

namespace {

constexpr std::size_t kSize = 400;
constexpr std::size_t kMany = 20'000;  // 8 MB

std::vector<void*> allocate_many() {
  std::vector<void*> records;
  for (std::size_t i = 0; i < kMany; ++i) records.push_back(allocate_fleeting(kSize));
  return records;
}

/// Sanitizers are shown the allocator's own memory instead.
bool is_off() {
  void* const record = allocate_fleeting(kSize);
  if (record) free_fleeting(record);
  return record == nullptr;
}

}  // namespace

TEST_CASE("records are aligned to cache lines, and do not overlap") {
  if (is_off()) return;
  const std::vector<void*> records = allocate_many();
  for (std::size_t i = 0; i < kMany; ++i) std::memset(records[i], int(i % 251), kSize);
  std::size_t right = 0;
  for (std::size_t i = 0; i < kMany; ++i) {
    const auto* bytes = static_cast<const unsigned char*>(records[i]);
    right += reinterpret_cast<std::uintptr_t>(bytes) % 64 == 0 && bytes[0] == i % 251 &&
             bytes[kSize - 1] == i % 251;
  }
  CHECK(right == kMany);
  for (void* record : records) free_fleeting(record);
}

TEST_CASE("the memory goes back as the records go, in the order in which they came") {
  if (is_off()) return;
  const std::size_t before = fleeting_blocks();
  const std::vector<void*> records = allocate_many();
  const std::size_t most = fleeting_blocks();
  CHECK(most >= before + 30);
  for (std::size_t i = 0; i < kMany / 2; ++i) free_fleeting(records[i]);
  CHECK(fleeting_blocks() <= before + (most - before) / 2 + 6);
  for (std::size_t i = kMany / 2; i < kMany; ++i) free_fleeting(records[i]);
  CHECK(fleeting_blocks() <= before + 6);
}

TEST_CASE("records that come one by one lie in the same place") {
  if (is_off()) return;
  std::set<void*> places;
  for (int i = 0; i < 1000; ++i) {
    void* const record = allocate_fleeting(kSize);
    places.insert(record);
    free_fleeting(record);
  }
  CHECK(places.size() == 1);
}

TEST_CASE("records may go on another thread, and after the end of their own") {
  if (is_off()) return;
  const std::size_t before = fleeting_blocks();
  std::vector<void*> theirs;
  std::thread([&] { theirs = allocate_many(); }).join();
  CHECK(fleeting_blocks() >= before + 30);
  for (void* record : theirs) free_fleeting(record);
  CHECK(fleeting_blocks() == before);
}

TEST_SUITE_END();
