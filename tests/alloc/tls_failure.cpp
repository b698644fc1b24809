// SPDX-License-Identifier: MIT
// What happens when there is no memory, see exhaust.hpp: TLS. OpenSSL has its memory from malloc,
// which does not fail here.
#include "../tls/tls_test.hpp"
#include "exhaust.hpp"

#include <array>
#include <string>
#include <string_view>

using namespace burrow;

namespace {

task<> answer(tls::stream s) {
  std::array<char, 5> message;
  value_of(co_await s.read_full(message));
  value_of(co_await s.write_all(message));
  expect(value_of(co_await s.read_all()).empty());
}

task<> ask(tls::stream s) {
  value_of(co_await s.write_all("hello"));
  std::array<char, 5> message;
  value_of(co_await s.read_full(message));
  expect(std::string_view(message.data(), message.size()) == "hello");
  value_of(co_await s.end_writing());
}

}  // namespace

TEST_CASE("no memory: TLS") {
  tls_test::client_config();
  tls_test::server_config();
  exhaust([](in_vain&) -> task<> {
    tls_test::secure_connection c = co_await tls_test::secure_here();
    co_await scope([&c](group& g) -> task<> {
      g.go(answer, c.server);
      g.go(ask, c.client);
      co_await g.wait();
    });
  });
}
