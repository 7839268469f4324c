// CPython's ssl, under asyncio, as a peer.
#include <string>

#include <weft/tls/streams.h>

#include "peer.h"

using namespace weft;

namespace {

const bool has_python = have("python3 -c 'import ssl, asyncio'");

const char* const kServer = R"(
import asyncio, ssl, sys

async def answer(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()

async def main(chain, key):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, key)
    server = await asyncio.start_server(answer, '127.0.0.1', 0, ssl=context)
    print('listening on', server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main(*sys.argv[1:]))
)";

const char* const kClient = R"(
import asyncio, ssl, sys

async def main(port, roots, host):
    context = ssl.create_default_context(cafile=roots)
    try:
        reader, writer = await asyncio.open_connection(
            '127.0.0.1', int(port), ssl=context, server_hostname=host, limit=2**22)
    except ssl.SSLCertVerificationError as error:
        return print(error.verify_message)
    writer.write(b'x' * 1_000_000 + b'\n')
    line = await reader.readuntil()
    print(len(line), set(line), (await reader.read()).decode())
    writer.close()
    await writer.wait_closed()

asyncio.run(main(*sys.argv[1:]))
)";

}  // namespace

TEST_SUITE_BEGIN("Python's ssl" * doctest::skip(!has_python));

TEST_CASE("a server of asyncio's answers a client of weft's") {
  testing::run({.real_time = true, .selector = nullptr}, [] {
    const Folder folder;
    Peer peer({"python3", folder.write("server.py", kServer),
               folder.write("chain.pem", localhost().chain.pem()),
               folder.write("key.pem", localhost().key.pem())});
    const int port = std::stoi(peer.line_after("listening on "));
    auto [reader, writer] = open_tls_connection(Address::ip("127.0.0.1", port), client_context(),
                                                {.server_hostname = "localhost"});
    writer.write("hello\n");
    CHECK(reader.readline() == "HELLO\n");
    const std::string big(300'000, 'a');
    for (int i = 0; i < 3; ++i) writer.write(std::string(50'000, 'a') + "\n");
    for (int i = 0; i < 3; ++i) CHECK((reader.readline() == std::string(50'000, 'A') + "\n"));
  });
}

TEST_CASE("a client of asyncio's is answered by a server of weft's, or refuses it") {
  testing::run({.real_time = true, .selector = nullptr}, [] {
    const Folder folder;
    TlsServingOptions options;
    options.server.limit = 2'000'000;
    Server server = start_tls_server(
        [](StreamReader reader, StreamWriter writer) {
          writer.write(reader.readline());
          writer.write("bye");
        },
        Address::ip("127.0.0.1", 0), server_context(), options);
    const auto client = [&](const char* host) {
      Peer peer({"python3", folder.write("client.py", kClient),
                 std::to_string(server.local_address().port()),
                 folder.write("roots.pem", authority().chain.pem()), host});
      return peer.rest();
    };
    CHECK(client("localhost") == "1000001 {120, 10} bye\n");
    CHECK(contains(client("wrong.example"), "Hostname mismatch, certificate is not valid for"));
    server.close();
    server.wait_closed();
    testing::settle();
  });
}

TEST_SUITE_END();
