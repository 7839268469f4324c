// Values handed from task to task. Layer: sync.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <deque>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

#include <weft/base/errors.h>
#include <weft/task/wait_queue.h>

namespace weft {

/// Nothing can be sent through a channel that is closed.
class ChannelClosed : public detail::Kind<ChannelClosed> {
 public:
  static constexpr const char* kName = "ChannelClosed";
  using Kind::Kind;
};

namespace detail {

class ChannelBase;

/// A readiness to send or to receive, in the frame of who is ready.
struct ChannelOffer {
  ChannelBase& channel;
  bool sends;
  void* value;  // of a sender its value, of a receiver an empty std::optional
  bool taken = false;

  struct Standing : Place {
    ChannelOffer& offer;
    Standing(ChannelOffer& ready, QueuedWaiter& waiter) noexcept;
  };
  std::optional<Standing> standing = {};
};

/// Takes the first that can be taken at once. Returns its index, or their number.
std::size_t try_offers(std::span<ChannelOffer> offers);

/// The same, and waits for one if there is none. A receiver that finds the channel closed is
/// served, with nothing. Throws: ChannelClosed to a sender; what the wait throws.
std::size_t take_offer(std::span<ChannelOffer> offers, const char* kind);

/// The untyped half of channels.
///
/// Invariant: receivers wait only while nothing is stored and no sender waits; senders only while
/// there is no room.
class ChannelBase {
 public:
  ChannelBase(const ChannelBase&) = delete;
  ChannelBase& operator=(const ChannelBase&) = delete;

  /// How many values have been sent that nobody has received.
  std::size_t size() const noexcept { return stored(); }
  std::size_t capacity() const noexcept { return capacity_; }
  bool closed() const noexcept { return closed_; }

  /// Nothing can be sent from now on: who waits to send gets a ChannelClosed. What has been sent
  /// can still be received; who waits to receive gets nothing. No effect the second time.
  void close() noexcept;

 protected:
  explicit ChannelBase(std::size_t capacity) noexcept : capacity_(capacity) {}

  /// Requires: no task waits, nor has yet to go on (checked in every build; the process is
  ///           aborted).
  virtual ~ChannelBase();

  bool try_send(void* value);
  bool try_receive(void* slot);

 private:
  friend struct ChannelOffer;
  friend std::size_t try_offers(std::span<ChannelOffer> offers);
  friend std::size_t take_offer(std::span<ChannelOffer> offers, const char* kind);

  // With values of the channel's type.
  virtual std::size_t stored() const noexcept = 0;
  virtual void store(void* value) = 0;
  virtual void fetch(void* slot) = 0;
  virtual void hand(void* value, void* slot) = 0;
  virtual void* value_in(void* slot) noexcept = 0;
  virtual void put_back(void* value) = 0;

  ChannelOffer* first(WaitQueue& line) noexcept;
  void conclude(ChannelOffer& offer) noexcept;
  void give_back(void* slot);

  const std::size_t capacity_;
  bool closed_ = false;
  WaitQueue senders_;
  WaitQueue receivers_;
};

}  // namespace detail

/// Hands values from senders to receivers, first come, first served on both sides. A channel with
/// no capacity is a rendezvous: send() returns when a receiver has been given the value. With a
/// capacity, send() waits only while so many values are on their way.
///
/// ```
/// for (Job& job : jobs) work(job);   // until jobs.close()
/// ```
///
/// Unlike a Queue's items a value has an owner at any time: a waiting receiver is given it at once,
/// and nobody can be faster. select() waits for several channels.
///
/// Thread: the loop's. Source: the channels of Go, and trio.open_memory_channel
template <std::move_constructible T>
class Channel final : public detail::ChannelBase {
 public:
  explicit Channel(std::size_t capacity = 0) noexcept : ChannelBase(capacity) {}

  /// Suspends:  until a receiver or the buffer takes the value.
  /// Cancelled: CancelledError; `value` is untouched, unless it was taken before in the same turn.
  /// Throws:    ChannelClosed; RuntimeError if it would suspend outside a task.
  void send(T&& value) {
    detail::ChannelOffer offer{*this, true, &value};
    detail::take_offer({&offer, 1}, "Channel.send");
  }
  void send(const T& value)
    requires std::copy_constructible<T>
  {
    send(T(value));
  }

  /// Sends if that needs no wait. False, and `value` is untouched, if it does.
  ///
  /// Throws: ChannelClosed.
  bool try_send(T&& value) { return ChannelBase::try_send(&value); }
  bool try_send(const T& value)
    requires std::copy_constructible<T>
  {
    return try_send(T(value));
  }

  /// The next value; none if the channel is closed and all has been received.
  ///
  /// Suspends:  until there is a value, or the channel is closed.
  /// Cancelled: CancelledError; a value that this task was given goes to the next receiver, or is
  ///            kept as the first to be received.
  /// Throws:    RuntimeError if it would suspend outside a task.
  std::optional<T> receive() {
    std::optional<T> slot;
    detail::ChannelOffer offer{*this, false, &slot};
    detail::take_offer({&offer, 1}, "Channel.receive");
    return slot;
  }

  /// None if it would have to wait, or the channel is closed and all has been received.
  std::optional<T> try_receive() {
    std::optional<T> slot;
    ChannelBase::try_receive(&slot);
    return slot;
  }

  /// Receives until the channel is closed.
  class Iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;

    explicit Iterator(Channel& channel) : channel_(&channel), item_(channel.receive()) {}
    T& operator*() const noexcept { return *item_; }
    Iterator& operator++() {
      item_.reset();
      if (std::optional<T> next = channel_->receive()) item_.emplace(std::move(*next));
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const noexcept { return !item_; }

   private:
    Channel* channel_;
    mutable std::optional<T> item_;
  };

  /// Suspends: as receive().
  Iterator begin() { return Iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  using Slot = std::optional<T>;
  static T& value_of(void* value) { return *static_cast<T*>(value); }
  static Slot& slot_of(void* slot) { return *static_cast<Slot*>(slot); }

  std::size_t stored() const noexcept override { return values_.size(); }
  void store(void* value) override { values_.push_back(std::move(value_of(value))); }
  void fetch(void* slot) override {
    slot_of(slot).emplace(std::move(values_.front()));
    values_.pop_front();
  }
  void hand(void* value, void* slot) override { slot_of(slot).emplace(std::move(value_of(value))); }
  void* value_in(void* slot) noexcept override { return &*slot_of(slot); }
  void put_back(void* value) override { values_.push_front(std::move(value_of(value))); }

  std::deque<T> values_;
};

}  // namespace weft
