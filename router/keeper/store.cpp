// SPDX-License-Identifier: Apache-2.0
#include "keeper/store.h"

#include <sys/mman.h>

#include <cerrno>

#include "base/failure.h"
#include "base/text.h"

namespace standpipe::keeper {

bool Store::keep(const std::string& name, Fd fd) {
  if (kept_.size() >= kNamesMax && !kept_.contains(name)) return false;
  kept_.insert_or_assign(name, std::move(fd));
  return true;
}

int Store::find(const std::string& name) const {
  const auto it = kept_.find(name);
  return it == kept_.end() ? -1 : it->second.get();
}

std::vector<Store::Entry> Store::entries() const {
  std::vector<Entry> all;
  for (const auto& [name, fd] : kept_) all.push_back({fd.get(), name});
  return all;
}

Fd write_list(const std::vector<Store::Entry>& entries) {
  std::string text;
  for (const auto& e : entries) (text += std::to_string(e.fd) + ' ' + e.name) += '\0';
  Fd list(::memfd_create("standpipe: names", MFD_CLOEXEC));
  if (!list ||
      ::pwrite(list.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    throw Failure::system("write the list of kept descriptors", errno);
  return list;
}

std::vector<Store::Entry> read_list(int list) {
  std::string text;
  char piece[4096];
  ssize_t n = 0;
  while ((n = ::pread(list, piece, sizeof piece, static_cast<off_t>(text.size()))) > 0)
    text.append(piece, static_cast<std::size_t>(n));
  if (n < 0) throw Failure::system("read the list of kept descriptors", errno);
  std::vector<Store::Entry> entries;
  for (std::size_t at = 0; at < text.size();) {
    const auto space = text.find(' ', at), end = text.find('\0', at);
    if (space >= end || end == text.npos) throw Failure("the list of kept descriptors is damaged");
    const auto fd = parse_integer(std::string_view(text).substr(at, space - at));
    if (!fd || *fd < 0) throw Failure("the list of kept descriptors is damaged");
    entries.push_back({static_cast<int>(*fd), text.substr(space + 1, end - space - 1)});
    at = end + 1;
  }
  return entries;
}

InheritedFds::InheritedFds(int socket, const std::vector<Store::Entry>& entries)
    : list_(write_list(entries)),
      inherited_{socket, list_.get()},
      variable_("STANDPIPE_KEEPER=" + std::to_string(socket) + ',' + std::to_string(list_.get())) {
  for (const auto& entry : entries) inherited_.push_back(entry.fd);
}

}  // namespace standpipe::keeper
