// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace test {

// What is thrown where a worker dies: nothing on the way may catch it.
struct KilledAtCommit {};

// Lets a worker die at one of its commits: before it, so that a successor finds what the one before
// it left, or after it. (CMakeLists.txt puts it in the place of state::Memory::commit.)
class CommitKiller {
 public:
  enum class When { before, after };
  static void arm(int nth, When when);  // from 0
  static void disarm();
  static bool armed();
  // Commits meanwhile do not count.
  class Pause {
   public:
    Pause();
    ~Pause();
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    int left_;
  };
};

}  // namespace test
