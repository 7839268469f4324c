// What a process holds, as its system tells.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

inline std::size_t mappings() {
  std::ifstream maps("/proc/self/maps");
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);) ++count;
  return count;
}

/// A line of a file of the system that is given in kB. Units: bytes.
inline std::size_t kilobytes_of(const char* path, const std::string& name) {
  std::ifstream file(path);
  for (std::string word; file >> word;)
    if (word == name) {
      std::size_t kilobytes = 0;
      file >> kilobytes;
      return kilobytes * 1024;
    }
  return 0;
}

/// Such as "VmRSS:" or "VmPTE:".
inline std::size_t memory(const std::string& name) {
  return kilobytes_of("/proc/self/status", name);
}
inline std::size_t available_memory() { return kilobytes_of("/proc/meminfo", "MemAvailable:"); }
