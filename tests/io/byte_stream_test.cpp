// The kinds of streams of layer io; sockets are in tests/net.
#include <weft/io/byte_stream.h>

#include <weft/io/memory_stream.h>
#include <weft/io/pipe.h>

namespace {

struct Memory {
  static auto make() { return weft::MemoryStream::pair(5000); }
  static void lose(weft::ByteStream& end) { dynamic_cast<weft::MemoryStream&>(end).reset(); }
  static constexpr int kAfterLoss = 104;  // ECONNRESET
};

struct Pipes {
  static auto make() { return weft::PipeStream::pair(); }
  static void lose(weft::ByteStream& end) { end.close(); }
  static constexpr int kAfterLoss = 0;  // a pipe that is closed is at its end
};

}  // namespace

#define STREAM_KINDS Memory, Pipes
#include "stream_contract.h"
