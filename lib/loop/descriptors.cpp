#include "loop/descriptors.h"

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <weft/base/errors.h>
#include <weft/loop/event_loop.h>

namespace weft::detail {

void Descriptors::Entry::set(LoopCore& core, int fd, Events direction,
                             std::function<void()> function) {
  const bool reads = direction == Events::Readable;
  call(direction).set(core, reads ? "reader of descriptor" : "writer of descriptor", fd,
                      std::move(function));
}

void Descriptors::ready(Watch* watch, Events events) {
  auto& entry = *static_cast<Entry*>(watch);
  if ((events & Events::Readable) != Events::None) entry.reader.make_ready();
  if ((events & Events::Writable) != Events::None) entry.writer.make_ready();
}

void Descriptors::set(int fd, Events direction, std::function<void()> function) {
  core_.check_open();
  core_.check_thread();
  if (fd < 0) throw ValueError("fd: " + std::to_string(fd) + " is no descriptor");
  const auto [it, fresh] = entries_.try_emplace(fd);
  Entry& entry = it->second;
  if (fresh) {
    entry.Watch::ready = &Descriptors::ready;
    ++core_.outside;
  }
  if (fresh || !modify(fd, entry, direction)) {
    try {
      core_.selector->register_(fd, direction, Trigger::Level, static_cast<Watch*>(&entry));
    } catch (...) {
      entries_.erase(it);
      --core_.outside;
      throw;
    }
  }
  entry.set(core_, fd, direction, std::move(function));
}

/// False if the descriptor was closed without a word: another one has its number now, and what was
/// to be called does not belong to that one.
bool Descriptors::modify(int fd, Entry& entry, Events direction) {
  try {
    core_.selector->modify(fd, entry.wanted() | direction);
  } catch (const std::system_error& error) {
    if (error.code().value() != ENOENT) throw;
    entry.reader.clear();
    entry.writer.clear();
    return false;
  }
  return true;
}

bool Descriptors::unset(int fd, Events direction) {
  core_.check_thread();
  const auto it = entries_.find(fd);
  if (it == entries_.end()) return false;
  Entry& entry = it->second;
  if (!entry.call(direction)) return false;
  entry.call(direction).clear();
  if (entry.wanted() == Events::None) {
    core_.selector->unregister(fd);
    entries_.erase(it);
    --core_.outside;
    return true;
  }
  try {
    core_.selector->modify(fd, entry.wanted());
  } catch (const std::system_error&) {
    // Closed before: there is nothing to be told any more.
  }
  return true;
}

void Descriptors::clear() {
  for (auto& [fd, entry] : entries_) {
    core_.selector->unregister(fd);
    entry.reader.clear();
    entry.writer.clear();
    --core_.outside;
  }
  entries_.clear();
}

}  // namespace weft::detail
