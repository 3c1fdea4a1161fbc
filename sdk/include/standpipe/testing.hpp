// SPDX-License-Identifier: Apache-2.0
//
// standpipe/testing.hpp: tests of a plugin without a hub. It is header-only, needs no library but
// libdl, and works with any test framework, or with assert.
//
//   #include <standpipe/testing.hpp>
//   using namespace standpipe::testing;
//
//   Host host;                                                  // what the plugin finds, and says
//   Handler shout(load("./shout.so"), host, {{"mark", "!"}});   // or Handler::of<Shout>(host, ...)
//   assert(shout.created.ok() && shout.open().ok());
//   const auto answer = shout.handle({"hello", "HELLO!"});
//   assert(answer.all(STANDPIPE_DELIVERED));
//   assert(host.reported.back() == "info: shout number 1");
//
// Options are texts, as in YAML. Messages have metadata, sequences and times where a test gives
// them: handle_messages({{.payload = "x", .meta = {{"topic", "t"}}}}). An Answer has the outcome
// and the reason of each message, how many were handled, and what was emitted. A Host has the
// virtual clock, the outputs that were asked for, and what was settled later; Handler::advance
// moves the clock and ticks. Handler::replay feeds the last batch again, with the same sequences.
//
// A handler under test is treated as badly as the contract allows. What it is lent for a call is
// read-only, ends at a page that nobody can touch, and cannot be touched after the call, so a
// plugin that reads too far, writes to its inputs or keeps a pointer ends the test at that
// instruction.
// (`Lending` says otherwise.) What breaks the contract in another way throws BrokenContract.
// Host(Shape::minor_0) and Host(Shape::larger) stand in for hosts that have shorter or longer
// structs than the headers that the plugin was built with.
#pragma once

#include <standpipe/testing/call.hpp>
#include <standpipe/testing/config.hpp>
#include <standpipe/testing/handler.hpp>
#include <standpipe/testing/host.hpp>
#include <standpipe/testing/library.hpp>
#include <standpipe/testing/loan.hpp>
#include <standpipe/testing/message.hpp>
#include <standpipe/testing/region.hpp>
#include <standpipe/testing/shape.hpp>
#include <standpipe/testing/source.hpp>
