// All of weft's TLS, which is a library of its own, weft-tls: programs that include this link that.
// SPDX-License-Identifier: MIT
#pragma once

#include <weft/tls/certificate.h>
#include <weft/tls/context.h>
#include <weft/tls/error.h>
#include <weft/tls/make_certificate.h>
#include <weft/tls/stream.h>
#include <weft/tls/streams.h>
