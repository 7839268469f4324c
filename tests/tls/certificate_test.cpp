#include <weft/tls/certificate.h>

#include <cerrno>
#include <cstdio>
#include <fstream>

#include <unistd.h>

#include "ends.h"

using namespace std::chrono_literals;
using namespace weft;

namespace {

const std::string_view kGarbage =
    "-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n-----END CERTIFICATE-----\n";

}  // namespace

TEST_SUITE_BEGIN("certificates");

TEST_CASE("a certificate tells whose it is, by whom, for which names, and how long") {
  const auto from = std::chrono::sys_days(std::chrono::year(2024) / 2 / 29) + 1h;
  const TlsIdentity root =
      make_certificate({.common_name = "Root", .names = {}, .authority = true});
  const TlsIdentity one =
      make_certificate({.common_name = "Some \xc3\x96ne, Ltd",
                        .names = {"a.example", "*.b.example", "127.0.0.1", "::1"},
                        .not_before = from,
                        .not_after = from + 24h},
                       &root);
  const TlsCertificate read = read_certificate(one.chain);
  CHECK(read.subject == "CN=Some \xc3\x96ne\\, Ltd");
  CHECK(read.issuer == "CN=Root");
  CHECK(read.names == std::vector<std::string>{"a.example", "*.b.example", "127.0.0.1", "::1"});
  CHECK(read.not_before == from);
  CHECK(read.not_after == from + 24h);
  CHECK(read.serial_number.size() == 32);
  CHECK(one.chain.pem() == read.pem + root.chain.pem());
  CHECK(read_certificate(root.chain).names.empty());
  CHECK(read_certificate(make_certificate().chain).serial_number != read.serial_number);
}

TEST_CASE("a file is read, and named if that cannot be done") {
  const std::string path = "/tmp/weft-tls-test-" + std::to_string(getpid()) + ".pem";
  std::ofstream(path) << localhost().chain.pem();
  const Pem pem = Pem::file(path);
  std::remove(path.c_str());
  CHECK(pem.pem() == localhost().chain.pem());
  CHECK(pem.path() == path);
  CHECK(errno_of([&] { Pem::file(path); }) == ENOENT);
  CHECK(contains(error_of([&] { Pem::file(path); }), "open " + path));
}

TEST_CASE("what holds no certificate is refused, and named") {
  CHECK(error_of([] { read_certificate(Pem::text("")); }) ==
        "weft::TlsError('certificate: no start line')");
  CHECK(contains(error_of([] { read_certificate(Pem::text(std::string(kGarbage))); }),
                 "weft::TlsError('certificate: "));
  const std::string good_then_bad = localhost().chain.pem() + std::string(kGarbage);
  CHECK(contains(error_of([&] { read_certificate(Pem::text(good_then_bad)); }),
                 "weft::TlsError('certificate: "));
}

TEST_CASE("a name that cannot be one is refused") {
  CHECK(contains(error_of([] { make_certificate({.names = {std::string("a,b:c")}}); }),
                 "weft::TlsError('"));
}

TEST_CASE("an issuer without a usable key is refused") {
  const TlsIdentity keyless{.chain = authority().chain, .key = Pem::text("")};
  CHECK(
      contains(error_of([&] { make_certificate({}, &keyless); }), "weft::TlsError('private key: "));
}

TEST_SUITE_END();
