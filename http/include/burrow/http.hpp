// SPDX-License-Identifier: MIT
// HTTP/1.1: a server, a router, a client.
#pragma once

#include <burrow/http/body.hpp>
#include <burrow/http/client.hpp>
#include <burrow/http/errc.hpp>
#include <burrow/http/headers.hpp>
#include <burrow/http/request.hpp>
#include <burrow/http/response_writer.hpp>
#include <burrow/http/router.hpp>
#include <burrow/http/server.hpp>
#include <burrow/http/transport.hpp>
