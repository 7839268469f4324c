// OpenSSL, and who frees what it makes. Layer: tls.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <weft/tls/error.h>

namespace weft::detail {

template <auto free>
struct FreeBy {
  template <class T>
  void operator()(T* object) const noexcept {
    free(object);
  }
};
template <class T, auto free>
using Owned = std::unique_ptr<T, FreeBy<free>>;

using OwnedBio = Owned<BIO, BIO_free>;
using OwnedCertificate = Owned<X509, X509_free>;
using OwnedContext = Owned<SSL_CTX, SSL_CTX_free>;
using OwnedKey = Owned<EVP_PKEY, EVP_PKEY_free>;
using OwnedSession = Owned<SSL_SESSION, SSL_SESSION_free>;
using OwnedSsl = Owned<SSL, SSL_free>;

/// What the thread's queue of errors holds, which is empty afterwards. Nothing may be switched
/// between the call that failed and this one: the queue is the thread's, not the task's.
std::error_code take_error() noexcept;

/// TlsError of that.
[[noreturn]] void raise_tls_error(const std::string& what);

/// An object that OpenSSL has made. Throws: TlsError if it is null.
template <class T>
T* made(T* object, const char* what) {
  if (!object) raise_tls_error(what);
  return object;
}

/// A call that says 1 if it went well.
inline void require_ok(long result, const char* what) {
  if (result != 1) raise_tls_error(what);
}

}  // namespace weft::detail
