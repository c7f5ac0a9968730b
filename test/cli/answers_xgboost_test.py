"""xgboost answering: the plain score, selected columns, missing cells, how wide rows may be."""

import json
import random
import unittest

from harness import CliTest


def table(rows, classes=2, width=4, holes=0.15, seed=3):
    """Labels first; None is a missing cell."""
    draw = random.Random(seed)
    out = []
    for _ in range(rows):
        x = [round(draw.uniform(0, 10), 3) for _ in range(width)]
        label = min(classes - 1, int((x[0] + x[1]) / 20 * classes))
        out.append([label] + [None if draw.random() < holes else value for value in x])
    return out


def cells(rows):
    return "".join(",".join("" if cell is None else str(cell) for cell in row) + "\n" for row in rows)


class Answers(CliTest):
    def setUp(self):
        super().setUp()
        self.rows = table(400)
        self.features = [row[1:] for row in self.rows]
        self.write("train.csv", cells(self.rows))
        self.write("x.csv", cells(self.features))

    def train(self, *arguments, objective="binary:logistic", model="m.tar.gz", train="train.csv"):
        self.smtrain("xgboost", "--train", train, "--content-type", "text/csv", "--num_round", "5", "--objective", objective, "-o", model,
                     *arguments)

    def transform(self, *arguments, model="m.tar.gz", data="x.csv", content_type="text/csv;label_size=0", code=0, env=None):
        output = "out"
        result = self.smtrain("transform", "--model", model, "--input", data, "--content-type", content_type, "--output", output, *arguments,
                              code=code, env=env)
        self.result = result
        return "" if code else self.read(output).decode()

    def test_the_plain_answer(self):
        self.train()
        lines = self.transform().splitlines()
        self.assertEqual(len(lines), 400)
        scores = [float(line) for line in lines]
        right = sum((score > 0.5) == (row[0] == 1) for score, row in zip(scores, self.rows))
        self.assertGreater(right, 330)
        answer = json.loads(self.transform("--accept", "application/json"))
        self.assertEqual([one["score"] for one in answer["predictions"]], scores)
        as_lines = self.transform("--accept", "application/jsonlines").splitlines()
        self.assertEqual([json.loads(line)["score"] for line in as_lines], scores)

    def test_several_classes(self):
        self.write("train.csv", cells(table(400, classes=3)))
        self.train("--num_class", "3", objective="multi:softprob")
        first = self.transform().splitlines()[0]
        self.assertRegex(first, r"^\[0\.\d+, 0\.\d+, 0\.\d+\]$")
        listed = json.loads(self.transform("--accept", "application/json"))["predictions"][0]["score"]
        self.assertEqual(json.loads(first), listed)
        self.train("--num_class", "3", objective="multi:softmax")
        self.assertIn(self.transform().splitlines()[0], ("0.0", "1.0", "2.0"))

    def test_selected_columns(self):
        self.train()
        json_answer = json.loads(self.transform("--accept", "application/json", "--columns", "predicted_label,probabilities"))["predictions"][0]
        self.assertEqual(list(json_answer), ["predicted_label", "probabilities"])
        label, (zero, one) = json_answer["predicted_label"], json_answer["probabilities"]
        self.assertIsInstance(label, int)
        self.assertAlmostEqual(zero + one, 1, places=6)
        self.assertEqual(label, int(one > 0.5))
        line = self.transform("--columns", "predicted_label,probabilities").splitlines()[0]
        self.assertRegex(line, r'^[01],"\[0\.\d+, 0\.\d+\]"$')
        swapped = self.transform("--columns", "probability,labels,predicted_label").splitlines()[0]
        self.assertRegex(swapped, r'^0\.\d+,"\[0, 1\]",[01]$')
        by_environment = self.transform(env={"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label,probabilities"}).splitlines()[0]
        self.assertEqual(by_environment, line)

    def test_columns_that_do_not_apply(self):
        self.train(objective="reg:squarederror")
        answer = json.loads(self.transform("--accept", "application/json", "--columns", "predicted_score,probability"))["predictions"][0]
        self.assertIsInstance(answer["predicted_score"], float)
        self.assertIsNone(answer["probability"])
        self.assertIn("probability: nothing of the kind belongs to this model", self.result.err)
        self.assertNotIn("predicted_score: nothing", self.result.err)
        self.transform("--columns", "probabilty", code=2)
        self.assertIn('"probabilty" is none of the columns', self.result.err)
        self.assertIn("probability", self.result.err)

    def test_contributions_sum_to_the_margin(self):
        self.train(objective="binary:logitraw")
        margins = [float(line) for line in self.transform().splitlines()]
        for line, margin in zip(self.transform("--accept", "application/jsonlines", "--columns", "contribs").splitlines(), margins):
            contributions = json.loads(line)["contribs"]
            self.assertEqual(len(contributions), 5)
            self.assertAlmostEqual(sum(contributions), margin, places=4)

    def test_how_wide_rows_may_be(self):
        self.train()
        self.write("short.csv", cells(row[:-1] for row in self.features))
        self.transform(data="short.csv", code=2)
        self.assertIn("3", self.result.err)
        self.assertIn("4", self.result.err)
        self.write("long.csv", cells(row + [1] for row in self.features))
        self.transform(data="long.csv", code=2)
        self.write("short.libsvm", "0:1 2:3\n1:4\n")
        self.assertEqual(len(self.transform(data="short.libsvm", content_type="text/libsvm").splitlines()), 2)
        self.write("long.libsvm", "0:1 4:3\n")
        self.transform(data="long.libsvm", content_type="text/libsvm", code=2)
        self.assertIn("index 4", self.result.err)

    def test_one_row_whatever_its_format_and_delimiter(self):
        self.train()
        rows = [[2.5, None, 3, 4.25], [None, 7, 1, 0.5]]
        self.write("rows.csv", cells(rows))
        expected = self.transform(data="rows.csv")
        for delimiter in "\t;| ":
            self.write("other.csv", cells(rows).replace(",", delimiter) if delimiter != " " else "2.5 nan 3 4.25\nnan 7 1 0.5\n")
            self.assertEqual(self.transform(data="other.csv"), expected, repr(delimiter))
        self.write("rows.jsonl", "".join(json.dumps({"features": row}) + "\n" for row in rows))
        self.assertEqual(self.transform(data="rows.jsonl", content_type="application/jsonlines"), expected)
        self.write("rows.libsvm", "".join(" ".join(f"{i}:{x}" for i, x in enumerate(row) if x is not None) + "\n" for row in rows))
        self.assertEqual(self.transform(data="rows.libsvm", content_type="text/libsvm"), expected)

    def test_folds_answer_together(self):
        self.train("--_kfold", "3")
        together = [float(line) for line in self.transform().splitlines()]
        alone = [float(line) for line in self.transform(env={"SAGEMAKER_INFERENCE_ENSEMBLE": "false"}).splitlines()]
        self.assertNotEqual(together, alone)
        self.assertLess(max(abs(a - b) for a, b in zip(together, alone)), 0.5)

    def test_threads_change_nothing(self):
        self.train()
        one = self.transform("--threads", "1", "--accept", "application/jsonlines", "--columns", "probability,contribs")
        self.assertEqual(self.transform("--threads", "3", "--accept", "application/jsonlines", "--columns", "probability,contribs"), one)

    def test_a_label_may_not_be_missing(self):
        self.write("train.csv", "1,2\n,3\n")
        result = self.smtrain("xgboost", "--train", "train.csv", "--content-type", "text/csv", "--num_round", "1", "-o", "m.tar", code=2)
        self.assertIn("train.csv:2: column 1: empty; features may be missing, labels and weights may not", result.err)


if __name__ == "__main__":
    unittest.main()
