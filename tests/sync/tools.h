// What the tests of this layer share.
#pragma once

#include <weft/task/sleep.h>
#include <weft/task/task.h>

/// How many turns from here the task has ended. For one that ends in a few.
template <class T>
int turns_until_done(const weft::Task<T>& task) {
  int turns = 0;
  for (; !task.done() && turns < 100; ++turns) weft::yield_now();
  return turns;
}
