#include <weft/tls/certificate.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <fstream>
#include <iterator>

#include <arpa/inet.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/system.h"
#include "tls/pem.h"

namespace weft {

using detail::made;

Pem Pem::file(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) detail::raise_error(errno ? errno : EIO, "open " + path);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) detail::raise_error(EIO, "read " + path);
  return {std::move(text), path};
}

namespace detail {

OwnedBio bio_of(const Pem& pem) {
  return OwnedBio(made(BIO_new_mem_buf(pem.pem().data(), int(pem.pem().size())), "PEM"));
}

std::string named(const char* what, const Pem& pem) {
  return pem.path().empty() ? std::string(what) : std::string(what) + " in " + pem.path();
}

std::vector<OwnedCertificate> read_certificates(const Pem& pem, const char* what) {
  ERR_clear_error();
  const OwnedBio bio = bio_of(pem);
  std::vector<OwnedCertificate> all;
  while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) all.emplace_back(one);
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (all.empty() || !at_end) raise_tls_error(named(what, pem));
  ERR_clear_error();
  return all;
}

OwnedKey read_key(const Pem& pem, const std::string& password) {
  ERR_clear_error();
  const auto give = [](char* buffer, int size, int, void* data) {  // else it would ask the terminal
    const auto& secret = *static_cast<const std::string*>(data);
    return secret.empty() ? -1 : int(secret.copy(buffer, std::size_t(size)));
  };
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio_of(pem).get(), nullptr, give,
                                          const_cast<std::string*>(&password));
  if (!key) raise_tls_error(named("private key", pem));
  return OwnedKey(key);
}

std::string contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, std::size_t(size)};
}

}  // namespace detail

namespace {

using detail::contents;
using detail::OwnedBio;

OwnedBio memory() { return OwnedBio(made(BIO_new(BIO_s_mem()), "BIO_new")); }

std::string text_of(const X509_NAME* name) {
  const OwnedBio bio = memory();
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  return contents(bio.get());
}

std::string text_of(const ASN1_INTEGER* number) {
  const OwnedBio bio = memory();
  i2a_ASN1_INTEGER(bio.get(), number);
  return contents(bio.get());
}

TlsCertificate::Time time_of(const ASN1_TIME* time) {
  std::tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  return TlsCertificate::Time(std::chrono::seconds(timegm(&parts)));
}

std::string address_of(const ASN1_OCTET_STRING& bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int size = ASN1_STRING_length(&bytes);
  if (size != 4 && size != 16) return {};
  inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(&bytes), text.data(),
            text.size());
  return text.data();
}

std::vector<std::string> names_of(const X509* certificate) {
  const detail::Owned<GENERAL_NAMES, GENERAL_NAMES_free> all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> names;
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type == GEN_DNS) {
      const ASN1_IA5STRING* host = name->d.dNSName;
      names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(host)),
                         std::size_t(ASN1_STRING_length(host)));
    } else if (name->type == GEN_IPADD) {
      names.push_back(address_of(*name->d.iPAddress));
    }
  }
  return names;
}

}  // namespace

namespace detail {

TlsCertificate describe_certificate(X509* certificate) {
  const OwnedBio bio = memory();
  require_ok(PEM_write_bio_X509(bio.get(), certificate), "certificate");
  return {.subject = text_of(X509_get_subject_name(certificate)),
          .issuer = text_of(X509_get_issuer_name(certificate)),
          .serial_number = text_of(X509_get0_serialNumber(certificate)),
          .names = names_of(certificate),
          .not_before = time_of(X509_get0_notBefore(certificate)),
          .not_after = time_of(X509_get0_notAfter(certificate)),
          .pem = contents(bio.get())};
}

}  // namespace detail

TlsCertificate read_certificate(const Pem& pem) {
  return detail::describe_certificate(detail::read_certificates(pem, "certificate").front().get());
}

}  // namespace weft
