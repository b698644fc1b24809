// SPDX-License-Identifier: MIT
// CX63, CX64: how contexts print.
#include <doctest/doctest.h>

#include <burrow/context.hpp>
#include <regex>
#include <string>

using namespace burrow;
using namespace std::chrono_literals;

namespace shop {

struct secret {
  std::string value;
};
struct money {
  int cents;
  friend std::string to_string(const money& m) { return std::to_string(m.cents) + "c"; }
};

}  // namespace shop

namespace {

inline constexpr context_key<std::string> name_key{"name"};
inline constexpr context_key<shop::secret> secret_key{"secret"};
inline constexpr context_key<shop::money> money_key{"price"};
inline constexpr context_key<int> number_key{"number"};
inline constexpr context_key<const char*> pointer_key{"pointer"};

}  // namespace

TEST_CASE("CX63: a context prints how it was made") {
  CHECK(to_string(background()) == "context.Background");
  CHECK(to_string(todo()) == "context.TODO");
  CHECK(to_string(context()) == "<nil>");
  auto [a, cancel_a] = with_cancel(background());
  auto [b, cancel_b] = with_cancel_cause(without_cancel(a));
  CHECK(to_string(b) == "context.Background.WithCancel.WithoutCancel.WithCancel");
}

TEST_CASE("CX64: of values, texts and what prints itself are shown, else the type") {
  CHECK(to_string(with_value(todo(), name_key, "gopher")) ==
        "context.TODO.WithValue(name, gopher)");
  CHECK(to_string(with_value(todo(), secret_key, shop::secret{"x"})) ==
        "context.TODO.WithValue(secret, shop::secret)");
  CHECK(to_string(with_value(todo(), money_key, shop::money{5})) ==
        "context.TODO.WithValue(price, 5c)");
  CHECK(to_string(with_value(todo(), number_key, 5)) == "context.TODO.WithValue(number, int)");
  CHECK(to_string(with_value(todo(), pointer_key, "p")) == "context.TODO.WithValue(pointer, p)");
  CHECK(to_string(with_value(todo(), pointer_key, nullptr)) ==
        "context.TODO.WithValue(pointer, <nil>)");
}

TEST_CASE("CX63: a deadline prints as the time in UTC and what remains") {
  const auto remaining = [](auto timeout) {
    auto [ctx, cancel] = with_timeout(background(), timeout);
    const std::string text = to_string(ctx);
    const std::regex form(
        R"(context\.Background\.WithDeadline\(\d+-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \+0000 UTC )"
        R"(\[(-?[0-9.hmusn]+)\]\))");
    std::smatch parts;
    REQUIRE_MESSAGE(std::regex_match(text, parts, form), text);
    return parts[1].str();
  };
  CHECK(std::regex_match(remaining(-1h), std::regex(R"(-1h0m0\.0\d*s)")));
  CHECK(std::regex_match(remaining(-90s), std::regex(R"(-1m30\.0\d*s)")));
  CHECK(std::regex_match(remaining(-1500ms), std::regex(R"(-1\.5\d*s)")));
}
