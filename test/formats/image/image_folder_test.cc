#include "formats/image/image_folder.h"

#include <catch2/catch.hpp>

#include "formats/recordio_samples.h"
#include "formats/scratch_folder.h"

namespace smtrain::formats::image {

TEST_CASE("image folders: classes are folders in the order of im2rec's walk", "[formats][image]") {
  const ScratchFolder folder;
  for (const char* name : {"b/2.jpg", "b/10.JPEG", "a/z.png", "a/deep/y.jpg", "a-b/x.jpg", "B/w.jpg", "top.jpg", "empty/none.txt",
                           ".hidden/h.jpg", "b/_left.jpg", "b/list.lst"}) {
    folder.write(name, "image");
  }
  const ImageFolder images = list_image_folder(folder.path());
  CHECK(images.classes == std::vector<std::string>{"", "B", "a", "a/deep", "a-b", "b"});
  std::vector<std::pair<std::string, std::uint32_t>> found;
  for (const auto& image : images.images) found.emplace_back(image.path, image.label);
  CHECK(found == std::vector<std::pair<std::string, std::uint32_t>>{
                     {"top.jpg", 0}, {"B/w.jpg", 1}, {"a/z.png", 2}, {"a/deep/y.jpg", 3}, {"a-b/x.jpg", 4}, {"b/10.JPEG", 5}, {"b/2.jpg", 5}});
  CHECK(list_image_folder(folder.path() + "/").images.size() == 7);
}

TEST_CASE("image folders: one without images is refused", "[formats][image]") {
  const ScratchFolder folder;
  folder.write("a/readme.txt", "text");
  CHECK_THAT(testing::error_of([&] { list_image_folder(folder.path()); }), Catch::Contains("no image"));
}

}  // namespace smtrain::formats::image
