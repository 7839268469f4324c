#include "loop/descriptors.h"

#include <string>

#include <weft/base/errors.h>
#include <weft/loop/event_loop.h>

namespace weft::detail {

void Descriptors::ready(Watch* watch, Events events) {
  auto& entry = *static_cast<Entry*>(watch);
  if ((events & Events::Readable) != Events::None && entry.reader)
    entry.reading = entry.core->owner->call_soon(entry.reader);
  if ((events & Events::Writable) != Events::None && entry.writer)
    entry.writing = entry.core->owner->call_soon(entry.writer);
}

void Descriptors::set(int fd, Events direction, std::function<void()> function) {
  if (core_.closed) throw RuntimeError("Event loop is closed");
  if (fd < 0) throw ValueError("fd: " + std::to_string(fd) + " is no descriptor");
  const auto [it, fresh] = entries_.try_emplace(fd);
  Entry& entry = it->second;
  try {
    if (fresh) {
      entry.Watch::ready = &Descriptors::ready;
      entry.core = &core_;
      core_.selector->register_(fd, direction, Trigger::Level, static_cast<Watch*>(&entry));
      ++core_.outside;
    } else {
      core_.selector->modify(fd, entry.wanted() | direction);
    }
  } catch (...) {
    if (fresh) entries_.erase(it);
    throw;
  }
  (direction == Events::Readable ? entry.reading : entry.writing).cancel();
  (direction == Events::Readable ? entry.reader : entry.writer) = std::move(function);
}

bool Descriptors::unset(int fd, Events direction) {
  const auto it = entries_.find(fd);
  if (it == entries_.end()) return false;
  auto& function = direction == Events::Readable ? it->second.reader : it->second.writer;
  if (!function) return false;
  function = nullptr;
  (direction == Events::Readable ? it->second.reading : it->second.writing).cancel();
  if (it->second.wanted() == Events::None) {
    core_.selector->unregister(fd);
    entries_.erase(it);
    --core_.outside;
  } else {
    core_.selector->modify(fd, it->second.wanted());
  }
  return true;
}

void Descriptors::clear() {
  for (const auto& [fd, entry] : entries_) {
    core_.selector->unregister(fd);
    --core_.outside;
  }
  entries_.clear();
}

}  // namespace weft::detail
