#include "formats/label_size.h"

#include "base/error.h"

namespace smtrain::formats {
namespace {

std::size_t assumed_label_size(const TableOptions& options, std::size_t columns, const std::string& where, Log& log) {
  if (options.supervised) return 1;
  const std::size_t wanted = options.feature_dim;
  const std::size_t assumed = wanted != 0 && wanted + 1 == columns ? 1 : 0;
  if (wanted != 0 && wanted + assumed != columns)
    throw user_error("{}: {} columns; feature_dim says {} (is the label column counted? label_size is not given)", where, columns,
                     wanted);
  log.warning("content type {} does not say label_size; {} columns{}: assumed label_size={}{}", options.type.to_string(), columns,
              wanted == 0 ? std::string(", feature_dim not given") : fmt::format(", feature_dim {}", wanted), assumed,
              assumed == 1 ? " (the first column is a label)" : " (all columns are features)");
  return assumed;
}

}  // namespace

std::size_t label_size_of(const TableOptions& options, std::size_t columns, const std::string& where, Log& log) {
  const auto given = options.type.integer("label_size");
  if (given && *given < 0) throw user_error("content type parameter label_size={}: expected 0 or more", *given);
  const std::size_t size = given ? static_cast<std::size_t>(*given) : assumed_label_size(options, columns, where, log);
  // Compared before anything is sized by it.
  if (size >= columns)
    throw user_error("{}: {} column{} and label_size is {}: no feature column is left", where, columns, columns == 1 ? "" : "s", size);
  return size;
}

}  // namespace smtrain::formats
