// White-box, as hosts.h: what waits for hosts, and for messages.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <fcntl.h>

#include <weft/net/connect.h>
#include <weft/net/datagram.h>
#include <weft/net/resolver.h>
#include <weft/net/send_fds.h>
#include <weft/net/streams.h>

#include "../waiting/contract.h"
#include "held_lookup.h"
#include "hosts.h"
#include "sockets.h"

// ---- hosts

struct LookingUp {
  std::optional<HeldLookup> held{std::in_place};
  void began() const { held->wait_until_begun(); }
  void wake() const { held->let_go(); }
  void fail() const { held->let_fail(EAI_AGAIN); }
  void again() {
    held.reset();
    held.emplace();
  }
  void closing() const { held->let_go(); }
};

struct HostLookup : LookingUp {
  static std::string wait() { return weft::getaddrinfo("host", 80).front().address.to_string(); }
};

struct NameLookup : LookingUp {
  static std::string wait() {
    const weft::NameInfo names = weft::getnameinfo(weft::Address::ip("127.0.0.1", 80));
    return names.host + " " + names.service;
  }
};

struct ServerOfHost : LookingUp {
  static void wait() {
    weft::start_server([](weft::StreamReader, weft::StreamWriter) {}, "host", 0).close();
  }
};

/// Attempts that hang: one, and after a while another one.
struct ConnectToHost {
  std::unique_ptr<Attempts> attempts = std::make_unique<Attempts>();
  std::shared_ptr<HostTable> table = std::make_shared<HostTable>();
  ConnectToHost() {
    table->hosts["a"] = {weft::Address::ip("127.0.0.2", 7), weft::Address::ip("127.0.0.3", 7)};
  }
  void wait() const {
    const weft::UseResolver use(table);
    weft::connect_to_host("a", 7);
  }
  void wake() const { attempts->finish("127.0.0.2:7"); }
};

// ---- messages

/// Two sockets of messages, one connected to the other, which receives.
struct ReceivingMessage {
  std::optional<weft::DatagramSocket> near, far;
  ReceivingMessage() { again(); }
  void again() {
    near.emplace(weft::open_datagram(free_address(Kind::IPv4)));
    far.emplace(weft::open_datagram({}, near->local_address()));
  }
  void wake() { far->send(std::string_view("here")); }
  void fail() { near->close(); }
};

struct RecvFrom : ReceivingMessage {
  std::string wait() { return near->recv_from().data; }
};

struct RecvFromInto : ReceivingMessage {
  std::string wait() {
    std::string data(100, '\0');
    data.resize(near->recv_from_into(std::span<char>(data)).size);
    return data;
  }
};

struct RecvMessage : ReceivingMessage {
  std::string wait() { return near->recv(); }
};

/// A receiver that has no room.
struct SendingMessage {
  std::optional<weft::DatagramSocket> near, far;
  SendingMessage() { again(); }
  void again() {
    far.emplace(weft::open_datagram(free_address(Kind::Abstract)));
    near.emplace(weft::open_datagram({}, far->local_address()));
    while (::send(near->fd(), "x", 1, MSG_DONTWAIT) == 1) {
    }
  }
  void wake() {
    far->recv();
    waiting::clock().advance(std::chrono::hours(1));  // it tries again some milliseconds later
  }
  void fail() {
    near->close();
    waiting::clock().advance(std::chrono::hours(1));
  }
};

struct SendTo : SendingMessage {
  weft::Address where() const { return far->local_address(); }
  void wait() { near->send_to(std::string_view("y"), where()); }
};

struct SendMessage : SendingMessage {
  void wait() { near->send(std::string_view("y")); }
};

// ---- descriptors

struct PassingFds {
  Connection ends{};
  weft::FileDescriptor fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};

  std::size_t send_from(weft::Socket& socket) const {
    const int number = fd.get();
    return weft::send_fds(socket, "here", {&number, 1});
  }
  void fail() { ends.client.close(); }
};

struct RecvFds : PassingFds {
  std::string wait() {
    const weft::ReceivedFds received = weft::recv_fds(ends.client, 100, 4);
    return received.data + std::to_string(received.fds.size());
  }
  void wake() { send_from(ends.server); }
  void again() { ends = Connection(); }
};

struct SendFds : PassingFds {
  SendFds() { fill(ends.client); }
  std::size_t wait() { return send_from(ends.client); }
  void wake() { ends.server.recv(std::size_t{1} << 20); }
  void again() {
    ends = Connection();
    fill(ends.client);
  }
};
