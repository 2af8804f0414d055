"""Makes metrics.json: predictions and what scikit-learn and SciPy say about them (Debian: python3-sklearn, python3-scipy)."""

import itertools
import json
import os
import warnings

import numpy as np
import scipy
import scipy.stats
import sklearn
import sklearn.calibration
import sklearn.linear_model
import sklearn.metrics as m

warnings.simplefilter("ignore")
rng = np.random.default_rng(7)


def batches(y, predicted, size=32):
    parts = [(y[i:i + size], predicted[i:i + size]) for i in range(0, len(y), size)]
    weights = [len(a) for a, _ in parts]
    mean = lambda f: float(np.average([f(a, b) for a, b in parts], weights=weights))
    out = {"accuracy": mean(m.accuracy_score), "f1_macro": mean(lambda a, b: m.f1_score(a, b, average="macro")),
           "mcc": mean(m.matthews_corrcoef)}
    if max(y) == 1:
        out["f1"] = mean(m.f1_score)
    return out


def ece(confidence, right, bins=15):
    which = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence)
    return float(sum(np.mean(which == b) * abs(np.mean(right[which == b]) - np.mean(confidence[which == b]))
                     for b in range(bins) if np.any(which == b)))


def binary_metrics(y, p, threshold=0.5):
    predicted = (p > threshold).astype(int)
    return {"accuracy": m.accuracy_score(y, predicted), "f1": m.f1_score(y, predicted), "mcc": m.matthews_corrcoef(y, predicted),
            "auroc": m.roc_auc_score(y, p), "auprc": m.average_precision_score(y, p), "log_loss": m.log_loss(y, p),
            "brier": m.brier_score_loss(y, p)}


def binary(n, share, decimals):
    y = (rng.random(n) < share).astype(int)
    p = np.round(1 / (1 + np.exp(-(1.5 * y - 0.8 + rng.normal(size=n) * 1.5))), decimals)
    predicted = (p > 0.5).astype(int)
    fpr, tpr, _ = m.roc_curve(y, p, drop_intermediate=False)
    frequency, mean = sklearn.calibration.calibration_curve(y, p, n_bins=10)
    values = binary_metrics(y, p) | {"f1_macro": m.f1_score(y, predicted, average="macro"),
                                     "ece": ece(np.maximum(p, 1 - p), predicted == y)}
    return {"labels": y.tolist(), "probabilities": p.tolist(), "metrics": values, "batch": batches(y, predicted),
            "roc": [fpr.tolist(), tpr.tolist()], "calibration": [mean.tolist(), frequency.tolist()]}


def multi(n, classes):
    y = rng.integers(classes, size=n)
    logits = rng.normal(size=(n, classes)) + 1.2 * np.eye(classes)[y]
    p = np.exp(logits)
    p = np.round(p / p.sum(1, keepdims=True), 6)
    predicted = p.argmax(1)
    one_hot = np.eye(classes)[y]
    return {"labels": y.tolist(), "probabilities": p.ravel().tolist(), "classes": classes, "batch": batches(y, predicted), "metrics": {
        "accuracy": m.accuracy_score(y, predicted), "f1_macro": m.f1_score(y, predicted, average="macro"),
        "mcc": m.matthews_corrcoef(y, predicted), "auroc": m.roc_auc_score(y, p, multi_class="ovr", average="macro"),
        "auprc": m.average_precision_score(one_hot, p, average="macro"), "log_loss": m.log_loss(y, p),
        "brier": float(((p - one_hot) ** 2).sum(1).mean()), "ece": ece(p.max(1), predicted == y)}}


def multi_label(n, labels):
    y = (rng.random((n, labels)) < np.linspace(0.1, 0.6, labels)).astype(int)
    p = np.round(1 / (1 + np.exp(-(2 * y - 1 + rng.normal(size=(n, labels))))), 3)
    parts = [binary_metrics(y[:, k], p[:, k]) for k in range(labels)]
    return {"labels": labels, "targets": y.ravel().tolist(), "probabilities": p.ravel().tolist(), "parts": parts,
            "metrics": {k: float(np.mean([part[k] for part in parts])) for k in parts[0]}}


def regression(n, decimals):
    y = np.round(rng.normal(size=n) * 3 + 100, decimals)
    p = np.round(y + rng.normal(size=n) * 2 - 0.5, decimals)
    return {"targets": y.tolist(), "predictions": p.tolist(), "metrics": {
        "pearson": scipy.stats.pearsonr(y, p)[0], "spearman": scipy.stats.spearmanr(y, p)[0], "r2": m.r2_score(y, p),
        "mse": m.mean_squared_error(y, p)}}


def kmers(n, strength=0.01, k=2):
    words = ["".join(w) for length in range(1, k + 1) for w in itertools.product("ACGT", repeat=length)]
    y = np.arange(n) % 3
    bias = np.array([[.4, .2, .2, .2], [.2, .3, .3, .2], [.2, .2, .2, .4]])
    sequences = ["".join(rng.choice(list("ACGT"), size=rng.integers(30, 50), p=bias[c])) for c in y]
    count = lambda s: [sum(s[i:i + len(w)] == w for i in range(len(s))) / len(s) for w in words]
    x = np.array([count(s) for s in sequences])
    cut = 2 * n // 3
    mean, deviation = x[:cut].mean(0), x[:cut].std(0)
    x = (x - mean) / deviation
    model = sklearn.linear_model.LogisticRegression(
        C=1 / (strength * cut), multi_class="multinomial", solver="newton-cg", tol=1e-12, max_iter=100000).fit(x[:cut], y[:cut])
    return {"sequences": sequences, "labels": y.tolist(), "cut": cut, "k": k, "strength": strength,
            "probabilities": model.predict_proba(x[cut:]).ravel().tolist()}


golden = {
    "versions": {"sklearn": sklearn.__version__, "scipy": scipy.__version__, "numpy": np.__version__},
    "binary": [binary(300, 0.4, 6), binary(200, 0.1, 1), binary(150, 0.9, 2)],
    "multi": [multi(300, 4), multi(120, 3)],
    "multi_label": multi_label(120, 5),
    "regression": [regression(200, 6), regression(150, 0)],
    "kmers": kmers(90),
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "metrics.json"), "w", encoding="ascii") as f:
    json.dump(golden, f, separators=(",", ":"))
    f.write("\n")
