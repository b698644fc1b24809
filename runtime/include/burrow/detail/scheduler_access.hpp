// SPDX-License-Identifier: MIT
// What the templates of the runtime need of the scheduler, without its headers.
#pragma once

#include <burrow/detail/carried.hpp>
#include <burrow/detail/worker.hpp>

namespace burrow::detail {

/// A slot, from the running worker or, on a plain thread, from the runtime that started last.
/// Throws std::bad_alloc; std::logic_error where no runtime runs.
goroutine* new_goroutine();
/// Gives back a slot whose goroutine never was made runnable.
void discard_goroutine(goroutine* g) noexcept;
/// Makes a new goroutine runnable. The newest of a worker runs first.
void start_goroutine(goroutine* g) noexcept;

/// The Context that a goroutine started here carries: the running goroutine's. Null on a plain
/// thread: the root_context() of the goroutine, which keeps that runtime alive.
context_node* current_context() noexcept;
/// The root Context of the runtime that the goroutine belongs to.
context_node* root_context(const goroutine& g) noexcept;

/// A reference of the goroutine's own, unless the runtime keeps the Context alive anyway.
void take_context(goroutine& g, context_node* ctx) noexcept;
void give_back_context(goroutine& g) noexcept;

}  // namespace burrow::detail
