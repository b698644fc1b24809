// SPDX-License-Identifier: MIT
// Channels between goroutines: CH of Go's semantics.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <notes.hpp>
#include <optional>
#include <run_test.hpp>
#include <stdexcept>
#include <string>
#include <vector>

using namespace burrow;

// --- nil -----------------------------------------------------------------------------------------

TEST_CASE("CH5: a nil channel blocks forever, is never ready, and cannot be closed") {
  int went_on = 0;
  run_test(1, [&went_on]() -> task<> {
    chan<int> nil;
    go(
        [](chan<int> c, int& after) -> task<> {
          co_await c.send(1);
          ++after;
        },
        nil, std::ref(went_on));
    go(
        [](chan<int> c, int& after) -> task<> {
          co_await c.recv();
          ++after;
        },
        nil, std::ref(went_on));
    go(
        [](chan<int> c, int& after) -> task<> {
          while (std::optional<int> v = co_await c.recv()) ++after;
          ++after;
        },
        nil, std::ref(went_on));
    co_await until_quiet();
    CHECK(parked_goroutines() == 3);
    int v = 5;
    CHECK_FALSE(nil.try_send(1));
    CHECK(nil.try_recv(v) == recv_status::empty);
    CHECK(v == 5);
    CHECK(nil.size() == 0);
    CHECK(nil.capacity() == 0);
    CHECK_THROWS_WITH_AS(nil.close(), "close of nil channel", nil_channel);
    co_await until_quiet();
    CHECK(parked_goroutines() == 3);
  });
  CHECK(went_on == 0);
}

// --- sending and receiving -----------------------------------------------------------------------

TEST_CASE("CH6: an unbuffered send completes only when a receiver has taken the value") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>();
    auto log = new_notes();
    go(send_and_note, c, 1, log);
    co_await until_quiet();
    CHECK(log->empty());
    int v = 0;
    bool ok = co_await c.recv(v);
    CHECK(ok);
    CHECK(v == 1);
    co_await until_quiet();
    CHECK(*log == numbers{1});
  });
}

TEST_CASE("CH7: a buffered send waits only while the buffer is full, a receive while it is empty") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(3);
    auto sent = new_notes();
    auto received = new_notes();
    for (int i = 0; i < 3; ++i) co_await c.send(i);  // nobody receives
    go(send_and_note, c, 3, sent);
    co_await until_quiet();
    CHECK(sent->empty());
    for (int i = 0; i < 4; ++i) {
      std::optional<int> got = co_await c.recv();
      CHECK(got == i);
    }
    co_await until_quiet();
    CHECK(*sent == numbers{3});
    go(receive_and_note, c, received);
    co_await until_quiet();
    CHECK(received->empty());
    co_await c.send(4);
    co_await until_quiet();
    CHECK(*received == numbers{4});
  });
}

TEST_CASE("CH8: values leave in the order in which their sends took effect, whoever sent them") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(2);
    auto log = new_notes();
    for (int i = 0; i < 9; ++i) {
      go(send_and_note, c, i, log);
      co_await until_quiet();
    }
    for (int i = 0; i < 9; ++i) {
      std::optional<int> got = co_await c.recv();
      CHECK(got == i);
    }
    co_await until_quiet();
    std::sort(log->begin(), log->end());  // who runs first once it was woken is not promised
    CHECK(*log == numbers{0, 1, 2, 3, 4, 5, 6, 7, 8});
  });
}

TEST_CASE("CH10: blocked receivers, and blocked senders, are served first come, first served") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>();
    auto log = new_notes();
    std::vector<notes> got;
    for (int i = 0; i < 5; ++i) {
      got.push_back(new_notes());
      go(receive_and_note, c, got.back());
      co_await until_quiet();
    }
    for (int i = 0; i < 5; ++i) co_await c.send(i);
    co_await until_quiet();
    for (int i = 0; i < 5; ++i) CHECK(*got[static_cast<std::size_t>(i)] == numbers{i});

    for (int i = 0; i < 5; ++i) {
      go(send_and_note, c, i, log);
      co_await until_quiet();
    }
    for (int i = 0; i < 5; ++i) {
      std::optional<int> value = co_await c.recv();
      CHECK(value == i);
      co_await until_quiet();
      CHECK(log->size() == static_cast<std::size_t>(i + 1));
      CHECK(log->back() == i);
    }
  });
}

TEST_CASE("CH11: a select holds its place in a channel's queue like a plain waiter") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>();
    auto other = make_chan<int>();
    std::vector<notes> got;
    const auto selecting = [](chan<int> a, chan<int> b, notes log) -> task<> {
      int v = 0;
      switch (co_await select(b.recv(v), a.recv(v))) {
        case 0: log->push_back(-1); break;
        case 1: log->push_back(v); break;
      }
    };
    for (int i = 0; i < 6; ++i) {
      got.push_back(new_notes());
      if (i % 2 == 0) {
        go(receive_and_note, c, got.back());
      } else {
        go(selecting, c, other, got.back());
      }
      co_await until_quiet();
    }
    for (int i = 0; i < 6; ++i) co_await c.send(i);
    co_await until_quiet();
    for (int i = 0; i < 6; ++i) CHECK(*got[static_cast<std::size_t>(i)] == numbers{i});

    auto log = new_notes();
    const auto sending = [](chan<int> a, chan<int> b, int v) -> task<> {
      co_await select(b.send(-1), a.send(v));
    };
    for (int i = 0; i < 6; ++i) {
      if (i % 2 == 0) {
        go(sending, c, other, i);
      } else {
        go(send_and_note, c, i, log);
      }
      co_await until_quiet();
    }
    for (int i = 0; i < 6; ++i) {
      std::optional<int> value = co_await c.recv();
      CHECK(value == i);
    }
  });
}

TEST_CASE("CH12: a value goes straight to a blocked receiver, not through the buffer") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(1);
    auto log = new_notes();
    go(receive_and_note, c, log);
    co_await until_quiet();
    CHECK(c.try_send(1));
    CHECK(c.size() == 0);  // though the receiver has not run yet
    CHECK(log->empty());
    int v = 0;
    CHECK(c.try_recv(v) == recv_status::empty);
    CHECK(c.try_send(2));
    CHECK_FALSE(c.try_send(3));
    co_await until_quiet();
    CHECK(*log == numbers{1});
    CHECK(drain(c) == numbers{2});
  });
}

TEST_CASE(
    "CH13 CH15: a receive from a full buffer lets the longest-blocked sender in, nobody else") {
  run_test(1, []() -> task<> {
    for (std::size_t capacity : {1, 2, 3}) {
      CAPTURE(capacity);
      const int full = static_cast<int>(capacity);
      auto c = make_chan<int>(capacity);
      auto log = new_notes();
      for (int i = 0; i < full; ++i) co_await c.send(i);
      for (int i = full; i < full + 3; ++i) {
        go(send_and_note, c, i, log);
        co_await until_quiet();
      }
      for (int i = 0; i < 3; ++i) {
        int v = -1;
        CHECK(c.try_recv(v) == recv_status::received);
        CHECK(v == i);                // the head, not the sender's value
        CHECK(c.size() == capacity);  // the sender's value is in already
        CHECK_FALSE(c.try_send(99));  // there was no gap to slip into
        co_await until_quiet();
        CHECK(log->size() == static_cast<std::size_t>(i + 1));
        CHECK(log->back() == full + i);
      }
      numbers rest;
      for (int i = 3; i < full + 3; ++i) rest.push_back(i);
      CHECK(drain(c) == rest);
    }
  });
}

TEST_CASE(
    "CH14 CH15: what a woken waiter waited for is complete, whatever happens before it runs") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>();
    auto log = new_notes();
    go(receive_and_note, c, log);
    co_await until_quiet();
    CHECK(c.try_send(1));
    CHECK_FALSE(c.try_send(2));  // the receiver is taken
    int v = 0;
    CHECK(c.try_recv(v) == recv_status::empty);
    c.close();
    co_await until_quiet();
    CHECK(*log == numbers{1});

    c = make_chan<int>();
    log = new_notes();
    go(send_and_note, c, 3, log);
    co_await until_quiet();
    CHECK(c.try_recv(v) == recv_status::received);
    CHECK(v == 3);
    CHECK(c.try_recv(v) == recv_status::empty);  // the sender is taken
    c.close();
    co_await until_quiet();
    CHECK(*log == numbers{3});  // and its send did not fail
  });
}

TEST_CASE("CH28: ok tells whether a value was delivered, also a zero") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(1);
    int v = 7;
    co_await c.send(0);
    bool ok = co_await c.recv(v);
    CHECK(ok);
    CHECK(v == 0);
    v = 7;
    c.close();
    ok = co_await c.recv(v);
    CHECK_FALSE(ok);
    CHECK(v == 0);
    ok = true;
    v = 7;
    int chosen = co_await select(c.recv(v, ok));
    CHECK(chosen == 0);
    CHECK_FALSE(ok);
    CHECK(v == 0);
    auto texts = make_chan<std::string>(1);
    co_await texts.send(std::string());
    std::string text = "before";
    ok = false;
    ok = co_await texts.recv(text);
    CHECK(ok);
    CHECK(text.empty());
    texts.close();
    text = "before";
    ok = co_await texts.recv(text);
    CHECK_FALSE(ok);
    CHECK(text.empty());
  });
}

TEST_CASE("CH29: a loop receives until closed and drained; leaving it early leaves the rest") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(5);
    for (int i = 0; i < 5; ++i) co_await c.send(i);
    int sum = 0;
    while (std::optional<int> v = co_await c.recv()) {
      sum += *v;
      if (*v == 1) break;
    }
    CHECK(sum == 1);
    CHECK(c.size() == 3);
    CHECK(c.try_send(5));  // it is not closed
    c.close();
    while (std::optional<int> v = co_await c.recv()) sum += *v;
    CHECK(sum == 15);
  });
}

TEST_CASE("CH30: size counts what is buffered, never who waits") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(2);
    auto log = new_notes();
    CHECK(c.size() == 0);
    CHECK(c.capacity() == 2);
    for (int i = 0; i < 4; ++i) go(send_and_note, c, i, log);
    co_await until_quiet();
    CHECK(parked_goroutines() == 2);
    CHECK(c.size() == 2);
    CHECK(c.capacity() == 2);
    c.close();
    CHECK(c.size() == 2);
    CHECK(c.capacity() == 2);

    auto unbuffered = make_chan<int>();
    go(send_and_note, unbuffered, 1, log);
    co_await until_quiet();
    CHECK(unbuffered.size() == 0);
    CHECK(unbuffered.capacity() == 0);
  });
}

TEST_CASE("CH32: the channel and then the value of a send are evaluated, once, before it waits") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>();
    auto log = new_notes();
    go(
        [](chan<int> to, notes order) -> task<> {
          const auto channel = [&] {
            order->push_back(1);
            return to;
          };
          const auto value = [&] {
            order->push_back(2);
            return 40;
          };
          co_await channel().send(value());
          order->push_back(3);
        },
        c, log);
    co_await until_quiet();
    CHECK(*log == numbers{1, 2});
    std::optional<int> got = co_await c.recv();
    CHECK(got == 40);
    co_await until_quiet();
    CHECK(*log == numbers{1, 2, 3});
  });
}

TEST_CASE("sends and receives that are always ready starve nobody") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(1);
    auto closed = make_chan<int>();
    closed.close();
    for (bool buffered : {true, false}) {
      auto stopped = std::make_shared<bool>(false);
      go(
          [](std::shared_ptr<bool> stop) -> task<> {
            co_await this_goroutine::yield();
            *stop = true;
          },
          stopped);
      while (!*stopped) {  // ends only if the other goroutine runs
        if (buffered) {
          co_await c.send(1);
          co_await c.recv();
        } else {
          co_await closed.recv();
        }
      }
      CHECK(*stopped);
    }
  });
}

TEST_CASE("CH21 CH34: what does not wait") {
  auto c = make_chan<int>(1);
  int v = 7;
  CHECK(c.try_recv(v) == recv_status::empty);
  CHECK(v == 7);
  CHECK(c.try_send(1));
  CHECK_FALSE(c.try_send(2));
  CHECK(c.try_recv(v) == recv_status::received);
  CHECK(v == 1);
  CHECK(c.try_send(3));
  c.close();
  CHECK_THROWS_WITH_AS(c.try_send(4), "send on closed channel", closed_channel);
  CHECK(c.try_recv(v) == recv_status::received);
  CHECK(v == 3);
  for (int i = 0; i < 3; ++i) {
    v = 7;
    CHECK(c.try_recv(v) == recv_status::closed);
    CHECK(v == 0);
  }
  auto unbuffered = make_chan<int>();
  CHECK_FALSE(unbuffered.try_send(1));
  CHECK(unbuffered.try_recv(v) == recv_status::empty);
}

// --- close ---------------------------------------------------------------------------------------

TEST_CASE("CH17: close wakes every blocked receiver with a zero value and false") {
  run_test(1, []() -> task<> {
    for (std::size_t capacity : {0, 2}) {
      auto c = make_chan<int>(capacity);
      auto log = new_notes();
      for (int i = 0; i < 5; ++i) go(receive_and_note, c, log);
      go(
          [](chan<int> from, notes out) -> task<> {
            int v = 9;
            bool ok = true;
            co_await select(from.recv(v, ok));
            out->push_back(v - 1);
            CHECK_FALSE(ok);
          },
          c, log);
      co_await until_quiet();
      CHECK(log->empty());
      c.close();
      co_await until_quiet();
      CHECK(*log == numbers{-1, -1, -1, -1, -1, -1});
    }
  });
}

TEST_CASE("CH18 CH19 CH20: close refuses blocked senders, and keeps what is buffered") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(2);
    auto log = new_notes();
    co_await c.send(1);
    co_await c.send(2);
    for (int i = 3; i < 6; ++i) go(send_and_note, c, i, log);
    co_await until_quiet();
    CHECK(log->empty());
    c.close();
    co_await until_quiet();
    CHECK(*log == numbers{-1, -1, -1});
    int v = 0;
    bool ok = co_await c.recv(v);
    CHECK(ok);
    CHECK(v == 1);
    CHECK(c.try_recv(v) == recv_status::received);
    CHECK(v == 2);
    for (int i = 0; i < 3; ++i) {
      ok = co_await c.recv(v);
      CHECK_FALSE(ok);
      CHECK(v == 0);
      std::optional<int> got = co_await c.recv();
      CHECK_FALSE(got);
    }
  });
}

TEST_CASE("CH21 CH22 CH23 CH24: misuse of a closed channel throws, and leaves it as it was") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(3);
    co_await c.send(1);
    c.close();
    for (int i = 0; i < 3; ++i) {
      std::string said;
      try {
        co_await c.send(2);
      } catch (const std::logic_error& e) {
        said = e.what();
      }
      CHECK(said == "send on closed channel");
      said.clear();
      try {
        c.close();
      } catch (const closed_channel& e) {
        said = e.what();
      }
      CHECK(said == "close of closed channel");
      CHECK_THROWS_AS(c.try_send(3), closed_channel);
      said.clear();
      try {
        co_await select(c.send(4), otherwise);
      } catch (const closed_channel& e) {
        said = e.what();
      }
      CHECK(said == "send on closed channel");
    }
    CHECK(c.size() == 1);
    int v = 0;
    bool ok = co_await c.recv(v);
    CHECK(ok);
    CHECK(v == 1);
    ok = co_await c.recv(v);
    CHECK_FALSE(ok);
    CHECK(v == 0);
  });
}
