// What the tests of TLS share: contexts, and two ends that have made their handshake.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include <weft/io/memory_stream.h>
#include <weft/net/socket_stream.h>
#include <weft/task/gather.h>
#include <weft/task/task.h>
#include <weft/testing/run.h>
#include <weft/tls/make_certificate.h>
#include <weft/tls/stream.h>

#include "../io/selectors.h"

/// Who signs what the tests show.
inline const weft::TlsIdentity& authority() {
  static const weft::TlsIdentity identity =
      weft::make_certificate({.common_name = "Test Authority", .names = {}, .authority = true});
  return identity;
}

/// For localhost, signed by it.
inline const weft::TlsIdentity& localhost() {
  static const weft::TlsIdentity identity = weft::make_certificate({}, &authority());
  return identity;
}

inline weft::TlsIdentity signed_for(const std::string& name) {
  return weft::make_certificate({.common_name = name, .names = {name}}, &authority());
}

/// Believes the authority. `change` sets options.
template <class Change>
weft::TlsContext client_context(const Change& change) {
  weft::TlsClientOptions options{.roots = {authority().chain}};
  change(options);
  return weft::TlsContext::client(options);
}
inline const weft::TlsContext& client_context() {
  static const weft::TlsContext context = client_context([](weft::TlsClientOptions&) {});
  return context;
}

/// Is localhost.
template <class Change>
weft::TlsContext server_context(const Change& change) {
  weft::TlsServerOptions options{.identity = localhost(), .client_roots = {authority().chain}};
  change(options);
  return weft::TlsContext::server(options);
}
inline const weft::TlsContext& server_context() {
  static const weft::TlsContext context = server_context([](weft::TlsServerOptions&) {});
  return context;
}

/// A client and a server.
struct Ends {
  std::unique_ptr<weft::TlsStream> client, server;

  Ends(std::unique_ptr<weft::TlsStream> c, std::unique_ptr<weft::TlsStream> s)
      : client(std::move(c)), server(std::move(s)) {}
  Ends(const Ends&) = delete;
  Ends(Ends&&) noexcept = default;
  Ends& operator=(const Ends&) = delete;

  /// What a closed end still had to send is sent, or has been refused, when this returns.
  ~Ends() {
    if (client) client->close();
    if (server) server->close();
    if (weft::detail::current_task_base() && std::uncaught_exceptions() == 0)
      weft::testing::settle();
  }
};

template <class Pair>
Ends make_ends(Pair pair, const weft::TlsContext& client, const weft::TlsContext& server,
               const std::string& host = "localhost", const weft::TlsSession& session = {}) {
  auto [c, s] =
      weft::gather([&] { return weft::wrap_client(std::move(pair.first), client, host, session); },
                   [&] { return weft::wrap_server(std::move(pair.second), server); });
  return Ends(std::move(c), std::move(s));
}

inline Ends make_ends(const weft::TlsContext& client = client_context(),
                      const weft::TlsContext& server = server_context()) {
  return make_ends(weft::MemoryStream::pair(), client, server);
}
inline std::string read_part(weft::ByteStream& stream, std::size_t most = 65536) {
  std::string data(most, '\0');
  data.resize(stream.read_some(std::span<char>(data)));
  return data;
}

/// A handshake that is to fail: what the client and the server say.
template <class Client, class Server>
std::pair<std::string, std::string> both_errors(Client&& client, Server&& server) {
  const auto [c, s] = weft::gather([&] { return error_of([&] { client(); }); },
                                   [&] { return error_of([&] { server(); }); });
  return {c, s};
}
