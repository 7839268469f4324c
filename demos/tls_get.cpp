// Fetches pages over HTTPS, from a server that it starts itself, with a certificate of the moment.
//
//   tls_get [PATH...]

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include <weft/tls.h>
#include <weft/weft.h>

using weft::StreamReader, weft::StreamWriter, weft::TlsContext;

struct Answer {
  std::string status, body;
};

/// Whatever is asked for, the page says what it was.
void serve(StreamReader reader, StreamWriter writer) {
  const std::string request = reader.readline();
  while (reader.readline().size() > 2) {
  }
  const std::string_view path = std::string_view(request).substr(4, request.find(' ', 4) - 4);
  const bool found = path != "/missing";
  const std::string body = fmt::format("You have asked for {}.\n", path);
  writer.write(fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                           found ? "200 OK" : "404 Not Found", body.size(), body));
  writer.drain();
}

/// The server ends its direction behind the page: without that word the page may be a part.
Answer get(weft::Streams& server, std::string_view host, std::string_view path) {
  server.writer.write(fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", path, host));
  Answer answer{.status = server.reader.readline(), .body = {}};
  answer.status.erase(answer.status.find_last_not_of("\r\n") + 1);
  while (server.reader.readline().size() > 2) {
  }
  answer.body = server.reader.read_all();
  return answer;
}

void fetch(const weft::Address& address, const TlsContext& context, std::string_view path) {
  auto server = weft::open_tls_connection(address, context, {.server_hostname = "localhost"});
  const weft::TlsStream& tls = weft::tls_of(server);
  const Answer answer = get(server, "localhost", path);
  fmt::print("{} by {}, {}: {}\n{}", path, tls.version(), tls.peer_certificate()->subject,
             answer.status, answer.body);
}

int main(int count, char** arguments) try {
  std::vector<std::string_view> paths(arguments + 1, arguments + count);
  if (paths.empty()) paths = {"/", "/missing"};
  for (const std::string_view path : paths)
    if (!path.starts_with('/')) throw weft::ValueError(fmt::format("'{}' is no path", path));
  weft::run([&] {
    const weft::TlsIdentity identity = weft::make_certificate({.common_name = "localhost"});
    weft::Server server = weft::start_tls_server(serve, weft::Address::ip("127.0.0.1", 0),
                                                 TlsContext::server({.identity = identity}));
    const TlsContext context = TlsContext::client({.roots = {identity.chain}});
    for (const std::string_view path : paths) fetch(server.local_address(), context, path);
    try {
      weft::open_tls_connection(server.local_address(), TlsContext::client(),
                                {.server_hostname = "localhost"});
    } catch (const weft::CertificateVerificationError& error) {
      fmt::print("who has not been told to believe it does not: {}\n", error.verify_message());
    }
    server.close();
    server.wait_closed();
  });
} catch (const std::exception& error) {
  fmt::print(stderr, "tls_get: {}\n", error.what());
  return 2;
}
