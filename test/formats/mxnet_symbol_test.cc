#include "formats/archive/mxnet_symbol.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/error.h"

using namespace smtrain;
using namespace smtrain::formats;
using nlohmann::json;

TEST_CASE("mxnet symbol: nodes, arguments, row pointers and heads as a graph of nnvm has them", "[formats]") {
  MxnetSymbol symbol;
  const auto data = symbol.variable("data", {}, "csr");
  const auto weight = symbol.variable("w", {3, 1}, "row_sparse");
  const auto bias = symbol.variable("b", {1});
  const auto product = symbol.apply("dot", "xw", {data, weight});
  const auto sum = symbol.apply("broadcast_add", "f", {product, bias});
  const auto out = symbol.apply("FullyConnected", "out", {sum}, {{"num_hidden", "1"}, {"no_bias", "True"}});
  const json graph = json::parse(symbol.json({out}));
  CHECK(graph == json::parse(R"json({
    "nodes": [{"op": "null", "name": "data", "attrs": {"__storage_type__": "2"}, "inputs": []},
              {"op": "null", "name": "w", "attrs": {"__shape__": "(3, 1)", "__storage_type__": "1"}, "inputs": []},
              {"op": "null", "name": "b", "attrs": {"__shape__": "(1,)"}, "inputs": []},
              {"op": "dot", "name": "xw", "inputs": [[0, 0, 0], [1, 0, 0]]},
              {"op": "broadcast_add", "name": "f", "inputs": [[3, 0, 0], [2, 0, 0]]},
              {"op": "FullyConnected", "name": "out", "attrs": {"no_bias": "True", "num_hidden": "1"}, "inputs": [[4, 0, 0]]}],
    "arg_nodes": [0, 1, 2], "node_row_ptr": [0, 1, 2, 3, 4, 5, 6], "heads": [[5, 0, 0]],
    "attrs": {"mxnet_version": ["int", 10300]}})json"));
}

TEST_CASE("mxnet symbol: a node knows only those before it", "[formats]") {
  MxnetSymbol symbol;
  CHECK_THROWS_AS(symbol.apply("dot", "x", {0, 1}), Error);
  CHECK_THROWS_AS(symbol.variable("x", {}, "dense"), Error);
}
