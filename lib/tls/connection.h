// What a TlsStream shares with the task that writes for it. Layer: tls.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <span>
#include <string>

#include <weft/io/byte_stream.h>
#include <weft/loop/handle.h>
#include <weft/sync/event.h>
#include <weft/task/timeout.h>
#include <weft/task/wait_queue.h>

#include "tls/engine.h"

namespace weft::detail {

/// Output is pushed into the stream below by whoever has made it, as far as that takes it at once;
/// what is left is pushed by a task, and nothing is encrypted until that has ended. So a write that
/// is cancelled has encrypted nothing, and what is encrypted gets out, whoever is cancelled.
class TlsConnection : public std::enable_shared_from_this<TlsConnection> {
 public:
  TlsConnection(std::shared_ptr<ByteStream> below, std::unique_ptr<TlsEngine> engine) noexcept
      : below_(std::move(below)), engine_(std::move(engine)) {}

  /// The stream below is closed if it fails.
  void shake_hands();

  std::size_t read(std::span<char> buffer);
  std::size_t write(Pieces pieces);
  std::size_t try_write(Pieces pieces);
  void end_writing();
  void close() noexcept;
  void abort() noexcept;
  bool closed() const noexcept { return closing_ || below_->closed(); }
  void wait_closed() { gone_.wait(); }

  TlsEngine& engine() const noexcept { return *engine_; }
  ByteStream& below() const noexcept { return *below_; }

 private:
  struct Pushing;

  void check(const char* call) const;
  void receive();
  void encrypt(Pieces pieces);
  void push() noexcept;
  void start_pushing();
  void push_on();
  void stop_pushing() noexcept;
  void fail_writing(std::exception_ptr error) noexcept;
  void linger();
  void close_below() noexcept;

  std::shared_ptr<ByteStream> below_;
  std::unique_ptr<TlsEngine> engine_;
  Timeout* reading_ = nullptr;  // around the wait of who reads
  bool pushing_ = false;        // the task is there
  bool ended_ = false;          // close_notify has been sent
  bool closing_ = false;
  std::exception_ptr write_error_;
  WaitQueue writers_;  // one at most
  Handle limit_;       // of the time that a closed stream has to get rid of its output
  Event gone_;
};

}  // namespace weft::detail
