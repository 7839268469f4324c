// `iter`: iterators written by hand, with or without send(), throw_() and close().
#pragma once

#include "object.h"
#include "program.h"
#include "world.h"

namespace conformance {

class IteratorObject final : public Object {
 public:
  IteratorObject(World& world, const Definition& definition, const char* label)
      : world_(world), definition_(definition), label_(label) {}

  bool has(const std::string& method) const { return definition_.options.contains(method); }

  Value next() override;
  Value send(Value value) override;
  Value throw_(std::exception_ptr error) override;
  void close() override;
  Value yield_from(Self& self) override;

 private:
  const Tokens& method(const std::string& name) const;
  Value advance();
  Value act(const Tokens& action);
  void log(const std::string& call) { world_.log(label_ + (": " + call)); }

  World& world_;
  const Definition& definition_;
  std::string label_;
  std::size_t position_ = 0;
};

}  // namespace conformance
