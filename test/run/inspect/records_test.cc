#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/temporary_folder.h"
#include "formats/image/decode.h"
#include "formats/image/image_record_writer.h"
#include "formats/image/mask.h"
#include "run/inspect/inspect_help.h"

namespace smtrain {
namespace {

using Catch::Matchers::Contains;
using nlohmann::json;
using test::Answer;
using test::answer_to;
using test::TemporaryFolder;
namespace image = formats::image;

Answer inspect(const std::string& path, const std::string& as, bool as_json = true) {
  run::InspectRequest request;
  request.path = path;
  if (!as.empty()) request.as = as;
  request.json = as_json;
  return answer_to(request);
}

std::string picture(std::uint32_t width, std::uint32_t height, image::ImageKind kind) {
  image::Pixels pixels;
  pixels.resize(width, height);
  for (std::size_t i = 0; i < pixels.rgb.size(); ++i) pixels.rgb[i] = static_cast<std::uint8_t>(i * 7);
  return image::encode_image(pixels, {kind, std::nullopt});
}

TEST_CASE("inspect: a folder of images", "[run][inspect]") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "set/cats");
  std::filesystem::create_directories(folder / "set/dogs");
  folder.write("set/cats/a.png", picture(4, 3, image::ImageKind::png));
  folder.write("set/dogs/b.jpg", picture(8, 5, image::ImageKind::jpeg));
  folder.write("set/dogs/c.jpg", picture(6, 5, image::ImageKind::jpeg));
  folder.write("set/notes.txt", "nothing\n");
  const json j = inspect(folder / "set", "images").parsed();
  CHECK(j["kind"] == "records");
  CHECK(j["data"] == "images");
  CHECK(j["records"] == json{{"count", 3}, {"exact", true}, {"read", 3}});
  CHECK(j["encoding"] == json{{"JPEG", 2}, {"PNG", 1}});
  CHECK(j["width"] == json{{"min", 4.0}, {"mean", 6.0}, {"max", 8.0}});
  CHECK(j["classes"] == json{{"cats", 1}, {"dogs", 2}});
  CHECK_THAT(j["notes"].dump(), Contains("1 file is no .jpg"));
  const std::string text = inspect(folder / "set", "images", false).out;
  CHECK_THAT(text, Contains("4 to 8, mean 6") && Contains("dogs: 2 (66.7 %)") && Contains("a.png: PNG, 4 x 3"));
}

TEST_CASE("inspect: damaged images are named, the others counted", "[run][inspect]") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "set");
  const std::string whole = picture(16, 16, image::ImageKind::jpeg);
  folder.write("set/a.jpg", whole);
  folder.write("set/b.jpg", whole.substr(0, whole.size() / 2));
  folder.write("set/c.jpg", "no image at all");
  const Answer answer = inspect(folder / "set", "images");
  REQUIRE(answer.problems.size() == 2);
  CHECK_THAT(answer.problems[0], Contains("b.jpg: "));
  CHECK_THAT(answer.problems[1], Contains("c.jpg: "));
  CHECK(answer.parsed()["encoding"] == json{{"JPEG", 1}});
}

TEST_CASE("inspect: image records and their labels", "[run][inspect]") {
  const TemporaryFolder folder;
  const std::string bytes = picture(5, 4, image::ImageKind::png);
  {
    image::ImageRecordWriter writer(folder / "a.rec");
    for (std::uint64_t i = 0; i < 3; ++i) writer.write({i, {static_cast<float>(i % 2)}, false, bytes});
    writer.commit();
    image::ImageRecordWriter boxes(folder / "b.rec");
    boxes.write({0, {2, 5, 3, 0.1f, 0.1f, 0.5f, 0.5f, 0, 0.2f, 0.2f, 0.4f, 0.9f}, true, bytes});
    boxes.commit();
  }
  const json classes = inspect(folder / "a.rec", "image-records").parsed();
  CHECK(classes["records"]["count"] == 3);
  CHECK(classes["classes"] == json{{"0", 2}, {"1", 1}});
  CHECK(classes["width"]["max"] == 5.0);
  const json boxes = inspect(folder / "b.rec", "image-records").parsed();
  CHECK(boxes["boxes_per_image"]["max"] == 2.0);
  CHECK(boxes["classes"] == json{{"0", 1}, {"3", 1}});
}

TEST_CASE("inspect: an image list", "[run][inspect]") {
  const TemporaryFolder folder;
  const json j = inspect(folder.write("a.lst", "5\t1\tdogs/a.jpg\n7\t0\tcats/b c.jpg\n"), "lst").parsed();
  CHECK(j["records"]["count"] == 2);
  CHECK(j["classes"] == json{{"0", 1}, {"1", 1}});
  CHECK(j["first"][1] == "7: 0 cats/b c.jpg");
  const Answer twice = inspect(folder.write("b.lst", "5\t1\ta.jpg\n5\t0\tb.jpg\n"), "lst");
  CHECK_THAT(twice.problems.at(0), Contains("b.lst"));
}

TEST_CASE("inspect: boxes", "[run][inspect]") {
  const TemporaryFolder folder;
  const std::string file = folder.write("coco.json", R"({"images":[{"id":1,"file_name":"a.jpg","width":100,"height":50},
    {"id":2,"file_name":"b.jpg","width":100,"height":50}],"annotations":[{"id":1,"image_id":1,"category_id":7,"bbox":[10,10,50,25]}],
    "categories":[{"id":7,"name":"dog"}]})");
  const json j = inspect(file, "").parsed();
  CHECK(j["data"] == "coco");
  CHECK(j["records"]["count"] == 2);
  CHECK(j["classes"] == json{{"dog", 1}});
  CHECK(j["background_images"] == 1);
  CHECK(j["box_width_in_percent"]["max"] == 50.0);
  CHECK_THAT(inspect(folder.write("bad.json", R"({"images":[{"id":1}],"annotations":[]})"), "coco").problems.at(0), Contains("bad.json"));
}

TEST_CASE("inspect: masks and manifests", "[run][inspect]") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "masks");
  folder.write("masks/a.png", image::encode_mask({2, 2, {0, 1, 1, image::kHole}, image::voc_palette()}));
  folder.write("masks/b.png", picture(2, 2, image::ImageKind::png));
  const Answer masks = inspect(folder / "masks", "masks");
  CHECK(masks.parsed()["pixels_by_value"] == json{{"0", 1}, {"1", 2}, {"255 (hole)", 1}});
  CHECK(masks.parsed()["mode"] == json{{"palette", 1}});
  CHECK_THAT(masks.problems.at(0), Contains("b.png: ") && Contains("--palette"));
  const json manifest = inspect(folder.write("m.manifest", "{\"source-ref\":\"a.jpg\",\"class\":\"0\",\"class-metadata\":{}}\n"
                                                            "{\"source-ref\":\"b.jpg\",\"class\":\"1\"}\n"), "manifest").parsed();
  CHECK(manifest["attributes"] == "source-ref, class");
  CHECK(manifest["labels"] == json{{"0", 1}, {"1", 1}});
}

TEST_CASE("inspect: series", "[run][inspect]") {
  const TemporaryFolder folder;
  const json j = inspect(folder.write("a.jsonl", "{\"start\":\"2020-01-01 00:00:00\",\"target\":[1,null,3],\"cat\":[0]}\n"
                                                 "{\"start\":\"2020-02-01\",\"target\":[5,\"NaN\"],\"cat\":[1]}\n"), "deepar").parsed();
  CHECK(j["records"]["count"] == 2);
  CHECK(j["length"] == json{{"min", 2.0}, {"mean", 2.5}, {"max", 3.0}});
  CHECK(j["observations"] == 5);
  CHECK(j["missing"] == 2);
  CHECK(j["category_0"] == json{{"0", 1}, {"1", 1}});
  CHECK(j["earliest_start"] == "2020-01-01 00:00:00");
  const Answer uneven = inspect(folder.write("b.jsonl", "{\"start\":\"2020-01-01\",\"target\":[1],\"cat\":[0]}\n{\"start\":\"2020-01-01\",\"target\":[1]}\n"), "deepar");
  CHECK_THAT(uneven.problems.at(0), Contains("b.jsonl:2"));
}

TEST_CASE("inspect: text and tokens", "[run][inspect]") {
  const TemporaryFolder folder;
  const json lines = inspect(folder.write("a.txt", "__label__1 good film\n__label__0 bad\n__label__1 fine thing indeed\n"), "blazingtext").parsed();
  CHECK(lines["labels"] == json{{"0", 1}, {"1", 2}});
  CHECK(lines["words_per_line"] == json{{"min", 1.0}, {"mean", 2.0}, {"max", 3.0}});
  const json pairs = inspect(folder.write("p.jsonl", "{\"label\":1,\"in0\":[774,14],\"in1\":[21]}\n{\"label\":0,\"in0\":[3],\"in1\":[20,5,4]}\n"), "object2vec").parsed();
  CHECK(pairs["in0_vocabulary"] == 775);
  CHECK(pairs["in1_tokens"]["max"] == 3.0);
  CHECK(inspect(folder.write("q.jsonl", "{\"label\":1,\"in0\":[],\"in1\":[21]}\n"), "object2vec").problems.size() == 1);
}

TEST_CASE("inspect: an unknown kind is refused with those there are", "[run][inspect]") {
  const TemporaryFolder folder;
  CHECK_THAT(inspect(folder.write("a.txt", "x\n"), "cocoa").problems.at(0), Contains("coco") && Contains("deepar"));
}

}  // namespace
}  // namespace smtrain
