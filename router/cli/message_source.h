// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace standpipe::cli {

// Where `send` gets its messages. It never waits, because the sender must release the FIFO's lock
// before waiting for a person.
class MessageSource {
 public:
  enum class Next {
    message,  // payload() has it, until the next call
    wait,     // nothing now: wait for fd()
    end,
  };
  virtual ~MessageSource() = default;
  // Throws Failure: a message beyond the limit, standard input that cannot be read.
  virtual Next next() = 0;
  virtual std::string_view payload() const = 0;
  virtual int fd() const { return -1; }
  virtual std::optional<std::uint64_t> total() const {
    return std::nullopt;
  }  // messages, when that is known
};

// The same messages over and over, `rounds` times.
class GivenMessages final : public MessageSource {
 public:
  GivenMessages(std::vector<std::string> messages, std::uint64_t rounds);
  Next next() override;
  std::string_view payload() const override { return messages_[at_]; }
  std::optional<std::uint64_t> total() const override { return messages_.size() * rounds_; }

 private:
  std::vector<std::string> messages_;
  std::uint64_t rounds_;
  std::uint64_t sent_ = 0;
  std::size_t at_ = 0;
};

// Lines of a descriptor, without their ends; what follows the last newline is a line too. A line
// beyond the limit is refused as soon as that is seen, so memory is bounded whatever comes.
class LineMessages final : public MessageSource {
 public:
  LineMessages(int fd, std::uint64_t line_max);
  Next next() override;
  std::string_view payload() const override { return payload_; }
  int fd() const override { return fd_; }

 private:
  bool readable() const;
  void fill();

  int fd_;
  std::uint64_t line_max_;
  std::uint64_t lines_ = 0;
  bool ended_ = false;
  std::string buffer_;
  std::size_t begin_ = 0;     // of the line at hand
  std::size_t searched_ = 0;  // no newline between begin and here
  std::string_view payload_;
};

// A file's whole content; "-" is standard input. nullopt: it has more than `most` bytes, of which
// no more were read than show that. Throws Failure.
std::optional<std::string> file_up_to(const std::string& path, int standard_input,
                                      std::uint64_t most);
// The same for a message that is to be sent: throws Failure when it has more.
std::string whole_file(const std::string& path, int standard_input, std::uint64_t most);

}  // namespace standpipe::cli
