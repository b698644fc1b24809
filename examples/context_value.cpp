// SPDX-License-Identifier: MIT
// A Context that carries a value: who asks is bound once, at the edge, and read far below.
#include <burrow/burrow.hpp>

#include <cstdio>
#include <functional>
#include <string>

using namespace burrow;

// [context_value]
struct user {
  std::string name;
};

inline constexpr context_key<user> user_key{"user"};
inline constexpr context_key<int> attempt_key{"attempt"};

std::string who(const context& ctx) {
  const user* u = ctx.value(user_key);  // null where nobody bound one
  return u ? u->name : "nobody";
}

task<> read_page(context ctx, wait_group& wg) {
  std::printf("a page for %s\n", who(ctx).c_str());
  wg.done();
  co_return;
}

task<> handle(context ctx) {
  wait_group wg;
  wg.add(1);
  go(read_page, ctx, std::ref(wg));  // the value goes where the Context goes
  co_await wg.wait();
  // A goroutine also finds the Context that it runs under without being handed it.
  std::printf("handled for %s\n", who(this_goroutine::context()).c_str());
}
// [/context_value]

task<> main_goroutine() {
  context root = background();
  context asked = with_value(root, user_key, user{"gopher"});
  co_await handle(root);
  co_await handle(asked);

  context again = with_value(asked, attempt_key, 2);  // another key: both are there
  std::printf("%s, attempt %d\n", who(again).c_str(), *again.value(attempt_key));
  context other = with_value(again, user_key, user{"badger"});  // the nearer binding wins
  std::printf("%s, attempt %d\n", who(other).c_str(), *other.value(attempt_key));
  std::printf("%s asked first\n", who(asked).c_str());  // and changes nothing above it

  auto [short_lived, cancel] = with_cancel(other);
  cancel();
  std::printf("%s is still named after: %s\n", who(short_lived).c_str(),
              short_lived.err().message().c_str());
}

int main() { return run(main_goroutine); }
