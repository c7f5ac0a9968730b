// An augmented manifest as the input of a conversion.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/annotation/annotation.h"
#include "formats/manifest/augmented_manifest.h"
#include "run/requests.h"

namespace smtrain::run {

/// What the label of a manifest's lines is.
enum class ManifestLabel { classes, boxes, mask };

/// By the label of one line: an object is boxes, a reference is a mask, anything else is classes.
ManifestLabel label_kind_of(const formats::ManifestLine& line);

/// The classes of a label: 3, "3", [0, 2] or "[1, 0, 1]". Throws a user Error that begins with `place`.
std::vector<float> class_labels(const std::string& text, const std::string& place, bool& is_list);

struct ManifestLabels {
  std::optional<std::vector<float>> labels;  ///< classes, or the label vector of boxes; none: an image without boxes
  bool vector = false;                       ///< a list of classes, or boxes
};

/// The label of a line as image records and image lists hold it. Throws a user Error for a mask.
ManifestLabels labels_of(const formats::ManifestLine& line, formats::BoxNotes& notes);

class ManifestInput {
 public:
  /// Takes --attribute-names, --map and --root of the request. Throws a user Error for other than two names.
  explicit ManifestInput(const ConvertRequest& request);

  formats::ManifestReader& reader() { return reader_; }
  /// Where the image of a line lies.
  std::string image_path_of(const formats::ManifestLine& line) const { return path_of(line.attributes[0], line.place); }
  std::string path_of(const formats::Attribute& attribute, const std::string& place) const;
  /// Its name below --root, else below the manifest's folder; of one that lies elsewhere only the last part.
  std::string image_name_of(const std::string& path) const;
  /// The text of the label; throws a user Error when it is of another kind than expected.
  const std::string& label_of(const formats::ManifestLine& line, ManifestLabel expected) const;
  /// The manifests, for the depfile.
  std::vector<std::string> files() const;
  /// Of them read, 0 to 1; negative when nobody knows.
  double fraction() const;

 private:
  std::vector<formats::InputFile> files_;
  formats::ManifestReader reader_;
  std::string folder_, root_;
  formats::UriMaps maps_;
};

/// References of a manifest that is written anew, perhaps elsewhere: relative ones lead to the same files; with --ref-prefix all
/// begin with that. const and thread-safe.
class MovedReferences {
 public:
  explicit MovedReferences(const ConvertRequest& request);
  /// The line as it is, where nothing has to change. Throws a user Error that begins with `place` for what is no object.
  std::string apply(std::string_view line, const std::string& place) const;

 private:
  std::string moved(const std::string& uri, const std::string& place) const;

  const ConvertRequest& request_;
  std::string from_, to_;  // folders
  formats::UriMaps maps_;
};

}  // namespace smtrain::run
