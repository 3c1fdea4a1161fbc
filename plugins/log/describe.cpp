// SPDX-License-Identifier: Apache-2.0
// Log: what it is, and its options.
#include "log.h"

void Log::describe(standpipe::Description& d) {
  d.name("log").version("1.0").summary("appends messages to a file");
  d.documentation(
      "lines   the payload and a newline. A newline inside a payload is written as the two\n"
      "        characters \\n, so that one message is one line. Other bytes go as they are; to\n"
      "        get every message back exactly, use frames or jsonl.\n"
      "frames  as on the wire: the length (4 bytes, little endian), then the payload. Lossless;\n"
      "        the file can be fed back into a FIFO.\n"
      "jsonl   an object a line: source, sequence, time, size, and the payload as \"text\", or as\n"
      "        \"base64\" when it is not UTF-8.\n"
      "\n"
      "Rotation happens between messages, before the first one that finds the file at\n"
      "rotate_size or older than rotate_every (since its first message; across restarts, since\n"
      "the file was created). A file is thus larger than rotate_size by at most one message,\n"
      "and without messages nothing rotates. PATH becomes PATH.1, that becomes PATH.2, and so\n"
      "on up to keep; the oldest is overwritten, and what a larger keep had left is deleted.\n"
      "With keep: 0 the full file is deleted. Where PATH is a symbolic link, all this happens\n"
      "where the file really is. A file that another log writes to is never moved or\n"
      "overwritten: the rotation is refused.\n"
      "\n"
      "A file that is deleted is opened anew before the next message is written, one that is\n"
      "moved away within a second, or at once when the router gets SIGUSR1 (logrotate's\n"
      "postrotate). When its folder is gone messages wait until it is there again\n"
      "(create_folders: true makes it). copytruncate works as well, but loses what is written\n"
      "between its copying and its truncating.\n"
      "\n"
      "sync: always means that delivered is on disk (fdatasync before a batch is settled).\n"
      "interval does it after a batch when the last time is sync_interval ago, before a\n"
      "rotation, and when the router stops or reopens; when no messages come, the last ones\n"
      "reach the disk as the kernel sees fit (usually within 30 s). never leaves it all to the\n"
      "kernel. A killed router loses nothing in any of the three; they differ when the machine\n"
      "dies.\n"
      "\n"
      "When the disk is full the file is cut back to its last whole message, and the rest waits\n"
      "and is tried again: nothing is lost, repeated or torn. A record that was cut short\n"
      "earlier is repaired on opening, with a warning: a line is finished; a frame is cut off,\n"
      "and its bytes are kept beside the file as PATH.damaged-1 (or the next number). A file\n"
      "that does not hold frames is moved to such a name, whole, and a new one begins. The file\n"
      "is locked (flock), so two logs cannot write to one path.\n"
      "\n"
      "Where other users may write to a folder of the path, only links, files and folders of\n"
      "the router's user and of root are used; trust: others lifts that.");
  d.option("path").own_file().required().summary("the file").example("/var/log/orders.log");
  d.option("format").one_of({"frames", "lines", "jsonl"}).fallback("lines").summary("how a message lies in the file");
  d.option("rotate_size").bytes().minimum("1B").example("100MiB").summary("put the file aside once it is this large");
  d.option("rotate_every").duration().minimum("1ms").example("1d").summary("put the file aside once it is this old");
  d.option("keep").integer().fallback("5").minimum("0").maximum("1000").unit("files").summary("how many rotated files stay");
  d.option("sync").one_of({"never", "interval", "always"}).fallback("interval").summary("when what was written is forced to disk");
  d.option("sync_interval").duration().fallback("1s").minimum("1ms").summary("how often, for sync: interval");
  d.option("mode").text().fallback("0640").summary("permissions of a file that is created, in octal and in quotes");
  d.option("create_folders").boolean().fallback("false").summary("create the folders of the path when they are missing");
  d.option("trust")
      .one_of({"self", "others"})
      .fallback("self")
      .summary("others: use the path even where other users could have put something in its place");
}
