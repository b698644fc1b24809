// exit: 0
// not-stderr: has begun
// stdout: active was unwound
// stdout: older was unwound
// not-stderr: shutdown limit
// SPDX-License-Identifier: MIT
//
// Rule 7: a child that its group keeps for later does not hold up the end, although it is newer
// than the one that it waits for.
#include <burrow/burrow.hpp>

#include <cstdio>
#include <string_view>

using namespace burrow;

struct loud {
  std::string_view name;
  ~loud() { std::printf("%s was unwound\n", name.data()); }
};

int main() {
  return run([]() -> task<> {
    auto started = make_chan<>();
    go([started]() -> task<> {
      const loud local{"older"};
      co_await scope([started](group& g) -> task<> {
        g.limit(1);
        g.go([started]() -> task<> {
          const loud active{"active"};
          co_await started.send();
          co_await make_chan<>().recv();
        });
        g.go([]() -> task<> {
          std::puts("a child has begun after the end");
          co_return;
        });
        co_await g.wait();
      });
    });
    co_await started.recv();
  });
}
