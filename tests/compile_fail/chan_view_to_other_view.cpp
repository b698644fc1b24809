// expect-clang: no viable conversion from 'burrow::recv_chan<int>' to 'burrow::send_chan<int>'
// expect-gcc: conversion from 'burrow::recv_chan<int>' to non-scalar type
// SPDX-License-Identifier: MIT
//
// CH27: a view that receives does not become one that sends.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  burrow::chan<int> view;
#else
  burrow::recv_chan<int> view;
#endif
  burrow::send_chan<int> c = view;
  static_cast<void>(c);
  co_return;
}
