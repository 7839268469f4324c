// A server that sends back the lines it gets. usage: stream_server PORT
#include <string>
#include <system_error>

#include <weft/weft.h>

#include "measure.h"

void answer(weft::StreamReader reader, weft::StreamWriter writer) try {
  for (;;) {
    const std::string line = reader.readline();
    if (line.empty()) return;
    writer.write(line);
    writer.drain();
  }
} catch (const std::system_error&) {  // the load resets its connections when it ends
}

int main(int count, char** arguments) {
  require(count == 2);
  weft::run([&] {
    const auto port = std::uint16_t(std::atoi(arguments[1]));
    weft::start_server(answer, weft::Address::ip("0.0.0.0", port)).serve_forever();
  });
}
