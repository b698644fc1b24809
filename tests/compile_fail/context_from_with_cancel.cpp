// expect-clang: no viable conversion
// expect-gcc: conversion from
// SPDX-License-Identifier: MIT
//
// What with_cancel returns can only be taken apart: a Context without its cancel is cancelled at
// once.
#include <burrow/context.hpp>

using namespace burrow;

void body() {
#ifdef CONTROL
  auto [ctx, cancel] = with_cancel(background());
#else
  context ctx = with_cancel(background());
#endif
  static_cast<void>(ctx);
}
