// expect-clang: no viable conversion from 'burrow::recv_chan<int>' to 'burrow::chan<int>'
// expect-gcc: conversion from 'burrow::recv_chan<int>' to non-scalar type
// SPDX-License-Identifier: MIT
//
// CH27: a view of a channel does not give the channel back.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  burrow::chan<int> view;
#else
  burrow::recv_chan<int> view;
#endif
  burrow::chan<int> c = view;
  static_cast<void>(c);
  co_return;
}
