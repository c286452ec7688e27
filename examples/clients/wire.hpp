// The protocol of nnlaws, docs/protocol.md, for clients in C++17: serve(facts, operations).
//
// Each operation is a function of named arrays that returns named arrays. An array is a type, a shape, and its bytes.

#pragma once
#include <cstdint>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace wire {

struct Array {
  std::string dtype;
  std::vector<int64_t> shape;
  std::vector<unsigned char> bytes;

  // a number among the options
  double number(size_t place = 0) const {
    double x = 0;
    std::memcpy(&x, bytes.data() + 8 * place, 8);
    return x;
  }
};
using Arrays = std::map<std::string, Array>;
using Operations = std::map<std::string, std::function<Arrays(const Arrays&)>>;

inline int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

inline std::pair<std::string, Array> read(const std::string& word) {
  const size_t equals = word.find('='), opening = word.find('['), closing = word.find("]:");
  if (closing == std::string::npos) throw std::runtime_error("no array: " + word.substr(0, 80));
  Array array{word.substr(equals + 1, opening - equals - 1), {}, {}};
  std::stringstream sizes(word.substr(opening + 1, closing - opening - 1));
  for (std::string size; std::getline(sizes, size, ',');) array.shape.push_back(std::stoll(size));
  for (size_t i = closing + 2; i + 1 < word.size(); i += 2)
    array.bytes.push_back(static_cast<unsigned char>(digit(word[i]) << 4 | digit(word[i + 1])));
  return {word.substr(0, equals), array};
}

inline std::string written(const std::string& name, const Array& array) {
  std::string word = name + "=" + array.dtype + "[";
  for (size_t i = 0; i < array.shape.size(); ++i) word += (i ? "," : "") + std::to_string(array.shape[i]);
  word += "]:";
  for (unsigned char byte : array.bytes) {
    word += "0123456789abcdef"[byte >> 4];
    word += "0123456789abcdef"[byte & 15];
  }
  return word;
}

inline std::string answer(const std::string& line, const std::string& facts, const Operations& operations) {
  std::stringstream words(line);
  std::string kind, number, operation;
  words >> kind >> number >> operation;
  if (kind == "hello") {
    std::string all;
    for (const auto& each : operations) all += (all.empty() ? "" : ",") + each.first;
    return "hello 1 language=c++ " + facts + " operations=" + all;
  }
  const auto found = operations.find(operation);
  if (found == operations.end()) return "absent " + number;
  try {
    Arrays given;
    for (std::string word; words >> word;) given.insert(read(word));
    std::string result = "done " + number;
    for (const auto& [name, array] : found->second(given)) result += " " + written(name, array);
    return result;
  } catch (const std::exception& error) {
    const std::string said = error.what();
    return "failed " + number + " " + said.substr(0, said.find('\n'));
  }
}

inline void serve(const std::string& facts, const Operations& operations) {
  for (std::string line; std::getline(std::cin, line);) std::cout << answer(line, facts, operations) << std::endl;
}

}  // namespace wire
