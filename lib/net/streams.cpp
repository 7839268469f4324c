#include <weft/net/streams.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <system_error>
#include <utility>
#include <vector>

#include <netdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include <weft/base/errors.h>
#include <weft/net/resolver.h>
#include <weft/net/socket_stream.h>
#include <weft/sync/event.h>
#include <weft/task/sleep.h>
#include <weft/task/task.h>
#include <weft/task/timeout.h>
#include <weft/task/wait_queue.h>

#include "net/idle_stream.h"

namespace weft {

namespace {

/// As asyncio does it.
constexpr Duration kAcceptRetryDelay = std::chrono::seconds(1);

bool out_of_resources(const std::system_error& error) noexcept {
  const int number = error.code().value();
  return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
}

}  // namespace

// ---- one connection

Streams open_streams(Socket socket, std::size_t limit) {
  const auto stream = std::make_shared<SocketStream>(std::move(socket));
  return {StreamReader(stream, limit), StreamWriter(stream)};
}

Streams open_connection(const Address& address, const ConnectionOptions& options) {
  return open_streams(Socket::connect(address, options.connect), options.limit);
}

Streams open_connection(std::string_view host, int port, const HostOptions& options,
                        std::size_t limit) {
  return open_streams(connect_to_host(host, port, options), limit);
}

Streams open_unix_connection(const std::string& path, const ConnectionOptions& options) {
  return open_connection(Address::unix_path(path), options);
}

// ---- a server

struct Server::State {
  struct Client;
  struct Listener {
    Socket socket;
    Address address;
    std::optional<Task<>> accepting;
  };

  ClientConnected callback;
  ServerOptions options;
  std::list<Listener> listeners;  // one at least
  std::string unlink_path;        // of a Unix server
  std::list<Client*> clients;
  WaitQueue fewer;  // waits for a connection to end
  Event stopped;    // listens no more

  State(ClientConnected c, const ServerOptions& o) : callback(std::move(c)), options(o) {}

  static Server start(ClientConnected callback, const ServerOptions& options,
                      std::vector<Socket> sockets);
  static void accept_all(const std::shared_ptr<State>& self, Socket& listener);
  static void start_client(const std::shared_ptr<State>& self, Socket socket);
  void accept_while_possible(const std::shared_ptr<State>& self, Socket& listener);
  void wait_for_room();
  void wait_for_resources();
  void serve(Client& client);
  void call_back(Client& client);
  void close() noexcept;
  std::vector<std::string> abort_clients();
};

/// A connection, from accept() until it is over. Owned by the function of its task, which may never
/// run.
struct Server::State::Client {
  State& server;
  std::shared_ptr<IdleStream> idle;  // null if there is no such limit
  std::shared_ptr<ByteStream> stream;
  std::optional<StreamWriter::Control> control;  // of the writer that the callback has
  std::optional<AnyTask> task;
  std::list<Client*>::iterator place;

  Client(State& s, std::shared_ptr<IdleStream> limited, std::shared_ptr<ByteStream> over)
      : server(s),
        idle(std::move(limited)),
        stream(std::move(over)),
        place(s.clients.insert(s.clients.end(), this)) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() {
    if (!control) stream->close();
    server.clients.erase(place);
    server.fewer.wake_all();
  }

  void close() const noexcept { control ? control->close() : stream->close(); }
  void abort() const noexcept { control ? control->abort() : stream->close(); }

  std::string name() const {
    std::string peer = stream->peer_name();
    if (peer.empty()) peer = "unnamed";
    return task && !task->waits_for().empty() ? fmt::format("{} (in {})", peer, task->waits_for())
                                              : peer;
  }
};

Server Server::State::start(ClientConnected callback, const ServerOptions& options,
                            std::vector<Socket> sockets) {
  auto self = std::make_shared<State>(std::move(callback), options);
  for (Socket& socket : sockets) {
    Address address = socket.local_address();
    Listener& listener = self->listeners.emplace_back(std::move(socket), address);
    listener.accepting =
        create_task({.name = "server", .where = {}},
                    [self, &socket = listener.socket] { accept_all(self, socket); });
  }
  return Server(std::move(self));
}

void Server::State::accept_all(const std::shared_ptr<State>& self, Socket& listener) try {
  self->accept_while_possible(self, listener);
} catch (const CancelledError&) {
  self->close();
  throw;
} catch (const GeneratorExit&) {  // the loop is closed
  self->close();
  throw;
} catch (...) {
  self->close();
  get_running_loop().call_exception_handler(
      {"Accept failed on a socket", std::current_exception(), {}});
}

void Server::State::wait_for_room() {
  while (options.connections > 0 && clients.size() >= options.connections)
    fewer.park("Server.accept");
}

void Server::State::accept_while_possible(const std::shared_ptr<State>& self, Socket& listener) {
  for (;;) {
    wait_for_room();
    bool out_of_them = false;
    try {
      Socket socket = listener.accept();
      wait_for_room();  // another listener may have taken the last place
      start_client(self, std::move(socket));
    } catch (const std::system_error& error) {
      if (!out_of_resources(error)) throw;
      out_of_them = true;
      get_running_loop().call_exception_handler(
          {"socket.accept() out of system resource", std::current_exception(), {}});
    }
    if (out_of_them) wait_for_resources();
  }
}

/// Nobody accepts meanwhile, and nothing is asked of the system.
void Server::State::wait_for_resources() try {
  timeout(kAcceptRetryDelay, [&] { fewer.park("Server.accept"); });
} catch (const TimeoutError&) {
  // then it is tried again
}

void Server::State::start_client(const std::shared_ptr<State>& self, Socket socket) {
  std::shared_ptr<IdleStream> idle;
  std::shared_ptr<ByteStream> stream;
  if (self->options.idle)
    stream = idle = std::make_shared<IdleStream>(std::move(socket), *self->options.idle);
  else
    stream = std::make_shared<SocketStream>(std::move(socket));
  auto client = std::make_unique<Client>(*self, std::move(idle), std::move(stream));
  Client& it = *client;
  it.task = create_task({.name = "client", .where = {}},
                        [self, own = std::move(client)] { self->serve(*own); });
}

void Server::State::call_back(Client& client) {
  if (options.wrap) {
    std::shared_ptr<ByteStream> wrapped = options.wrap(client.stream);
    if (!wrapped) return;
    client.stream = std::move(wrapped);
  }
  StreamWriter writer(client.stream);
  client.control = writer.control();
  callback(StreamReader(client.stream, options.limit), std::move(writer));
}

void Server::State::serve(Client& client) {
  try {
    call_back(client);
  } catch (const CancelledError&) {
    throw;
  } catch (const GeneratorExit&) {
    throw;
  } catch (...) {
    if (!client.idle || !client.idle->expired())
      get_running_loop().call_exception_handler(
          {"Unhandled exception in client_connected_cb", std::current_exception(), client.name()});
  }
  if (!client.control) return;
  try {
    client.control->wait_closed();
  } catch (const std::system_error&) {
    // it came too late for anybody
  }
}

void Server::State::close() noexcept {
  if (stopped.is_set()) return;
  stopped.set();
  for (Listener& listener : listeners) {
    if (listener.accepting) listener.accepting->cancel();
    listener.socket.close();
  }
  if (!unlink_path.empty()) ::unlink(unlink_path.c_str());
}

std::vector<std::string> Server::State::abort_clients() {
  std::vector<std::string> names;
  for (Client* client : clients) {
    names.push_back(client->name());
    client->abort();
  }
  return names;
}

const Address& Server::local_address() const noexcept { return state_->listeners.front().address; }

std::vector<Address> Server::local_addresses() const {
  std::vector<Address> addresses;
  for (const State::Listener& listener : state_->listeners) addresses.push_back(listener.address);
  return addresses;
}

bool Server::is_serving() const noexcept { return !state_->stopped.is_set(); }
std::size_t Server::clients() const noexcept { return state_->clients.size(); }
void Server::close() noexcept { state_->close(); }

void Server::close_clients() {
  for (State::Client* client : state_->clients) client->close();
}

void Server::abort_clients() { state_->abort_clients(); }

void Server::wait_closed() {
  const std::shared_ptr<State> it = state_;
  it->stopped.wait();
  for (const State::Listener& listener : it->listeners)
    while (!listener.accepting->done()) yield_now();  // it has been cancelled
  while (!it->clients.empty()) it->fewer.park("Server.wait_closed");
}

std::vector<std::string> Server::drain(Duration limit) {
  const Server kept(*this);
  kept.state_->close();
  try {
    timeout(limit, [&] { Server(kept).wait_closed(); });
    return {};
  } catch (const TimeoutError&) {
    // those that are left:
  }
  for (State::Client* client : kept.state_->clients) client->task->cancel();
  std::vector<std::string> names = kept.state_->abort_clients();
  Server(kept).wait_closed();
  return names;
}

void Server::serve_forever() {
  const std::shared_ptr<State> it = state_;
  try {
    it->stopped.wait();
  } catch (...) {
    it->close();
    throw;
  }
}

Server start_server(ClientConnected callback, const Address& address,
                    const ServerOptions& options) {
  if (!callback) throw ValueError("callback: it is empty");
  get_running_loop();
  std::vector<Socket> sockets;
  sockets.push_back(Socket::listen(address, options.listen));
  return Server::State::start(std::move(callback), options, std::move(sockets));
}

namespace {

/// One for each address, but for those of a family that this machine does not have.
std::vector<Socket> listen_on_all(const std::vector<AddressInfo>& found, ListenOptions options) {
  options.ipv6_only = true;  // or it would take the place of the IPv4 one
  std::vector<Socket> sockets;
  std::vector<Address> seen;  // a name may give the same address twice
  std::exception_ptr skipped;
  for (const AddressInfo& info : found) {
    if (std::ranges::find(seen, info.address) != seen.end()) continue;
    seen.push_back(info.address);
    try {
      sockets.push_back(Socket::listen(info.address, options));
    } catch (const std::system_error& error) {
      const int number = error.code().value();
      if (number != EAFNOSUPPORT && number != EADDRNOTAVAIL) throw;
      skipped = std::current_exception();
    }
  }
  if (sockets.empty() && skipped) std::rethrow_exception(skipped);
  return sockets;
}

}  // namespace

Server start_server(ClientConnected callback, std::string_view host, int port,
                    const ServerOptions& options) {
  if (!callback) throw ValueError("callback: it is empty");
  get_running_loop();
  const std::vector<AddressInfo> found = getaddrinfo(host, port, {.flags = AI_PASSIVE});
  std::vector<Socket> sockets = listen_on_all(found, options.listen);
  if (sockets.empty())
    throw GaiError(EAI_NONAME, fmt::format("getaddrinfo for host '{}' gave nothing", host));
  return Server::State::start(std::move(callback), options, std::move(sockets));
}

Server start_unix_server(ClientConnected callback, const std::string& path,
                         const ServerOptions& options) {
  struct stat status{};
  const bool in_files = !path.empty() && path.front() != '\0';
  if (in_files && ::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode))
    ::unlink(path.c_str());
  Server server = start_server(std::move(callback), Address::unix_path(path), options);
  if (in_files) server.state_->unlink_path = path;
  return server;
}

}  // namespace weft
