# Prints ids, places and the numbers of an npz or h5ad file, or the numbers of an npy file, as JSON; h5ad the way h5py users read it.
import json
import sys

import numpy

path = sys.argv[1]
if path.endswith(".npy"):
    out = {"embeddings": numpy.load(path).tolist()}
elif path.endswith(".npz"):
    with numpy.load(path, allow_pickle=False) as f:
        out = {k: f[k].tolist() for k in f.files}
        out["metadata"] = json.loads(out["metadata"])
else:
    import h5py

    with h5py.File(path, "r") as f:
        assert f.attrs["encoding-type"] == "anndata" and f["obs"].attrs["_index"] == "_index", dict(f.attrs)
        assert list(f["obs"].attrs["column-order"]) == ["id", "contig", "start", "end", "strand"]
        assert f["X"].attrs["encoding-type"] == "array" and f["obs/id"].attrs["encoding-type"] == "string-array"
        assert f["var/_index"].shape == (f["X"].shape[1],)
        text = lambda name: f[name].asstr()[:].tolist()
        out = {
            "embeddings": f["X"][:].tolist(),
            "ids": text("obs/id"),
            "contigs": text("obs/contig"),
            "starts": f["obs/start"][:].tolist(),
            "ends": f["obs/end"][:].tolist(),
            "strands": text("obs/strand"),
            "metadata": {k: v.asstr()[()] for k, v in f["uns/genoseq"].items()},
        }
json.dump(out, sys.stdout)
