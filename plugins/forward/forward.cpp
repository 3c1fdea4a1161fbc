// SPDX-License-Identifier: Apache-2.0
#include <standpipe/plugin.hpp>

#include "common/mode.h"

namespace {

// Passes messages on into a FIFO. It moves no byte itself: it answers "send these there", and the
// hub moves whole frames in large runs, waits for room and for readers, and never tears one.
class Forward {
 public:
  static void describe(standpipe::Description& d);
  explicit Forward(const standpipe::Options& options)
      : host_(options.host()),
        path_(options.text("fifo")),
        mode_given_(options.has("mode")),
        mode_(mode_given_ ? common::octal_mode("mode", options.text("mode")) : 0600),
        create_(options.boolean("create")),
        on_reader_death_(options.text("on_reader_death") == "count"
                             ? STANDPIPE_READER_DEATH_COUNT
                             : STANDPIPE_READER_DEATH_RESEND),
        trust_(options.text("trust") == "others" ? STANDPIPE_TRUST_OTHERS : STANDPIPE_TRUST_SELF) {}

  void open() {
    output_ = host_.add_fifo({path_, mode_, create_, on_reader_death_, trust_, mode_given_});
    host_.send_all(output_);
  }
  // Where the hub asks about each batch all the same.
  void handle(standpipe::Batch& batch) { batch.send_all(output_); }

 private:
  standpipe::Host host_;
  std::string path_;
  bool mode_given_;
  std::uint32_t mode_;
  bool create_;
  std::uint32_t on_reader_death_;
  std::uint32_t trust_;
  std::uint32_t output_ = 0;
};

void Forward::describe(standpipe::Description& d) {
  d.name("forward").version("1.0").summary("passes messages on into another FIFO").never_blocks();
  d.documentation(
      "Each message goes into the FIFO as a frame: its length (4 bytes, little endian), then\n"
      "the payload. Frames go whole and in order; several forwards to one FIFO take turns.\n"
      "\n"
      "It is no failure that nobody reads yet: messages wait in the source's log until a reader\n"
      "comes, and a reader may leave and come back. Other programs may write into the same\n"
      "FIFO, too: every frame goes there whole, and a larger one goes under the lock (flock)\n"
      "that `standpipe send` takes as well.\n"
      "\n"
      "When a reader dies, the hub takes back what it left unread in the FIFO and sends it to\n"
      "the next reader, from the beginning of a frame: the frame that the dead reader was in\n"
      "the middle of comes again whole. With `on_reader_death: count` nothing is taken back;\n"
      "choose that when other programs write into the same FIFO. A reader that opens the FIFO\n"
      "before the hub has noticed that the last one left can get the rest of a frame.");
  d.option("fifo").path().required().summary("the FIFO to write into").example("/run/billing/in");
  d.option("mode").text().example("0660").summary(
      "permissions of a FIFO that must be created, in octal and in quotes; 0600 without it");
  d.option("create").boolean().fallback("true").summary("create the FIFO when it is missing");
  d.option("on_reader_death")
      .one_of({"resend", "count"})
      .fallback("resend")
      .summary("what a dead reader left: send it again to the next one, or count it as delivered");
  d.option("trust")
      .one_of({"self", "others"})
      .fallback("self")
      .summary("others: use the path even where other users could have put something in its place");
}

}  // namespace

STANDPIPE_PLUGIN(Forward)
