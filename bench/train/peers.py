"""The benchmark's networks in PyTorch (eager) and scikit-learn: one timing, printed as JSON.

usage: peers.py pytorch|scikit-learn NETWORK THREADS SECONDS
"""

import json
import sys
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")
peer, network, threads, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])

ROWS = {"mlp-64": 16512, "mlp-512": 8192, "cnn": 1024, "gru": 2048, "transformer": 1024}[network]
BATCH = {"mlp-64": 32, "mlp-512": 1024, "cnn": 64, "gru": 64, "transformer": 32}[network]
ROW = {"mlp-64": (8,), "mlp-512": (8,), "cnn": (1, 28, 28), "gru": (24, 8), "transformer": (32, 8)}[network]


def data():
    x = np.random.default_rng(3).standard_normal((ROWS, *ROW), dtype=np.float32)
    flat = x.reshape(ROWS, -1)
    return x, flat[:, 0] - 2 * flat[:, 1]


def blas():
    """The BLAS that is loaded into this process."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return "BLAS unknown"
    found = [entry for entry in threadpool_info() if entry["user_api"] == "blas"]
    return ", ".join(f"{entry['internal_api']} {entry['version']}" for entry in found) or "no BLAS"


def pytorch():
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(0)

    def mlp(*sizes):
        layers = []
        for at, (a, b) in enumerate(zip(sizes, sizes[1:])):
            layers += [nn.Linear(a, b)] + ([nn.ReLU()] if at < len(sizes) - 2 else [])
        return nn.Sequential(*layers)

    class Gru(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru = nn.GRU(8, 64, batch_first=True)
            self.last = nn.Linear(64, 1)

        def forward(self, x):
            return self.last(self.gru(x)[0][:, -1])

    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(8, 64)
            self.block = nn.TransformerEncoderLayer(64, 4, 256, dropout=0.0, batch_first=True)
            self.last = nn.Linear(64, 1)

        def forward(self, x):
            return self.last(self.block(self.first(x)).mean(1))

    model = {
        "mlp-64": lambda: mlp(8, 64, 64, 1),
        "mlp-512": lambda: mlp(8, 512, 512, 512, 1),
        "cnn": lambda: nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(32 * 49, 10),
        ),
        "gru": Gru,
        "transformer": Transformer,
    }[network]()
    x, y = map(torch.from_numpy, data())
    if network == "cnn":
        y, loss_of = (y > 0).long(), nn.functional.cross_entropy
    else:
        y, loss_of = y[:, None], nn.functional.mse_loss
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def train(duration):
        started, steps = time.perf_counter(), 0
        while True:
            order = torch.randperm(ROWS)
            for at in range(ROWS // BATCH):
                rows = order[at * BATCH : (at + 1) * BATCH]
                optimizer.zero_grad(set_to_none=True)
                loss_of(model(x[rows]), y[rows]).backward()
                optimizer.step()
                steps += 1
                elapsed = time.perf_counter() - started
                if elapsed > duration:
                    return elapsed / steps

    train(min(0.5, seconds / 4))
    step = train(seconds)
    onednn = "with" if torch.backends.mkldnn.is_available() else "without"
    return step, f"PyTorch {torch.__version__} {onednn} oneDNN, {blas()}"


def scikit_learn():
    import sklearn
    from sklearn.neural_network import MLPRegressor

    x, y = data()

    def fit(epochs):
        model = MLPRegressor(
            (64, 64), batch_size=BATCH, max_iter=epochs, tol=0, n_iter_no_change=epochs, random_state=0
        )
        started = time.perf_counter()
        model.fit(x, y)
        return (time.perf_counter() - started) / (model.n_iter_ * -(-ROWS // BATCH))

    first = fit(1)
    step = fit(max(2, round(seconds / (first * ROWS / BATCH))))
    return step, f"scikit-learn {sklearn.__version__}, NumPy {np.__version__}, {blas()}"


stepSeconds, build = {"pytorch": pytorch, "scikit-learn": scikit_learn}[peer]()
print(json.dumps({"stepMs": stepSeconds * 1000, "build": build}))
