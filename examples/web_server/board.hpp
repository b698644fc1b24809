// SPDX-License-Identifier: MIT
//
// What the page shows: the latest requests, each as the tree of its goroutines. Handlers write on
// the board, streams of events read from it. A stream that is slow gets the latest state of what
// has changed, not every step on the way, so nobody waits for a browser.
#pragma once

#include <burrow/burrow.hpp>
#include <burrow/watch.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace web {

using clock = std::chrono::steady_clock;

/// The cause of a Context that this program has ended.
struct cancelled_by : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class state { running, finished, cancelled };

/// A goroutine of a request.
struct node {
  std::string name;
  int parent;  // its index in the tree; -1: none
  state now = state::running;
};

/// A request. All but the constants is under the board's mutex.
struct request {
  const int id;
  const std::string what;
  burrow::context ctx;  // until the request has ended
  burrow::cancel_cause_trigger cancel;
  std::vector<node> tree{};
  int running = 0;                   // goroutines
  int lent = 0;                      // connections that they hold
  int given_back = 0;                // of those, by goroutines that were cancelled
  std::string reason{};              // of the end; empty: it lives, or has finished
  clock::time_point ended_at{};      // its Context, as far as that is known
  std::chrono::microseconds took{};  // from then until its last goroutine had ended
  std::uint64_t changed = 0;         // the number of its last change
};

class board {
 public:
  /// A request that begins. Null: the server shuts down.
  std::shared_ptr<request> enter(std::string what, burrow::context ctx,
                                 burrow::cancel_cause_trigger cancel);
  /// The request is over; `finished`: with an answer.
  void leave(request& r);

  /// A goroutine begins; its index in the tree.
  int begin(request& r, std::string_view name, int parent);
  void end(request& r, int index, bool finished);
  /// A goroutine has borrowed a connection, or gives it back.
  void lend(request& r);
  void give_back(request& r);

  /// Cancels a request. False: it is not there, or has ended.
  bool cancel(int id, std::string_view by);
  /// Cancels all requests, and lets none begin any more.
  void shut_down(std::string_view by);
  /// Waits until no request is there; a case of select.
  auto idle() { return requests_.wait(); }
  /// Ends the streams when they have told everything.
  void close() { changes_.close(); }

  burrow::watch<std::uint64_t>::follower changes() { return changes_.subscribe(); }
  /// What has changed behind number `seen`, as JSON, and moves `seen` on.
  std::string news(std::uint64_t& seen);

 private:
  void note_end(request& r);
  void touch(request& r);

  std::mutex mutex_;
  bool shuts_down_ = false;
  int last_id_ = 0;
  std::uint64_t version_ = 1;  // of the last change
  std::deque<std::shared_ptr<request>> latest_;
  burrow::wait_group requests_;
  burrow::watch<std::uint64_t> changes_{version_};
};

/// A goroutine's line on the board, for as long as the goroutine lives. It counts as cancelled
/// unless it says that it has finished.
class line {
 public:
  line(board& b, std::shared_ptr<request> r, std::string_view name)
      : line(b, std::move(r), name, -1) {}
  line(const line& parent, std::string_view name)
      : line(parent.board_, parent.request_, name, parent.index_) {}
  line(const line&) = delete;
  line& operator=(const line&) = delete;
  ~line() { board_.end(*request_, index_, has_finished_); }

  /// A goroutine whose work has ended with `error`, if with any.
  void finish(std::error_code error) noexcept { has_finished_ = !error; }

  /// A connection to a backend, which its holder gives back however it ends.
  struct loan {
    const line& by;
    explicit loan(const line& l) : by(l) { l.board_.lend(*l.request_); }
    ~loan() { by.board_.give_back(*by.request_); }
    loan(const loan&) = delete;
    loan& operator=(const loan&) = delete;
  };

 private:
  line(board& b, std::shared_ptr<request> r, std::string_view name, int parent)
      : board_(b), request_(std::move(r)), index_(b.begin(*request_, name, parent)) {}

  board& board_;
  std::shared_ptr<request> request_;
  int index_;
  bool has_finished_ = false;
};

}  // namespace web
