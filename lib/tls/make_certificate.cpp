#include <weft/tls/make_certificate.h>

#include <ctime>

#include <arpa/inet.h>

#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tls/pem.h"

namespace weft {

namespace {

using namespace detail;

bool is_address(const std::string& name) noexcept {
  in6_addr bytes;
  return inet_pton(AF_INET, name.c_str(), &bytes) == 1 ||
         inet_pton(AF_INET6, name.c_str(), &bytes) == 1;
}

void set_name(X509_NAME* name, const std::string& common_name) {
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.data());
  require_ok(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, text,
                                        int(common_name.size()), -1, 0),
             "common_name");
}

void set_random_serial(X509* certificate) {
  constexpr int kBits = 127;  // positive, and unlike all others
  const Owned<BIGNUM, BN_free> number(made(BN_new(), "BN_new"));
  require_ok(BN_rand(number.get(), kBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY), "BN_rand");
  made(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)), "serial number");
}

void set_times(X509* certificate, const CertificateOptions& options) {
  using namespace std::chrono;
  const auto now = floor<seconds>(system_clock::now());
  const auto set = [](ASN1_TIME* time, sys_seconds value) {
    made(ASN1_TIME_set(time, std::time_t(value.time_since_epoch().count())), "time");
  };
  set(X509_getm_notBefore(certificate), options.not_before.value_or(now - hours(1)));
  set(X509_getm_notAfter(certificate), options.not_after.value_or(now + days(30)));
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION, X509_EXTENSION_free> extension(
      made(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()), value.c_str()));
  require_ok(X509_add_ext(certificate, extension.get(), -1), value.c_str());
}

void add_extensions(X509* certificate, X509* issuer, const CertificateOptions& options) {
  std::string names;
  for (const std::string& name : options.names)
    names += (names.empty() ? "" : ",") + std::string(is_address(name) ? "IP:" : "DNS:") + name;
  add_extension(certificate, issuer, NID_basic_constraints,
                options.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  add_extension(certificate, issuer, NID_key_usage,
                options.authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
  add_extension(certificate, issuer, NID_authority_key_identifier, "keyid");
  if (!names.empty()) add_extension(certificate, issuer, NID_subject_alt_name, names);
}

std::string pem_of(X509* certificate, EVP_PKEY* key) {
  const OwnedBio bio(made(BIO_new(BIO_s_mem()), "BIO_new"));
  if (certificate) require_ok(PEM_write_bio_X509(bio.get(), certificate), "certificate");
  if (key)
    require_ok(PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr),
               "private key");
  return contents(bio.get());
}

}  // namespace

TlsIdentity make_certificate(const CertificateOptions& options, const TlsIdentity* issuer) {
  ERR_clear_error();
  const OwnedKey key(made(EVP_EC_gen("P-256"), "private key"));
  const OwnedCertificate certificate(made(X509_new(), "X509_new"));
  require_ok(X509_set_version(certificate.get(), X509_VERSION_3), "version");
  require_ok(X509_set_pubkey(certificate.get(), key.get()), "public key");
  set_name(X509_get_subject_name(certificate.get()), options.common_name);
  set_random_serial(certificate.get());
  set_times(certificate.get(), options);

  std::vector<OwnedCertificate> chain;
  OwnedKey signer;
  if (issuer) {
    chain = read_certificates(issuer->chain, "issuer");
    signer = read_key(issuer->key, issuer->password);
  }
  X509* above = issuer ? chain.front().get() : certificate.get();
  require_ok(X509_set_issuer_name(certificate.get(), X509_get_subject_name(above)), "issuer");
  add_extensions(certificate.get(), above, options);
  if (X509_sign(certificate.get(), issuer ? signer.get() : key.get(), EVP_sha256()) == 0)
    raise_tls_error("signature");
  return {.chain = Pem::text(pem_of(certificate.get(), nullptr) +
                             (issuer ? issuer->chain.pem() : std::string())),
          .key = Pem::text(pem_of(nullptr, key.get()))};
}

}  // namespace weft
