// TablePlan: which columns of a Parquet file are labels and features of a table, and where each goes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/log.h"
#include "formats/parquet/columns.h"
#include "formats/table_parser.h"

namespace smtrain::formats::parquet {

/// A column of the table: one leaf of numbers, a list of them, or Spark's vector of four leaves (type, size, indices, values).
struct TableColumn {
  enum class Form { number, list, vector };
  enum class Role { feature, label, weight };
  std::string name;
  Form form = Form::number;
  Role role = Role::feature;
  std::size_t leaf = 0;    ///< the first one, in the parts
  std::size_t place = 0;   ///< its first number's, among the row's features or labels
  std::size_t width = 1;   ///< numbers in a row
};

struct TablePlan {
  std::vector<TableColumn> columns;  ///< in the file's order
  TableSchema schema;
};

/// Settles the columns by the first part of the first file and the content type:
///   label_size=N            the first N columns are labels
///   label=NAME or INDEX     several with commas; an INDEX from 0 or negative from the end
///   weights=1               the first column that is no label holds row weights
/// Without a parameter a scalar column named label is the label when there is a vector (Spark's convention); else a supervised
/// channel's first column is. Lists and vectors are as wide as in the first row that has one; a first vector that is sparse makes
/// the table sparse. Throws user Errors with the file: columns that are no numbers, all of them; no feature left; another
/// feature_dim.
TablePlan make_table_plan(const Part& first, const TableOptions& options, const std::string& source, Log& log);

}  // namespace smtrain::formats::parquet
