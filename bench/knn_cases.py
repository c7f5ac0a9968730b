"""Cases of bench/run.py that measure k-nearest neighbours: time from files to answers beside scikit-learn's, the search beside faiss's,
and which of the true neighbours are found."""

import os
import shlex
import subprocess
import tarfile

import measure

K = 5
LABELLED = "text/csv;label_size=1"
DEBIAN = "/usr/bin/python3"  # whose faiss is Debian's


class KnnCases:
    """Mixed into Bench, whose helpers it uses."""

    def neighbours(self, train, model, *more):
        return [self.o.smtrain, "knn", "--quiet", "--train", train, "--content-type", LABELLED, "--k", str(K), "--predictor_type", "classifier",
                "--sample_size", "1000000", "-o", model, *more]

    def answers(self, model, test, out, *more):
        return [self.o.smtrain, "transform", "--quiet", "--model", model, "--input", test, "--content-type", LABELLED, "--output", out, *more]

    def found(self, train, test, model, truth):
        """The share of the true neighbours that a model's answers hold."""
        out = self.fresh("knn-ids.jsonl")
        measure.run(self.answers(model, test, out, "--columns", "ids"))
        return float(measure.run(self.peer("knn_truth.py", train, test, K, truth, out)).out)

    def case_knn(self):
        train, test = self.mnist("train.csv"), self.mnist("test.csv")
        if not train or not test:
            return
        self.title(f"MNIST, 60,000 rows against 3,000, k={K}, exact, CSV, trained and answered, against KNeighborsClassifier")
        model, out, truth = self.work("knn.tar"), self.work("knn.jsonl"), self.fresh("knn-truth.npy")

        def both(_):
            return ["sh", "-c", " && ".join(map(shlex.join, (self.neighbours(train, self.fresh("knn.tar")),
                                                             self.answers(model, test, self.fresh("knn.jsonl")))))]

        a, b, disturbed = self.pairs(both, lambda _: self.peer("knn.py", train, test, K, self.fresh("knn.npy")))
        self.add_pairs("knn", a, b, disturbed, 0.25)
        self.add("knn", "true neighbours found", self.found(train, test, model, truth), 1, lower_is_better=False)
        self.search_beside_faiss(model, test)
        for kind in ("faiss.IVFFlat", "faiss.IVFPQ"):
            for probes in (1, 5, 20):
                measure.run(self.neighbours(train, self.fresh("knn.tar"), "--index_type", kind, "--_faiss_index_nprobe", str(probes)))
                self.add("knn", f"true neighbours found, {kind}, {probes} of 244 lists", self.found(train, test, model, truth))

    def search_beside_faiss(self, model, test):
        """Of ours the whole process, of faiss the call alone."""
        if subprocess.run([DEBIAN, "-c", "import faiss"], capture_output=True, check=False).returncode:
            print("  (python3-faiss is not installed)")
            return
        with tarfile.open(model) as tar:
            tar.extract("model_algo-1", self.work(), filter="data")
        here = os.path.dirname(os.path.abspath(__file__))
        seconds = float(measure.run(["env", *self.o.peer_env, DEBIAN, "-B", os.path.join(here, "peers", "knn_faiss.py"),
                                     self.work("model_algo-1"), test, str(K)]).out)
        ours = min(measure.run(self.answers(model, test, self.fresh("knn.jsonl"))).wall for _ in range(3))
        self.add("knn", "transform, whole / faiss's search alone", ours / seconds, 1, ours=ours, peer=seconds)
