// add_reader and add_writer. Layer: loop.
// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>

#include <weft/loop/core.h>

#include "loop/standing_call.h"

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
    StandingCall reader;
    StandingCall writer;

    void set(LoopCore& core, int fd, Events direction, std::function<void()> function);
    StandingCall& call(Events direction) noexcept {
      return direction == Events::Readable ? reader : writer;
    }
    Events wanted() const noexcept {
      return (reader ? Events::Readable : Events::None) |
             (writer ? Events::Writable : Events::None);
    }
  };

  static void ready(Watch* watch, Events events);
  bool modify(int fd, Entry& entry, Events direction);

  LoopCore& core_;
  std::map<int, Entry> entries_;
};

}  // namespace weft::detail
