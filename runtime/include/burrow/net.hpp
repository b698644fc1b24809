// SPDX-License-Identifier: MIT
// Networking: connections, listeners, packets, names. Go: net.
#pragma once

#include <burrow/net/address.hpp>
#include <burrow/net/listener.hpp>
#include <burrow/net/packet.hpp>
#include <burrow/net/stream.hpp>
