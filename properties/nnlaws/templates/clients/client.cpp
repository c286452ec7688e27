// A client of nnlaws in C++17: it reads calls from standard input, and writes what they return.
//
// Each operation is a function of named arrays that returns named arrays: `operations` has them. An array is a type, a
// shape, and its bytes, the lowest first. The protocol is in docs/protocol.md of nnlaws.

#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <limits>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

struct Array {
  std::string dtype;
  std::vector<size_t> shape;
  std::vector<unsigned char> bytes;

  template <class T> const T* data() const { return reinterpret_cast<const T*>(bytes.data()); }
  template <class T> T* data() { return reinterpret_cast<T*>(bytes.data()); }
};
using Arrays = std::map<std::string, Array>;

template <class T> Array softmax_of(const Array& z) {
  Array result = z;
  const size_t rows = z.shape.at(0), columns = z.shape.at(1);
  for (size_t row = 0; row < rows; ++row) {
    const T* x = z.data<T>() + row * columns;
    T* a = result.data<T>() + row * columns;
    T largest = -std::numeric_limits<T>::infinity(), sum = 0;
    for (size_t k = 0; k < columns; ++k) largest = std::max(largest, x[k]);
    for (size_t k = 0; k < columns; ++k) sum += a[k] = std::exp(x[k] - largest);
    for (size_t k = 0; k < columns; ++k) a[k] /= sum;
  }
  return result;
}

Arrays softmax(const Arrays& given) {
  const Array& z = given.at("z");
  return {{"a", z.dtype == "float32" ? softmax_of<float>(z) : softmax_of<double>(z)}};
}

const std::map<std::string, std::function<Arrays(const Arrays&)>> operations = {{"softmax", softmax}};

int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

// z=float32[2,3]: and the bytes in hexadecimal
std::pair<std::string, Array> read(const std::string& word) {
  const size_t equals = word.find('='), opening = word.find('['), closing = word.find("]:");
  if (closing == std::string::npos) throw std::runtime_error("no array: " + word.substr(0, 80));
  Array array{word.substr(equals + 1, opening - equals - 1), {}, {}};
  std::stringstream sizes(word.substr(opening + 1, closing - opening - 1));
  for (std::string size; std::getline(sizes, size, ',');) array.shape.push_back(std::stoul(size));
  for (size_t i = closing + 2; i + 1 < word.size(); i += 2)
    array.bytes.push_back(static_cast<unsigned char>(digit(word[i]) << 4 | digit(word[i + 1])));
  return {word.substr(0, equals), array};
}

std::string written(const std::string& name, const Array& array) {
  std::string word = name + "=" + array.dtype + "[";
  for (size_t i = 0; i < array.shape.size(); ++i) word += (i ? "," : "") + std::to_string(array.shape[i]);
  word += "]:";
  for (unsigned char byte : array.bytes) {
    word += "0123456789abcdef"[byte >> 4];
    word += "0123456789abcdef"[byte & 15];
  }
  return word;
}

std::string answer(const std::string& line) {
  std::stringstream words(line);
  std::string kind, number, operation;
  words >> kind >> number >> operation;
  if (kind == "hello") {
    std::string all;
    for (const auto& each : operations) all += (all.empty() ? "" : ",") + each.first;
    return "hello 1 name=mine language=c++ dtypes=float32,float64 operations=" + all;
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
    return "failed " + number + " " + error.what();
  }
}

int main() {
  for (std::string line; std::getline(std::cin, line);) std::cout << answer(line) << std::endl;
}
