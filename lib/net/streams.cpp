#include <weft/net/streams.h>

#include <cerrno>
#include <list>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include <weft/base/errors.h>
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

Streams open_unix_connection(const std::string& path, const ConnectionOptions& options) {
  return open_connection(Address::unix_path(path), options);
}

// ---- a server

struct Server::State {
  struct Client;

  ClientConnected callback;
  ServerOptions options;
  Socket listener;
  Address address;
  std::string unlink_path;  // of a Unix server
  std::optional<Task<>> accepting;
  std::list<Client*> clients;
  WaitQueue fewer;  // waits for a connection to end
  Event stopped;    // listens no more

  State(ClientConnected c, const ServerOptions& o, Socket l)
      : callback(std::move(c)),
        options(o),
        listener(std::move(l)),
        address(listener.local_address()) {}

  static void accept_all(const std::shared_ptr<State>& self);
  static void start_client(const std::shared_ptr<State>& self, Socket socket);
  void accept_while_possible(const std::shared_ptr<State>& self);
  void wait_for_resources();
  void serve(Client& client);
  void close() noexcept;
  std::vector<std::string> abort_clients();
};

/// A connection, from accept() until it is over. Owned by the function of its task, which may never
/// run.
struct Server::State::Client {
  State& server;
  std::shared_ptr<IdleStream> idle;  // null if there is no such limit
  std::shared_ptr<ByteStream> stream;
  StreamWriter writer;  // until the callback gets it
  StreamWriter::Control control;
  std::optional<AnyTask> task;
  std::list<Client*>::iterator place;

  Client(State& s, std::shared_ptr<IdleStream> limited, std::shared_ptr<ByteStream> over)
      : server(s),
        idle(std::move(limited)),
        stream(std::move(over)),
        writer(stream),
        control(writer.control()),
        place(s.clients.insert(s.clients.end(), this)) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() {
    server.clients.erase(place);
    server.fewer.wake_all();
  }

  std::string name() const {
    std::string peer = stream->peer_name();
    if (peer.empty()) peer = "unnamed";
    return task && !task->waits_for().empty() ? fmt::format("{} (in {})", peer, task->waits_for())
                                              : peer;
  }
};

void Server::State::accept_all(const std::shared_ptr<State>& self) try {
  self->accept_while_possible(self);
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

void Server::State::accept_while_possible(const std::shared_ptr<State>& self) {
  for (;;) {
    while (options.connections > 0 && clients.size() >= options.connections)
      fewer.park("Server.accept");
    bool out_of_them = false;
    try {
      start_client(self, listener.accept());
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

void Server::State::serve(Client& client) {
  try {
    callback(StreamReader(client.stream, options.limit), std::move(client.writer));
  } catch (const CancelledError&) {
    throw;
  } catch (const GeneratorExit&) {
    throw;
  } catch (...) {
    if (!client.idle || !client.idle->expired())
      get_running_loop().call_exception_handler(
          {"Unhandled exception in client_connected_cb", std::current_exception(), client.name()});
  }
  try {
    client.control.wait_closed();
  } catch (const std::system_error&) {
    // it came too late for anybody
  }
}

void Server::State::close() noexcept {
  if (stopped.is_set()) return;
  stopped.set();
  if (accepting) accepting->cancel();
  listener.close();
  if (!unlink_path.empty()) ::unlink(unlink_path.c_str());
}

std::vector<std::string> Server::State::abort_clients() {
  std::vector<std::string> names;
  for (Client* client : clients) {
    names.push_back(client->name());
    client->control.abort();
  }
  return names;
}

const Address& Server::local_address() const noexcept { return state_->address; }
bool Server::is_serving() const noexcept { return !state_->stopped.is_set(); }
std::size_t Server::clients() const noexcept { return state_->clients.size(); }
void Server::close() noexcept { state_->close(); }

void Server::close_clients() {
  for (State::Client* client : state_->clients) client->control.close();
}

void Server::abort_clients() { state_->abort_clients(); }

void Server::wait_closed() {
  const std::shared_ptr<State> it = state_;
  it->stopped.wait();
  while (!it->accepting->done()) yield_now();  // it has been cancelled
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
  auto state = std::make_shared<Server::State>(std::move(callback), options,
                                               Socket::listen(address, options.listen));
  state->accepting =
      create_task({.name = "server", .where = {}}, [state] { Server::State::accept_all(state); });
  return Server(state);
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
