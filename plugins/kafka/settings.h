// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <standpipe/plugin.hpp>
#include <string>
#include <utility>
#include <vector>

namespace kafka {

struct ConfDestroy {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};
using Conf = std::unique_ptr<rd_kafka_conf_t, ConfDestroy>;

// What the options say of the library's properties. An option has the property's name with
// underscores for its dots; `properties` has all others as they are. Later ones replace earlier
// ones: what the bridge prefers, `properties`, the options, and what it could not work without.
class Settings {
 public:
  // Throws standpipe::fatal that names the option to blame. The library checks every value.
  explicit Settings(const standpipe::Options& options);

  // `one_by_one`: each message is a request of its own, so that a refusal tells which one it means.
  Conf producer(bool one_by_one) const;
  Conf consumer() const;

  const std::string& servers() const { return servers_; }
  const std::string& group() const { return group_; }
  // Where a partition begins that nothing is known of: RD_KAFKA_OFFSET_BEGINNING or _END.
  std::int64_t first_offset() const;
  std::size_t messages_max() const { return messages_max_; }
  std::size_t bytes_max() const { return bytes_max_; }

 private:
  using Property = std::pair<std::string, std::string>;
  void add_option(const standpipe::Options& options, const char* option);
  Conf with(const std::vector<Property>& preferred, const std::vector<Property>& needed) const;

  std::vector<Property> given_;    // by `properties`
  std::vector<Property> options_;  // by options
  std::string servers_, group_;
  std::size_t messages_max_, bytes_max_;
};

}  // namespace kafka
