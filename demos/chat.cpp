// chat HOST PORT: a server where everybody reads what the others write; nc will do as a client.
// Each guest has a queue of news. Who reads so slowly that it is full is cut off: nobody waits for
// him. Ctrl-C or SIGTERM ends it: no news comes any more, and all have time to read what is left.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <memory>
#include <string>
#include <system_error>

#include <fmt/core.h>

#include <weft/weft.h>
using namespace std::chrono_literals;

struct Guest {
  std::string name;
  weft::StreamWriter::Control connection;
  weft::Queue<std::shared_ptr<const std::string>> news{100};
};

struct Chat {
  std::list<Guest*> guests;

  void tell(const std::string& text, const Guest* but = nullptr) {
    fmt::print("{}", text);
    std::fflush(stdout);
    const auto message = std::make_shared<const std::string>(text);
    for (Guest* guest : guests) {
      if (guest->news.full())
        guest->connection.abort();
      else if (guest != but)
        guest->news.put_nowait(message);
    }
  }

  /// What is in the queue already will still be sent.
  void let_go(Guest& guest) {
    guests.remove(&guest);
    guest.news.shutdown();
  }
};

void send_news(Guest& guest, weft::StreamWriter& writer) try {
  for (;;) {
    writer.write(*guest.news.get());
    writer.drain();  // waits for the guest, while the queue grows
  }
} catch (const weft::QueueShutDown&) {
  writer.close();
} catch (const std::system_error&) {  // gone, or cut off
}

void listen_to(Guest& guest, weft::StreamReader& reader, Chat& chat) try {
  weft::async_for(reader, [&](const std::string& line) {
    chat.tell(guest.name + ": " + line + (line.ends_with('\n') ? "" : "\n"), &guest);
  });
} catch (const std::exception&) {  // a line that is too long, or a broken connection
}

void serve(Chat& chat, weft::StreamReader reader, weft::StreamWriter writer) {
  writer.write("Your name? ");
  std::string name = reader.readline();
  name.erase(name.find_last_not_of("\r\n") + 1);
  Guest guest{name, writer.control()};
  chat.guests.push_back(&guest);
  chat.tell("* " + guest.name + " comes\n");
  weft::task_group([&](weft::TaskGroup& group) {
    group.create_task([&] { send_news(guest, writer); });
    listen_to(guest, reader, chat);
    chat.let_go(guest);
  });
  chat.tell("* " + guest.name + " goes\n");
}

void run_server(const weft::Address& address) {
  Chat chat;
  weft::SignalReceiver stop({SIGINT, SIGTERM});
  const auto client = [&](weft::StreamReader reader, weft::StreamWriter writer) {
    serve(chat, std::move(reader), std::move(writer));
  };
  weft::Server server = weft::start_server(client, address, {.limit = 4096});
  fmt::print("listening on {}\n", server.local_address().to_string());
  std::fflush(stdout);
  stop.wait();
  server.close();
  chat.tell("* the chat ends\n");
  while (!chat.guests.empty()) chat.let_go(*chat.guests.front());
  fmt::print("cut off: {}\n", server.drain(5s).size());
}

int main(int argc, char** argv) try {
  if (argc != 3) throw weft::ValueError("usage: chat HOST PORT");
  weft::run([&] { run_server(weft::Address::ip(argv[1], std::atoi(argv[2]))); });
} catch (const std::exception& error) {
  fmt::print(stderr, "chat: {}\n", error.what());
  return 2;
}
