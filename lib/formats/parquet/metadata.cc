#include "formats/parquet/metadata.h"

#include "base/error.h"
#include "formats/parquet/thrift.h"

namespace smtrain::formats::parquet {
namespace {

std::int64_t not_negative(std::int64_t value, const char* what) {
  if (value < 0) throw user_error("the metadata is damaged: {} is {}", what, value);
  return value;
}

std::int32_t size32(ThriftReader& in, ThriftType type, const char* what) {
  return static_cast<std::int32_t>(not_negative(in.integer32(type), what));
}

template <class E>
E enumerator(ThriftReader& in, ThriftType type, E last, const char* what) {
  const std::int64_t value = in.integer(type);
  if (value < 0 || value > static_cast<std::int64_t>(last))
    throw user_error("the metadata is damaged: {} {} is not known", what, value);
  return static_cast<E>(value);
}

// The older way to say what values mean.
void set_converted_type(SchemaElement& e, std::int64_t converted) {
  constexpr Meaning kMeanings[] = {Meaning::text,
                                   Meaning::map,
                                   Meaning::map,
                                   Meaning::list,
                                   Meaning::enumeration,
                                   Meaning::decimal,
                                   Meaning::date,
                                   Meaning::time,
                                   Meaning::time,
                                   Meaning::timestamp,
                                   Meaning::timestamp,
                                   Meaning::unsigned_integer,
                                   Meaning::unsigned_integer,
                                   Meaning::unsigned_integer,
                                   Meaning::unsigned_integer,
                                   Meaning::integer,
                                   Meaning::integer,
                                   Meaning::integer,
                                   Meaning::integer,
                                   Meaning::json,
                                   Meaning::bson,
                                   Meaning::interval};
  if (converted < 0 || converted >= static_cast<std::int64_t>(std::size(kMeanings))) return;
  // What logicalType says goes before it, whichever comes first.
  if (e.meaning != Meaning::none) return;
  e.meaning = kMeanings[converted];
  e.unit = converted == 8 || converted == 10 ? TimeUnit::micros : TimeUnit::millis;
}

void read_time_type(ThriftReader& in, SchemaElement& e) {
  in.fields([&](std::int64_t id, ThriftType type) {
    if (id != 2) return in.skip(type);
    in.fields([&](std::int64_t unit, ThriftType inner) {
      if (unit >= 1 && unit <= 3) e.unit = static_cast<TimeUnit>(unit - 1);
      in.skip(inner);
    });
  });
}

void read_logical_type(ThriftReader& in, SchemaElement& e) {
  constexpr Meaning kMeanings[] = {Meaning::none,        Meaning::text,    Meaning::map,     Meaning::list,
                                   Meaning::enumeration, Meaning::decimal, Meaning::date,    Meaning::time,
                                   Meaning::timestamp,   Meaning::none,    Meaning::integer, Meaning::null,
                                   Meaning::json,        Meaning::bson,    Meaning::uuid,    Meaning::float16};
  in.fields([&](std::int64_t id, ThriftType type) {
    const Meaning meaning = id >= 0 && id < static_cast<std::int64_t>(std::size(kMeanings)) ? kMeanings[id] : Meaning::none;
    if (meaning == Meaning::none || type != ThriftType::structure) return in.skip(type);
    e.meaning = meaning;
    if (meaning == Meaning::time || meaning == Meaning::timestamp) return read_time_type(in, e);
    in.fields([&](std::int64_t inner, ThriftType t) {
      if (meaning == Meaning::decimal && inner == 1) e.scale = in.integer32(t);
      else if (meaning == Meaning::integer && inner == 2)
        e.meaning = in.boolean(t) ? Meaning::integer : Meaning::unsigned_integer;
      else in.skip(t);
    });
  });
}

SchemaElement read_schema_element(ThriftReader& in) {
  SchemaElement e;
  std::int64_t converted = -1;
  in.fields([&](std::int64_t id, ThriftType type) {
    switch (id) {
      case 1: e.type = enumerator(in, type, PhysicalType::fixed_len_byte_array, "a physical type"); break;
      case 2: e.type_length = size32(in, type, "type_length"); break;
      case 3: e.repetition = enumerator(in, type, Repetition::repeated, "a repetition"); break;
      case 4: e.name = in.text(type); break;
      case 5: e.num_children = size32(in, type, "num_children"); break;
      case 6: converted = in.integer(type); break;
      case 7: e.scale = in.integer32(type); break;
      case 10: read_logical_type(in, e); break;
      default: in.skip(type);
    }
  });
  set_converted_type(e, converted);
  return e;
}

void read_column_metadata(ThriftReader& in, ColumnChunk& c) {
  in.fields([&](std::int64_t id, ThriftType type) {
    switch (id) {
      case 1: c.type = enumerator(in, type, PhysicalType::fixed_len_byte_array, "a physical type"); break;
      case 4: c.codec = enumerator(in, type, Codec::lz4_raw, "a codec"); break;
      case 5: c.num_values = not_negative(in.integer(type), "num_values"); break;
      case 6: c.total_uncompressed_size = not_negative(in.integer(type), "total_uncompressed_size"); break;
      case 7: c.total_compressed_size = not_negative(in.integer(type), "total_compressed_size"); break;
      case 9: c.data_page_offset = not_negative(in.integer(type), "data_page_offset"); break;
      case 11: c.dictionary_page_offset = not_negative(in.integer(type), "dictionary_page_offset"); break;
      default: in.skip(type);
    }
  });
}

ColumnChunk read_column_chunk(ThriftReader& in) {
  ColumnChunk c;
  bool known = false;
  in.fields([&](std::int64_t id, ThriftType type) {
    switch (id) {
      case 1: throw user_error("a column lies in another file, {}; such files cannot be read", in.text(type));
      case 3:
        read_column_metadata(in, c);
        known = true;
        break;
      case 4: c.offset_index_offset = not_negative(in.integer(type), "offset_index_offset"); break;
      case 5: c.offset_index_length = size32(in, type, "offset_index_length"); break;
      case 8: throw user_error("the file is encrypted; write it without encryption");
      default: in.skip(type);
    }
  });
  if (!known) throw user_error("the metadata is damaged: a column without its metadata");
  return c;
}

RowGroup read_row_group(ThriftReader& in) {
  RowGroup g;
  in.fields([&](std::int64_t id, ThriftType type) {
    if (id == 1) in.elements(type, [&](ThriftType) { g.columns.push_back(read_column_chunk(in)); });
    else if (id == 3) g.num_rows = not_negative(in.integer(type), "num_rows");
    else in.skip(type);
  });
  return g;
}

std::pair<std::string, std::string> read_key_value(ThriftReader& in) {
  std::pair<std::string, std::string> pair;
  in.fields([&](std::int64_t id, ThriftType type) {
    if (id == 1) pair.first = in.text(type);
    else if (id == 2) pair.second = in.text(type);
    else in.skip(type);
  });
  return pair;
}

void read_data_page_header(ThriftReader& in, PageHeader& h) {
  in.fields([&](std::int64_t id, ThriftType type) {
    switch (id) {
      case 1: h.num_values = size32(in, type, "num_values"); break;
      case 2: h.encoding = enumerator(in, type, Encoding::byte_stream_split, "an encoding"); break;
      case 3: h.definition_level_encoding = enumerator(in, type, Encoding::byte_stream_split, "an encoding"); break;
      case 4: h.repetition_level_encoding = enumerator(in, type, Encoding::byte_stream_split, "an encoding"); break;
      default: in.skip(type);
    }
  });
}

void read_data_page_header_v2(ThriftReader& in, PageHeader& h) {
  in.fields([&](std::int64_t id, ThriftType type) {
    switch (id) {
      case 1: h.num_values = size32(in, type, "num_values"); break;
      case 2: h.num_nulls = size32(in, type, "num_nulls"); break;
      case 3: h.num_rows = size32(in, type, "num_rows"); break;
      case 4: h.encoding = enumerator(in, type, Encoding::byte_stream_split, "an encoding"); break;
      case 5: h.definition_levels_byte_length = size32(in, type, "the length of levels"); break;
      case 6: h.repetition_levels_byte_length = size32(in, type, "the length of levels"); break;
      case 7: h.is_compressed = in.boolean(type); break;
      default: in.skip(type);
    }
  });
}

void read_dictionary_page_header(ThriftReader& in, PageHeader& h) {
  in.fields([&](std::int64_t id, ThriftType type) {
    if (id == 1) h.num_values = size32(in, type, "num_values");
    else if (id == 2) h.encoding = enumerator(in, type, Encoding::byte_stream_split, "an encoding");
    else in.skip(type);
  });
}

}  // namespace

FileMetadata read_file_metadata(std::span<const char> bytes, std::size_t* used) {
  FileMetadata file;
  ThriftReader in(bytes);
  in.fields([&](std::int64_t id, ThriftType type) {
    switch (id) {
      case 2: in.elements(type, [&](ThriftType) { file.schema.push_back(read_schema_element(in)); }); break;
      case 3: file.num_rows = not_negative(in.integer(type), "num_rows"); break;
      case 4: in.elements(type, [&](ThriftType) { file.row_groups.push_back(read_row_group(in)); }); break;
      case 5: in.elements(type, [&](ThriftType) { file.key_values.push_back(read_key_value(in)); }); break;
      case 6: file.created_by = in.text(type); break;
      case 8: throw user_error("the file is encrypted; write it without encryption");
      default: in.skip(type);
    }
  });
  if (used != nullptr) *used = in.position();
  return file;
}

PageHeader read_page_header(std::span<const char> bytes, std::size_t& used) {
  PageHeader h;
  ThriftReader in(bytes);
  in.fields([&](std::int64_t id, ThriftType type) {
    switch (id) {
      case 1: h.type = enumerator(in, type, PageType::data_v2, "a page type"); break;
      case 2: h.uncompressed_page_size = size32(in, type, "uncompressed_page_size"); break;
      case 3: h.compressed_page_size = size32(in, type, "compressed_page_size"); break;
      case 4: h.crc = static_cast<std::uint32_t>(in.integer32(type)); break;
      case 5: read_data_page_header(in, h); break;
      case 7: read_dictionary_page_header(in, h); break;
      case 8: read_data_page_header_v2(in, h); break;
      default: in.skip(type);
    }
  });
  used = in.position();
  return h;
}

std::vector<PageLocation> read_offset_index(std::span<const char> bytes) {
  std::vector<PageLocation> pages;
  ThriftReader in(bytes);
  in.fields([&](std::int64_t id, ThriftType type) {
    if (id != 1) return in.skip(type);
    in.elements(type, [&](ThriftType) {
      PageLocation& page = pages.emplace_back();
      in.fields([&](std::int64_t inner, ThriftType t) {
        if (inner == 1) page.offset = not_negative(in.integer(t), "offset");
        else if (inner == 2) page.compressed_page_size = size32(in, t, "compressed_page_size");
        else if (inner == 3) page.first_row_index = not_negative(in.integer(t), "first_row_index");
        else in.skip(t);
      });
    });
  });
  return pages;
}

const char* name_of(Codec codec) {
  constexpr const char* kNames[] = {"none", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4_raw"};
  return kNames[static_cast<std::size_t>(codec)];
}

const char* name_of(Encoding encoding) {
  constexpr const char* kNames[] = {"PLAIN", "GROUP_VAR_INT", "PLAIN_DICTIONARY", "RLE", "BIT_PACKED", "DELTA_BINARY_PACKED",
                                    "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "RLE_DICTIONARY", "BYTE_STREAM_SPLIT"};
  return kNames[static_cast<std::size_t>(encoding)];
}

}  // namespace smtrain::formats::parquet
