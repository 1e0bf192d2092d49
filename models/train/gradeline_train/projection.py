"""Pictures of an embedding: every view a dot in the plane, by PCA or by UMAP."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import TrainingError
from .measures import Labels, Vectors


def principal_plane(vectors: Vectors) -> NDArray[np.float32]:
    """(N, D) -> (N, 2), the two directions of most variance, each with a fixed sign (Pearson 1901)."""
    from sklearn.decomposition import PCA

    return PCA(2, svd_solver="full").fit_transform(vectors).astype(np.float32)


def neighbour_plane(vectors: Vectors, seed: int = 0) -> NDArray[np.float32]:
    """(N, D) -> (N, 2), keeping neighbours together (McInnes, Healy, Melville 2018).

    :raises TrainingError: when umap-learn is not installed
    """
    try:
        from umap import UMAP
    except ImportError as cause:
        raise TrainingError("umap-learn is not installed", "pip install umap-learn, or use --method pca") from cause
    return UMAP(n_components=2, random_state=seed, n_jobs=1).fit_transform(vectors).astype(np.float32)


def draw_map(vectors: Vectors, labels: Labels, out: Path, title: str, method: str = "pca") -> NDArray[np.float32]:
    """Writes a PNG of all vectors, coloured by label; returns the (N, 2) places."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    places = principal_plane(vectors) if method == "pca" else neighbour_plane(vectors)
    figure, axes = pyplot.subplots(figsize=(8, 7), dpi=110)
    # The map of twenty colours has pairs that look alike.
    colours = pyplot.get_cmap("tab10" if len(np.unique(labels)) <= 10 else "tab20")
    for i, label in enumerate(np.unique(labels)):
        own = labels == label
        axes.scatter(places[own, 0], places[own, 1], s=9, color=colours(i % 20), label=str(label), linewidths=0)
    axes.set_title(title)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(loc="best", fontsize=8, markerscale=2)
    figure.tight_layout()
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, metadata={"Software": None})
    pyplot.close(figure)
    return places
