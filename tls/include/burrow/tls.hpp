// SPDX-License-Identifier: MIT
// TLS 1.2 and 1.3 over connections of burrow::net.
#pragma once

#include <burrow/tls/config.hpp>
#include <burrow/tls/errors.hpp>
#include <burrow/tls/listener.hpp>
#include <burrow/tls/stream.hpp>
