#include "run/convert/text_options.h"

#include "run/flags/flag_words.h"

namespace smtrain::run {

std::vector<Flag> text_flags() {
  using namespace flag_words;
  return {
      flag("text", FlagValue::text, "COLUMNS",
           "Columns of a table, or members of JSON objects, that hold the text: names, or numbers from 0, "
           "with commas."),
      flag("second-text", FlagValue::text, "COLUMN",
           "The column with the other text of a pair: the target of seq2seq, in1 of Object2Vec."),
      flag("second", FlagValue::path, "PATH", "A file whose lines are the other texts of the pairs, line by line."),
      flag("label-names", FlagValue::text, "NAMES", "Texts of the labels 0, 1, ... of Object2Vec's pairs, with commas."),
      flag_switch("file-per-document", "Each file of the folder IN is a document, and the folder it lies in is its label."),
      choice_flag(
          "tokens", {"words", "marks", "blanks"}, "",
          "What tokens are: words alone, words and punctuation marks, or what stands between blanks (default: words for counts "
          "and object2vec, marks for blazingtext, blanks for seq2seq)."),
      flag_switch("lower-case", "Makes words lower case, as all outputs but seq2seq do by themselves."),
      flag_switch("keep-case", "Leaves words in the case they have."),
      flag("min-count", FlagValue::integer, "N", "Words that occur less often do not get into the vocabulary (default 1)."),
      flag("vocabulary-size", FlagValue::integer, "N",
           "The most words of the vocabulary, the most frequent ones (default: all; 50000 for seq2seq)."),
      flag("stop-words", FlagValue::path, "FILE", "Words, one per line, that do not get into the vocabulary."),
      flag("save-vocabulary", FlagValue::path, "PATH",
           "Writes the vocabulary that was made: a folder with vocab.src.json and vocab.trg.json for "
           "seq2seq, a JSON file for object2vec, a line per word for the others."),
      flag("vocabulary", FlagValue::path, "PATH", "Uses a vocabulary that was saved: the same words get the same numbers."),
  };
}

}  // namespace smtrain::run
