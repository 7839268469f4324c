#include <weft/sync/channel.h>

namespace weft::detail {

ChannelOffer::Standing::Standing(ChannelOffer& ready, QueuedWaiter& waiter) noexcept
    : Place(ready.sends ? ready.channel.senders_ : ready.channel.receivers_, waiter),
      offer(ready) {}

ChannelBase::~ChannelBase() {
  senders_.require_deserted();
  receivers_.require_deserted();
}

void ChannelBase::close() noexcept {
  closed_ = true;
  receivers_.wake_all();
  senders_.wake_all();
}

/// The first who waits in this line, or null.
ChannelOffer* ChannelBase::first(WaitQueue& line) noexcept {
  Place* place = line.first();
  return place ? &static_cast<ChannelOffer::Standing*>(place)->offer : nullptr;
}

void ChannelBase::conclude(ChannelOffer& offer) noexcept {
  offer.taken = true;
  (offer.sends ? senders_ : receivers_).wake(*offer.standing);
}

bool ChannelBase::try_send(void* value) {
  if (closed_) throw ChannelClosed();
  if (ChannelOffer* receiver = first(receivers_)) {
    hand(value, receiver->value);
    conclude(*receiver);
    return true;
  }
  if (stored() >= capacity_) return false;
  store(value);
  return true;
}

bool ChannelBase::try_receive(void* slot) {
  const bool from_store = stored() > 0;
  if (from_store) fetch(slot);
  ChannelOffer* sender = first(senders_);
  if (!from_store) {
    if (!sender) return false;
    hand(sender->value, slot);
    conclude(*sender);
  } else if (sender && stored() < capacity_) {
    store(sender->value);
    conclude(*sender);
  }
  return true;
}

/// What a receiver was given, but cannot take.
void ChannelBase::give_back(void* slot) {
  ChannelOffer* next = first(receivers_);
  if (!next) return put_back(value_in(slot));
  hand(value_in(slot), next->value);
  conclude(*next);
}

std::size_t try_offers(std::span<ChannelOffer> offers) {
  std::size_t index = 0;
  for (; index < offers.size(); ++index) {
    ChannelOffer& offer = offers[index];
    ChannelBase& channel = offer.channel;
    if (offer.sends ? channel.try_send(offer.value)
                    : channel.try_receive(offer.value) || channel.closed())
      break;
  }
  return index;
}

std::size_t take_offer(std::span<ChannelOffer> offers, const char* kind) {
  const std::size_t at_once = try_offers(offers);
  if (at_once < offers.size()) return at_once;
  QueuedWaiter waiter;
  struct Leave {
    std::span<ChannelOffer> offers;
    ~Leave() {
      for (ChannelOffer& offer : offers) offer.standing.reset();
    }
  } const leave{offers};
  for (ChannelOffer& offer : offers) offer.standing.emplace(offer, waiter);
  try {
    waiter.wait({kind, &offers.front().channel});
  } catch (...) {
    for (ChannelOffer& offer : offers)
      if (offer.taken && !offer.sends) offer.channel.give_back(offer.value);
    throw;
  }
  std::size_t index = 0;
  while (!offers[index].standing->woken()) ++index;
  if (offers[index].sends && !offers[index].taken) throw ChannelClosed();
  return index;
}

}  // namespace weft::detail
