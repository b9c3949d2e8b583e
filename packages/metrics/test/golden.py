# Writes golden.json beside it: python3 golden.py, with numpy 2.4, scikit-learn 1.9 and tensorflow-cpu 2.21.
import json
import os
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
from sklearn import metrics as m

random = np.random.RandomState(7)
n, classes = 13, 4
P = np.round(random.dirichlet(np.ones(classes), n), 3)
P[:, -1] = np.round(1 - P[:, :3].sum(1), 3)
y = random.randint(0, classes, n)
y[:4] = [0, 1, 2, 3]
weights = np.round(4 * random.uniform(0, 3, n)) / 4  # float32 holds them
weights[5] = 0
S = np.round(random.uniform(0, 1, (n, 3)), 1)  # with ties
L = random.randint(0, 2, (n, 3))
L[0], L[1] = 1, 0
X = np.round(random.normal(1000, 3, (n, 2)), 2)  # far from 0
Y = np.round(X + random.normal(0, 1, (n, 2)), 2)
S, X, Y = (np.float32(v) for v in (S, X, Y))
P32 = np.float32(P)

counted = [("precision", m.precision_score), ("recall", m.recall_score), ("f1", m.f1_score), ("iou", m.jaccard_score)]
golden = {}
for name, w in (("plain", None), ("weighted", weights)):
    of_classes = {
        "accuracy": m.accuracy_score(y, P.argmax(1), sample_weight=w),
        "top2": m.top_k_accuracy_score(y, P, k=2, sample_weight=w),
    }
    taken = (S > 0.5).astype(int)
    of_labels, of_one = {}, {}
    for metric, f in counted:
        for average in ("macro", "micro", "weighted"):
            key = metric if average == "macro" else f"{metric}({average})"
            of_classes[key] = f(y, P.argmax(1), average=average, sample_weight=w, zero_division=0)
            of_labels[key] = f(L, taken, average=average, sample_weight=w, zero_division=0)
        of_classes[f"{metric}(3)"] = f(y, P.argmax(1), average=None, sample_weight=w, zero_division=0)[3]
        of_one[metric] = f(L[:, 0], taken[:, 0], sample_weight=w)
    of_classes["auc"] = np.mean([m.roc_auc_score(y == c, P32[:, c], sample_weight=w) for c in range(classes)])
    nats = m.log_loss(y, P, sample_weight=w, labels=range(classes))
    of_classes["perplexity"] = np.exp(nats)
    of_classes["bitsPerToken"] = nats / np.log(2)
    of_labels["auc"] = m.roc_auc_score(L, S, average="macro", sample_weight=w)
    of_labels["accuracy"] = np.average((L == taken).mean(1), weights=w)
    of_one["auc"] = m.roc_auc_score(L[:, 0], S[:, 0], sample_weight=w)
    of_one["accuracy"] = m.accuracy_score(L[:, 0], taken[:, 0], sample_weight=w)
    a, b = np.float64(Y), np.float64(X)
    mse = m.mean_squared_error(a, b, sample_weight=w)
    of_numbers = {
        "mae": m.mean_absolute_error(a, b, sample_weight=w),
        "mse": mse,
        "rmse": np.sqrt(mse),
        "r2": m.r2_score(a, b, sample_weight=w),
    }
    golden[name] = {"classes": of_classes, "labels": of_labels, "one": of_one, "numbers": of_numbers}

i = np.arange(2 * 14 * 13 * 2)
out = np.float32((i * 37 % 101) / 101).reshape(2, 14, 13, 2)
picture = np.float32(np.clip(out + ((i * 53 % 29) / 29 - 0.5).reshape(out.shape) * 0.2, 0, 1))
golden["pictures"] = {
    "psnr": tf.image.psnr(picture, out, 1.0).numpy().mean(),
    "ssim": tf.image.ssim(picture, out, 1.0).numpy().mean(),
}


def plain(value):
    return {k: plain(v) for k, v in value.items()} if isinstance(value, dict) else float(value)


data = {"P": P32, "y": y, "weights": weights, "S": S, "L": L, "X": X, "Y": Y}
data = {k: np.round(np.float64(v), 3).tolist() for k, v in data.items()}
text = json.dumps({"data": data, "golden": plain(golden)}, indent=1)
(Path(__file__).parent / "golden.json").write_text(text + "\n")
