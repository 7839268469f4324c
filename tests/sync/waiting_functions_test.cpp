#include <string>
#include <vector>

#include "../waiting/cases.h"
#include "subjects.h"

namespace {

struct ChannelLoop {
  weft::Channel<int> channel{};
  int wait() {
    for (const int item : channel) return item;
    return -1;
  }
  void wake() { channel.try_send(42); }
};

}  // namespace

const std::vector<waiting::Row>& waiting::rows() {
  static const Traits kAlways{.keeps = Keeps::Always};
  static const Traits kOnceWoken{.keeps = Keeps::OnceWoken};
  static const std::vector<Row> rows = {
      row<EventWait>("Event::wait()", kAlways),
      row<LockAcquire>("Lock::acquire()", kAlways),
      row<ConditionWait>("Condition::wait()"),
      row<ConditionWaitFor>("Condition::wait_for()", kAlways),
      row<SemaphoreAcquire>("Semaphore::acquire()", kAlways),
      row<BarrierWait>("Barrier::wait()"),
      row<QueueGet>("Queue::get()", kAlways),
      row<QueuePut>("Queue::put()", kAlways),
      row<QueueJoin>("Queue::join()", kAlways),
      row<ChannelSend>("Channel::send()"),
      row<ChannelReceive>("Channel::receive()", kOnceWoken),
      row<ChannelLoop>("a loop over a Channel", {.gives = "42", .keeps = Keeps::OnceWoken}),
      row<SelectReceive>("select() that receives", kOnceWoken),
      row<SelectSend>("select() that sends"),
  };
  return rows;
}
