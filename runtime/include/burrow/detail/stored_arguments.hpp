// SPDX-License-Identifier: MIT
// As what the arguments of a goroutine are kept until its callable is called: decayed, as by
// std::thread; but where a reference parameter would be bound to a conversion's temporary, which
// ends with the call, while the coroutine goes on, the conversion is made at once and kept. So
// go(f, "text") is safe for task<> f(const std::string&).
#pragma once

#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace burrow::detail {

/// The parameters of a callable, where they can be known: it is no template, nor overloaded.
template <class F>
struct parameters_of {
  using type = std::tuple<>;
};
template <class R, class... P>
struct parameters_of<R (*)(P...)> {
  using type = std::tuple<P...>;
};
template <class R, class... P>
struct parameters_of<R (*)(P...) noexcept> : parameters_of<R (*)(P...)> {};

template <class M>
struct parameters_of_member {
  using type = std::tuple<>;
};
template <class R, class C, class... P>
struct parameters_of_member<R (C::*)(P...)> {
  using type = std::tuple<P...>;
};
template <class R, class C, class... P>
struct parameters_of_member<R (C::*)(P...) const> : parameters_of_member<R (C::*)(P...)> {};
template <class R, class C, class... P>
struct parameters_of_member<R (C::*)(P...) noexcept> : parameters_of_member<R (C::*)(P...)> {};
template <class R, class C, class... P>
struct parameters_of_member<R (C::*)(P...) const noexcept> : parameters_of_member<R (C::*)(P...)> {
};

template <class F>
  requires requires { &F::operator(); }
struct parameters_of<F> : parameters_of_member<decltype(&F::operator())> {};

/// The object comes first, and is kept as it is given.
template <class Object, class Parameters>
struct parameters_behind;
template <class Object, class... P>
struct parameters_behind<Object, std::tuple<P...>> {
  using type = std::tuple<Object, P...>;
};
template <class F>
  requires std::is_member_function_pointer_v<F>
struct parameters_of<F> : parameters_behind<void*, typename parameters_of_member<F>::type> {};

/// Whether a reference parameter `P` would refer to a temporary if it were given a `Kept`.
template <class P, class Kept>
constexpr bool binds_temporary =
    std::is_reference_v<P> && std::is_convertible_v<Kept&&, P> &&
    !std::is_convertible_v<std::remove_reference_t<Kept>*, std::remove_reference_t<P>*>;

template <class Parameters, std::size_t I, class Kept>
struct stored_argument {
  using type = Kept;
};
template <class Parameters, std::size_t I, class Kept>
  requires(I < std::tuple_size_v<Parameters>)
struct stored_argument<Parameters, I, Kept> {
  using parameter = std::tuple_element_t<I, Parameters>;
  using type =
      std::conditional_t<binds_temporary<parameter, Kept>, std::remove_cvref_t<parameter>, Kept>;
};

template <class Parameters, class Indices, class... Kept>
struct stored_arguments_of;
template <class Parameters, std::size_t... I, class... Kept>
struct stored_arguments_of<Parameters, std::index_sequence<I...>, Kept...> {
  using type = std::tuple<typename stored_argument<Parameters, I, Kept>::type...>;
};

/// A std::tuple of what is kept for the callable `F`.
template <class F, class... Args>
using stored_arguments =
    typename stored_arguments_of<typename parameters_of<F>::type, std::index_sequence_for<Args...>,
                                 std::unwrap_ref_decay_t<Args>...>::type;

}  // namespace burrow::detail
