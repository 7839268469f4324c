#include <array>
#include <cstdlib>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <weft/io/fd.h>
#include <weft/io/file.h>
#include <weft/io/memory_stream.h>
#include <weft/io/pipe.h>
#include <weft/io/stream_reader.h>
#include <weft/io/stream_writer.h>
#include <weft/io/thread_pool.h>
#include <weft/io/to_thread.h>

#include "../waiting/cases.h"
#include "../waiting/streams.h"

using namespace weft;

namespace {

// ---- descriptors

struct Pipe {
  FileDescriptor reader, writer;
  Pipe() {
    std::array<int, 2> ends{};
    CHECK(pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) == 0);
    reader = FileDescriptor(ends[0]);
    writer = FileDescriptor(ends[1]);
  }
  void fill() const {
    const std::array<char, 4096> bytes{};
    while (::write(writer.get(), bytes.data(), bytes.size()) > 0) {
    }
  }
  void empty() const {
    std::array<char, 4096> bytes{};
    while (::read(reader.get(), bytes.data(), bytes.size()) > 0) {
    }
  }
};

struct WaitReadable : Pipe {
  void wait() const { wait_readable(reader.get()); }
  void wake() const { CHECK(::write(writer.get(), "x", 1) == 1); }
  void again() const { empty(); }
};

struct WaitWritable : Pipe {
  WaitWritable() { fill(); }
  void wait() const { wait_writable(writer.get()); }
  void wake() const { empty(); }
  void again() const { fill(); }
};

// ---- streams

struct Memory {
  static auto make() { return MemoryStream::pair(5000); }
};
struct Pipes {
  static auto make() { return PipeStream::pair(); }
};

struct Reading {
  std::unique_ptr<MemoryStream> far;
  std::optional<StreamReader> reader;
  Reading() { again(); }
  void again() {
    auto [near, other] = MemoryStream::pair();
    far = std::move(other);
    reader.emplace(std::shared_ptr<ByteStream>(std::move(near)));
  }
  void wake() const { far->write_all("line\n"); }
  void fail() const { far->reset(); }
};

struct Read : Reading {
  std::string wait() { return reader->read(100); }
};
struct ReadAll : Reading {
  std::string wait() { return reader->read_all(); }
  void wake() const {
    far->write_all("line\n");
    far->shutdown_write();
  }
};
struct ReadExactly : Reading {
  std::string wait() { return reader->readexactly(5); }
};
struct ReadLine : Reading {
  std::string wait() { return reader->readline(); }
};
struct ReadUntil : Reading {
  std::string wait() { return reader->readuntil("e\n"); }
};
struct Anext : Reading {
  std::string wait() { return reader->anext(); }
};

/// A writer with more than its stream takes, until that is read.
struct Writing {
  std::unique_ptr<MemoryStream> far;
  std::optional<StreamWriter> writer;
  Writing() { again(); }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;
  ~Writing() { writer->abort(); }
  void again() {
    if (writer) writer->abort();
    auto [near, other] = MemoryStream::pair(8);
    far = std::move(other);
    writer.emplace(std::shared_ptr<ByteStream>(std::move(near)));
    writer->set_write_buffer_limits(4);
    writer->write("more than 8 b");
  }
  void wake() const {
    std::array<char, 8> bytes{};
    far->read_some(bytes);
  }
  void fail() const { far->reset(); }
};

struct Drain : Writing {
  void wait() { writer->drain(); }
};
struct WaitClosed : Writing {
  void wait() {
    writer->close();
    writer->wait_closed();
  }
};
struct ControlWaitClosed : Writing {
  void wait() const {
    const StreamWriter::Control control = writer->control();
    control.close();
    control.wait_closed();
  }
};

// ---- threads

/// A call that has begun, and goes on until it is let go.
class Held {
 public:
  int operator()() {
    begun_.count_down();
    go_.wait();
    if (fails_) throw ValueError("bad");
    return 42;
  }
  void wait_until_begun() { begun_.wait(); }
  void go(bool fails = false) {
    fails_ = fails;
    if (!go_.try_wait()) go_.count_down();
  }

 private:
  std::latch begun_{1}, go_{1};
  bool fails_ = false;
};

struct HeldCall {
  std::shared_ptr<Held> held = std::make_shared<Held>();
  HeldCall() = default;
  HeldCall(const HeldCall&) = delete;
  HeldCall& operator=(const HeldCall&) = delete;
  ~HeldCall() { held->go(); }
  auto call() const {
    return [it = held] { return (*it)(); };
  }
  void wake() const { held->go(); }
  void closing() const { held->go(); }
};

struct ToThread : HeldCall {
  int wait() const { return to_thread(call()); }
  void began() const { held->wait_until_begun(); }
  void fail() const { held->go(true); }
  void again() {
    held->go();
    held = std::make_shared<Held>();
  }
};

struct ToThreadAbandoned : ToThread {
  int wait() const { return to_thread({.abandon_on_cancel = true}, call()); }
};

/// The loop's pool has one thread, which makes another call.
struct BusyPool : HeldCall {
  BusyPool() {
    set_default_pool({.threads = 1});
    occupy();
  }
  void again() {
    held->go();
    held = std::make_shared<Held>();
    occupy();
  }
  void occupy() const {
    default_pool().submit(call());
    held->wait_until_begun();
  }
};

struct ToThreadQueued : BusyPool {
  int wait() const {
    return to_thread([] { return 42; });
  }
};

struct OpenFile : BusyPool {
  std::string wait() const { return open_file("/dev/null")->peer_name(); }
};

FileDescriptor temporary_file() {
  char name[] = "/tmp/weft-waiting-test-XXXXXX";
  FileDescriptor fd(mkostemp(name, O_CLOEXEC));
  CHECK(::write(fd.get(), "here", 4) == 4);
  ::lseek(fd.get(), 0, SEEK_SET);
  ::unlink(name);
  return fd;
}

struct BusyFile : BusyPool {
  FileStream file{temporary_file()};
};

struct FileSync : BusyFile {
  void wait() { file.sync(); }
};
struct FileRead : BusyPool {
  std::optional<FileStream> file{temporary_file()};
  std::string wait() {
    std::string data(100, '\0');
    data.resize(file->read_some(std::span<char>(data)));
    return data;
  }
  void again() {
    BusyPool::again();
    file.emplace(temporary_file());
  }
};
struct FileWrite : BusyFile {
  std::size_t wait() { return file.write_some("x"); }
};
struct FileWriteAll : BusyFile {
  void wait() { file.write_all("x"); }
};

/// A pool of which thread and queue are taken.
struct FullPool : HeldCall {
  ThreadPool pool{{.threads = 1, .queue = 1}};
  FullPool() { occupy(); }
  ~FullPool() { held->go(); }
  void again() {
    held->go();
    held = std::make_shared<Held>();
    occupy();
  }
  void occupy() {
    await(run_in_executor(pool, [] {}));  // what was there is over
    pool.submit(call());
    held->wait_until_begun();
    pool.submit([] {});
  }
  int wait() {
    return await(run_in_executor(pool, [] { return 42; }));
  }
};

}  // namespace

const std::vector<waiting::Row>& waiting::rows() {
  static constexpr const char* kNoPeer = "std::system_error('write to memory: Broken pipe')";
  static constexpr const char* kNoReader = "std::system_error('write to a pipe: Broken pipe')";
  static const Traits kAlways{.keeps = Keeps::Always};
  static const Traits kLine{
      .gives = "line\n",
      .fails = "std::system_error('read from memory: Connection reset by peer')",
      .keeps = Keeps::Always};
  static const Traits kWritten{
      .fails = "std::system_error('write to memory: Connection reset by peer')",
      .keeps = Keeps::Always};
  static const std::vector<Row> rows = {
      row<WaitReadable>("wait_readable()", kAlways),
      row<WaitWritable>("wait_writable()", kAlways),
      row<ReadSome<Memory>>(
          "ByteStream::read_some() of memory",
          {.gives = "here",
           .fails = "std::system_error('read: the stream is closed: Bad file descriptor')",
           .keeps = Keeps::Always}),
      row<ReadSome<Pipes>>("ByteStream::read_some() of a pipe",
                           {.gives = "here",
                            .fails = "std::system_error('read: the descriptor was closed "
                                     "meanwhile: Bad file descriptor')",
                            .keeps = Keeps::Always}),
      row<WriteSome<Memory>>("ByteStream::write_some() to memory",
                             {.gives = "1", .fails = kNoPeer, .keeps = Keeps::Always}),
      row<WriteSome<Pipes>>("ByteStream::write_some() to a pipe",
                            {.gives = "1", .fails = kNoReader, .keeps = Keeps::Always}),
      row<WriteAll<Memory>>("ByteStream::write_all() to memory",
                            {.fails = kNoPeer, .keeps = Keeps::Always}),
      row<WriteAll<Pipes>>("ByteStream::write_all() to a pipe",
                           {.fails = kNoReader, .keeps = Keeps::Always}),
      row<Read>("StreamReader::read()", kLine),
      row<ReadAll>("StreamReader::read_all()", kLine),
      row<ReadExactly>("StreamReader::readexactly()", kLine),
      row<ReadLine>("StreamReader::readline()", kLine),
      row<ReadUntil>("StreamReader::readuntil()", kLine),
      row<Anext>("StreamReader::anext()", kLine),
      row<Drain>("StreamWriter::drain()", kWritten),
      row<WaitClosed>("StreamWriter::wait_closed()", kWritten),
      row<ControlWaitClosed>("StreamWriter::Control::wait_closed()", kWritten),
      row<ToThread>("to_thread() that has begun",
                    {.gives = "42", .fails = "ValueError('bad')", .stays = true}),
      row<ToThreadAbandoned>("to_thread() that is abandoned",
                             {.gives = "42", .fails = "ValueError('bad')"}),
      row<ToThreadQueued>("to_thread() in the queue", {.gives = "42"}),
      row<FullPool>("run_in_executor()", {.gives = "42"}),
      row<OpenFile>("open_file()", {.gives = "/dev/null"}),
      row<FileSync>("FileStream::sync()", {}),
      row<FileRead>("ByteStream::read_some() of a file", {.gives = "here"}),
      row<FileWrite>("ByteStream::write_some() to a file", {.gives = "1"}),
      row<FileWriteAll>("ByteStream::write_all() to a file", {}),
  };
  return rows;
}
