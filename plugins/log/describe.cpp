// SPDX-License-Identifier: Apache-2.0
// Log: what it is, and its options.
#include <string_view>

#include "log.h"

namespace {

constexpr std::string_view kDocumentation =
    "lines   the payload and a newline. A newline inside a payload is written as the two\n"
    "        characters \\n, so that one message is one line. Other bytes are written as they\n"
    "        are; use frames or jsonl to get every message back exactly.\n"
    "frames  as on the wire: the length (4 bytes, little endian), then the payload. Nothing\n"
    "        is lost, and the file can be fed back into a FIFO. The hub itself writes the\n"
    "        frames, straight from its log; each is there once, whatever was killed\n"
    "        meanwhile.\n"
    "jsonl   one object a line: source, sequence, time, size, metadata as \"meta\" if the\n"
    "        message has any, and the payload as \"text\", or as \"base64\" when it is not\n"
    "        UTF-8.\n"
    "\n"
    "The file is rotated between messages: before the first message that finds it at\n"
    "rotate_size, or older than rotate_every (counted from its first message; after a\n"
    "restart, from the file's creation). So a file is larger than rotate_size by one message\n"
    "at most, and nothing rotates while no message comes. PATH becomes PATH.1, PATH.1 becomes\n"
    "PATH.2, and so on up to keep; the oldest file is overwritten, and files that a larger\n"
    "keep left behind are deleted. With keep: 0 the full file is deleted. Where PATH is a\n"
    "symbolic link, all this happens in the folder of its target. A file that another log\n"
    "writes to is never moved or overwritten: the rotation is refused.\n"
    "\n"
    "A file that was deleted is opened anew before the next message is written; one that was\n"
    "moved away, within a second, or at once when the hub gets SIGUSR1 (logrotate's\n"
    "postrotate). When its folder is gone, messages wait until it is there again\n"
    "(create_folders: true makes it). copytruncate works as well, but loses what is written\n"
    "between the copying and the truncating.\n"
    "\n"
    "sync: always means that a delivered message is on the disk (fdatasync before a batch is\n"
    "settled). interval syncs after a batch when the last sync is sync_interval ago, before a\n"
    "rotation, and when the hub stops or reopens the file; when no more messages come, the\n"
    "kernel writes the last ones (usually within 30 s). never leaves all of it to the kernel.\n"
    "A hub that is killed loses nothing with any of the three; they differ when the machine\n"
    "dies.\n"
    "\n"
    "When the disk is full, the file is cut back to its last whole message, and the rest\n"
    "waits and is tried again: nothing is lost, repeated or truncated. A record that was\n"
    "truncated earlier is repaired, with a warning, when the file is opened: a line is\n"
    "finished; a frame is cut off, and its bytes are kept beside the file as PATH.damaged-1\n"
    "(or the next number). A file that does not hold frames is moved to such a name, whole,\n"
    "and a new one begins. The file is locked (flock), so two logs cannot write to one path.\n"
    "\n"
    "path may have placeholders, and then names many files, one for each device, source or\n"
    "whatever messages say: logs/{json:/device|unknown}.log. {source}, {json:/POINTER} and\n"
    "{meta:NAME} can stand in it, the latter two with a default after |; {{ and }} are braces.\n"
    "What a message says becomes a part of one name and never a folder: slashes, control\n"
    "characters, what is not UTF-8, a dot at its beginning and the percent sign itself are\n"
    "written as %2F, %00 and so on, so two values never share a file. A message is rejected\n"
    "(and thus dead-lettered, with the reason) when a value is missing and has no default, is\n"
    "empty, or is longer than 100 bytes written so; when it asks for one file more than\n"
    "max_files since the hub's worker started; and when something else than a file has\n"
    "that name. A file that cannot be opened, because another program holds it or the\n"
    "hub's user may not write it, keeps only its own messages: they are tried again for 2 s,\n"
    "and then rejected until it can be opened. One that is tried again comes behind what\n"
    "arrived for the file meanwhile. For each of the files all of this page holds, but that\n"
    "format frames is for one file alone; sync: always and interval sync each file, which\n"
    "many of them make slow.\n"
    "A killed router may repeat in each file the messages of one call, at most 1,024, and what\n"
    "it truncated is repaired before the next message for that file (which is that very one\n"
    "again; only after a power cut may a truncated last line wait for longer). At most\n"
    "max_open_files of them are open; opening one more closes the one that was not used for\n"
    "longest (synced first, unless sync is never). So give at least as many as there are\n"
    "devices.\n"
    "\n"
    "Where other users may write to a folder of the path, only links, files and folders of\n"
    "the hub's user and of root are used; trust: others lifts that.";

// How its files are made, and how many.
void describe_files(standpipe::Description& d) {
  d.option("mode").text().fallback("0640").summary(
      "permissions of a file that is created, in octal and in quotes");
  d.option("create_folders")
      .boolean()
      .fallback("false")
      .summary("create the folders of the path when they are missing");
  d.option("max_open_files")
      .integer()
      .open_files()
      .fallback("256")
      .minimum("1")
      .maximum("10000")
      .unit("files")
      .summary("how many are open at a time, where path has placeholders");
  d.option("max_files")
      .integer()
      .fallback("10000")
      .minimum("1")
      .maximum("100000")
      .unit("files")
      .summary("how many messages may name, where path has placeholders");
  d.option("trust")
      .one_of({"self", "others"})
      .fallback("self")
      .summary("others: use the path even where other users could have put something in its place");
}

}  // namespace

void Log::describe(standpipe::Description& d) {
  d.name("log").version("1.0").summary("appends messages to a file");
  d.documentation(kDocumentation);
  d.option("path")
      .own_file()
      .templated()
      .required()
      .summary("the file, or with placeholders the files")
      .example("/var/log/orders.log");
  d.option("format")
      .one_of({"frames", "lines", "jsonl"})
      .fallback("lines")
      .summary("how a message lies in the file");
  d.option("rotate_size")
      .rotates()
      .bytes()
      .minimum("1B")
      .example("100MiB")
      .summary("rotate the file once it is this large");
  d.option("rotate_every")
      .rotates()
      .duration()
      .minimum("1ms")
      .example("1d")
      .summary("rotate the file once it is this old");
  d.option("keep").integer().fallback("5").minimum("0").maximum("1000").unit("files").summary(
      "how many rotated files stay");
  d.option("sync")
      .one_of({"never", "interval", "always"})
      .fallback("interval")
      .summary("when what was written is forced to disk");
  d.option("sync_interval")
      .duration()
      .fallback("1s")
      .minimum("1ms")
      .summary("how often, for sync: interval");
  describe_files(d);
}
