// add_reader and add_writer. Layer: loop.
// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <string>

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
  /// Stands in the ready queue once at most, so that a cancelled one cannot run from there.
  struct Call final : Callback {
    std::function<void()> function;
    int fd = -1;
    bool reads = false;
    bool queued = false;

    void invoke() override {
      queued = false;
      function();
    }
    std::string describe() const override {
      return (reads ? "reader of descriptor " : "writer of descriptor ") + std::to_string(fd);
    }
  };

  /// Nothing, or the callback of one direction.
  class Slot {
   public:
    explicit operator bool() const noexcept { return bool(owner_); }
    void set(LoopCore& core, int fd, Events direction, std::function<void()> function);
    void clear() noexcept;
    void make_ready();

   private:
    Call* call_ = nullptr;
    Handle owner_;
  };

  struct Entry : Watch {
    Slot reader;
    Slot writer;

    Slot& slot(Events direction) noexcept {
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
