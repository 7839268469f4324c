// add_reader and add_writer. Layer: loop.
// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>

#include <weft/loop/core.h>

namespace weft::detail {

/// The descriptors with callbacks. Level-triggered: a callback that leaves data is called again.
class Descriptors {
 public:
  explicit Descriptors(LoopCore& core) noexcept : core_(core) {}

  void set(int fd, Events direction, std::function<void()> function);
  bool unset(int fd, Events direction);
  void clear();

 private:
  struct Entry : Watch {
    LoopCore* core;
    std::function<void()> reader;
    std::function<void()> writer;
    Handle reading;  // the last call, to be cancelled if the reader is removed before it
    Handle writing;

    Events wanted() const noexcept {
      return (reader ? Events::Readable : Events::None) |
             (writer ? Events::Writable : Events::None);
    }
  };

  static void ready(Watch* watch, Events events);

  LoopCore& core_;
  std::map<int, Entry> entries_;
};

}  // namespace weft::detail
