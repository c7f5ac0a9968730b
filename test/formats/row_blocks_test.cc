#include "formats/row_blocks.h"

#include <catch2/catch.hpp>

using namespace smtrain::formats;

TEST_CASE("the memory of row blocks is used again, and goes with the pool although someone remembers a block", "[formats]") {
  TableSchema schema;
  schema.feature_dim = 3;
  auto pool = std::make_unique<DenseBlockPool>(schema, 8);
  std::shared_ptr<DenseBlock> block = pool->take();
  const std::weak_ptr<const void> remembered = block;
  const std::weak_ptr<float> memory = block->memory;
  const float* values = block->values;
  block = nullptr;
  CHECK(remembered.expired());
  CHECK_FALSE(memory.expired());
  block = pool->take();
  CHECK(block->values == values);
  CHECK(remembered.expired());  // it was another block
  pool = nullptr;
  CHECK_FALSE(memory.expired());  // blocks may outlive the pool
  block = nullptr;
  CHECK(memory.expired());
}
