// SPDX-License-Identifier: MIT
//
// Fork and join through goroutines and a wait group, as a Go program has to write them: fib,
// nqueens, matmul.
#include "harness.hpp"

#include <array>

using namespace burrow;

namespace bench {
namespace {

// Forks one leg and runs the other.
task<std::int64_t> fib(int n) {
  if (n < 2) co_return n;
  std::int64_t x = 0;
  wait_group wg;
  wg.add(1);
  go([&wg, &x, n]() -> task<> {
    x = co_await fib(n - 1);
    wg.done();
  });
  std::int64_t y = co_await fib(n - 2);
  co_await wg.wait();
  co_return x + y;
}

constexpr int board = 14;
using queens = std::array<std::int8_t, board>;

bool is_safe(const queens& placed, int column, int row) {
  for (int x = 0; x < column; ++x) {
    int other = placed[static_cast<std::size_t>(x)];
    int distance = column - x;
    if (row == other || row == other - distance || row == other + distance) return false;
  }
  return true;
}

task<int> solutions(int column, queens placed) {
  if (column == board) co_return 1;
  std::array<int, board> results{};
  wait_group wg;
  for (int row = 0; row < board; ++row) {
    if (!is_safe(placed, column, row)) continue;
    placed[static_cast<std::size_t>(column)] = static_cast<std::int8_t>(row);
    wg.add(1);
    go([&wg, &result = results[static_cast<std::size_t>(row)], column, placed]() -> task<> {
      result = co_await solutions(column + 1, placed);
      wg.done();
    });
  }
  co_await wg.wait();
  int sum = 0;
  for (int result : results) sum += result;
  co_return sum;
}

/// c += a * b, for square blocks of matrices whose rows are `stride` apart.
struct product {
  const std::int32_t* a;
  const std::int32_t* b;
  std::int32_t* c;
};

void multiply(product p, int n, int stride) {
  for (int i = 0; i < n; ++i) {
    for (int k = 0; k < n; ++k) {
      std::int32_t x = p.a[i * stride + k];
      for (int j = 0; j < n; ++j) p.c[i * stride + j] += x * p.b[k * stride + j];
    }
  }
}

task<> matmul(product p, int n, int stride);

task<> in_parallel(std::array<product, 4> parts, int n, int stride) {
  wait_group wg;
  for (const product& part : parts) {
    wg.add(1);
    go([&wg, &part, n, stride]() -> task<> {
      co_await matmul(part, n, stride);
      wg.done();
    });
  }
  co_await wg.wait();
}

task<> matmul(product p, int n, int stride) {
  if (n <= 32) {
    multiply(p, n, stride);
    co_return;
  }
  int k = n / 2;          // to the right half
  int down = k * stride;  // to the lower half
  auto [a, b, c] = p;
  std::array<product, 4> left_columns{
      {{a, b, c}, {a, b + k, c + k}, {a + down, b, c + down}, {a + down, b + k, c + down + k}}};
  co_await in_parallel(left_columns, k, stride);
  std::array<product, 4> right_columns{{{a + k, b + down, c},
                                        {a + k, b + down + k, c + k},
                                        {a + down + k, b + down, c + down},
                                        {a + down + k, b + down + k, c + down + k}}};
  co_await in_parallel(right_columns, k, stride);
}

task<double> time_fib(int n, std::int64_t expected) {
  stopwatch watch;
  std::int64_t result = co_await fib(n);
  check(result == expected, "fib");
  co_return watch.ms();
}

task<double> time_nqueens() {
  stopwatch watch;
  int found = co_await solutions(0, queens{});
  check(found == 365'596, "nqueens");
  co_return watch.ms();
}

task<double> time_matmul() {
  constexpr int n = 2048;
  constexpr std::size_t cells = std::size_t{n} * n;
  stopwatch watch;
  std::vector<std::int32_t> a(cells, 1);
  std::vector<std::int32_t> b(cells, 1);
  std::vector<std::int32_t> c(cells, 0);
  co_await matmul({a.data(), b.data(), c.data()}, n, n);
  check(c.front() == n && c.back() == n, "matmul");
  co_return watch.ms();
}

}  // namespace

task<> fork() {
  co_await repeat("fib_30", "ms", [] { return time_fib(30, 832'040); });
  co_await repeat("fib_35", "ms", [] { return time_fib(35, 9'227'465); }, 3);
  co_await repeat("matmul_2048", "ms", time_matmul, 3);
}

task<> fib39() {
  co_await repeat("fib_39", "ms", [] { return time_fib(39, 63'245'986); }, 1);
}

task<> nqueens() { co_await repeat("nqueens_14", "ms", time_nqueens, 1); }

}  // namespace bench
