"""Writes test/fixtures/networks/: what PyTorch computes for ResNet-18 with a projection head, of the contrastive loss, of telling
views apart, of the denoising autoencoder, and for EfficientNet with the modules nested as torchvision nests them.

    python3 -m venv venv && venv/bin/pip install torch==2.13.0 numpy safetensors==0.8.0
    venv/bin/python scripts/make-network-fixtures.py

Weights and images come from a hash that the test computes too (`pattern`), so that only results are stored. All is
computed in float64 from float32 values. Of each array its norm, its product with a pattern and its first four values are kept.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)


def pattern(count, salt):
    """Uniform in [-1, 1): murmur3's finaliser of the index."""
    x = ((np.arange(count, dtype=np.uint64) + 1) * 2654435761 + salt * 40503) & 0xFFFFFFFF
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        x ^= x >> np.uint64(shift)
        x = (x * factor) & 0xFFFFFFFF
    return x.astype(np.float64) / 2147483648 - 1


class Parameters:
    """Named parameters in our layout and order: filters (h, w, in, out), dense kernels (in, out)."""

    def __init__(self):
        self.of = {}

    def add(self, name, shape):
        part = name.rsplit("/", 1)[1]
        u = pattern(math.prod(shape), len(self.of) + 1)
        if part == "kernel":
            values = u * math.sqrt(6 / (math.prod(shape[:-2]) * shape[-1]))
        elif part in ("gamma", "variance"):
            values = 1 + 0.25 * u
        else:
            values = 0.25 * u
        tensor = torch.tensor(values.astype(np.float32).astype(np.float64).reshape(shape))
        self.of[name] = tensor.requires_grad_(part not in ("mean", "variance"))

    def conv(self, name, size, inputs, outputs):
        self.add(f"{name}/kernel", (size, size, inputs, outputs))

    def bn(self, name, channels):
        for part in ("gamma", "beta", "mean", "variance"):
            self.add(f"{name}/{part}", (channels,))

    def dense(self, name, inputs, outputs, bias):
        self.add(f"{name}/kernel", (inputs, outputs))
        if bias:
            self.add(f"{name}/bias", (outputs,))


class Net:
    def __init__(self, side, width, head, classes, counts=(2, 2, 2, 2), bottleneck=False):
        self.side, self.head, self.classes = side, head, classes
        self.p = Parameters()
        stem = 3 if side <= 64 else 7
        self.p.conv("stem/conv", stem, 3, 64)
        self.p.bn("stem/bn", 64)
        self.blocks = []
        inputs = 64
        for stage in range(4):
            channels = round(64 * 2**stage * width)
            outputs = channels * (4 if bottleneck else 1)
            for block in range(counts[stage]):
                name = f"stage{stage + 1}/block{block + 1}"
                stride = 2 if stage > 0 and block == 0 else 1
                projects = stride != 1 or inputs != outputs
                # Filter's side, channels and stride of each convolution; in a bottleneck the 3 x 3 one has the stride, as in torchvision.
                basic = [(3, outputs, stride), (3, outputs, 1)]
                convolutions = [(1, channels, 1), (3, channels, stride), (1, outputs, 1)] if bottleneck else basic
                before = inputs
                for i, (size, after, _) in enumerate(convolutions):
                    self.p.conv(f"{name}/conv{i + 1}", size, before, after)
                    self.p.bn(f"{name}/bn{i + 1}", after)
                    before = after
                if projects:
                    self.p.conv(f"{name}/shortcut/conv", 1, inputs, outputs)
                    self.p.bn(f"{name}/shortcut/bn", outputs)
                self.blocks.append((name, stride, projects, [by for _, _, by in convolutions]))
                inputs = outputs
        for i, d in enumerate(head):
            if i < len(head) - 1:
                self.p.dense(f"head/dense{i + 1}", inputs, d, bias=False)
                self.p.bn(f"head/bn{i + 1}", d)
            else:
                self.p.dense("head/embed", inputs, d, bias=True)
            inputs = d
        self.p.dense("head/logits", inputs, classes, bias=True)

    def conv(self, name, x, stride):
        w = self.p.of[f"{name}/kernel"]
        return F.conv2d(x, w.permute(3, 2, 0, 1), stride=stride, padding=w.shape[0] // 2)

    def bn(self, name, x, training):
        of = {part: self.p.of[f"{name}/{part}"] for part in ("gamma", "beta", "mean", "variance")}
        if training and x.dim() == 2:  # Keras takes the biased variance into the running average of rows; PyTorch does not
            with torch.no_grad():
                of["mean"].lerp_(x.mean(0), 0.1)
                of["variance"].lerp_(x.var(0, unbiased=False), 0.1)
            return F.batch_norm(x, None, None, of["gamma"], of["beta"], True, eps=1e-5)
        return F.batch_norm(x, of["mean"], of["variance"], of["gamma"], of["beta"], training, momentum=0.1, eps=1e-5)

    def pool(self, x, training):
        large = self.side > 64
        y = F.relu(self.bn("stem/bn", self.conv("stem/conv", x, 2 if large else 1), training))
        if large:
            y = F.max_pool2d(y, 3, 2, 1)
        for name, stride, projects, strides in self.blocks:
            z = y
            for i, by in enumerate(strides):
                z = self.bn(f"{name}/bn{i + 1}", self.conv(f"{name}/conv{i + 1}", z, by), training)
                z = F.relu(z) if i + 1 < len(strides) else z
            if projects:
                y = self.bn(f"{name}/shortcut/bn", self.conv(f"{name}/shortcut/conv", y, stride), training)
            y = F.relu(y + z)
        return y.mean((2, 3))

    def logits(self, pooled, training):
        y = pooled
        for i in range(1, len(self.head)):
            y = F.relu(self.bn(f"head/bn{i}", y @ self.p.of[f"head/dense{i}/kernel"], training))
        if self.head:
            y = y @ self.p.of["head/embed/kernel"] + self.p.of["head/embed/bias"]
        return y @ self.p.of["head/logits/kernel"] + self.p.of["head/logits/bias"]


def digest(tensor):
    values = tensor.detach().contiguous().numpy().reshape(-1)
    return [float(f"{v:.9g}") for v in (np.linalg.norm(values), values @ pattern(values.size, 99), *values[:4])]


networks = {"resnet10": ((1, 1, 1, 1), False), "resnet18": ((2, 2, 2, 2), False), "resnet34": ((3, 4, 6, 3), False), "resnet50": ((3, 4, 6, 3), True)}


def case(side, width, head, images, network="resnet18"):
    classes, rate, momentum, decay = 4, 2e-5, 0.9, 0.05  # small steps: float32 stays beside float64; a decay that shows
    net = Net(side, width, head, classes, *networks[network])
    pixels = (0.5 + 0.5 * pattern(images * side * side * 3, 7)).astype(np.float32).astype(np.float64)
    x = torch.tensor(pixels.reshape(images, side, side, 3)).permute(0, 3, 1, 2)
    labels = torch.arange(images) % classes
    with torch.no_grad():
        inferred = net.pool(x, training=False)
        out = {
            "network": network, "side": side, "width": width, "head": head, "images": images, "classes": classes,
            "rate": rate, "momentum": momentum, "decay": decay,
            "inference": {"pool": digest(inferred), "logits": digest(net.logits(inferred, training=False))},
        }
    start = {name: t.detach().clone() for name, t in net.p.of.items()}
    trained = [t for t in net.p.of.values() if t.requires_grad]
    sgd = torch.optim.SGD(trained, lr=rate, momentum=momentum, weight_decay=decay)
    steps = []
    for _ in range(3):
        sgd.zero_grad()
        loss = F.cross_entropy(net.logits(net.pool(x, training=True), training=True), labels)
        loss.backward()
        steps.append(loss.item())
        if len(steps) == 1:
            out["gradients"] = {name: digest(t.grad) for name, t in net.p.of.items() if t.requires_grad}
        sgd.step()
    out["losses"] = steps
    out["moves"] = {name: digest(t - start[name]) for name, t in net.p.of.items()}
    return out


def info_nce(anchors, candidates, temperature):
    similar = F.cosine_similarity(anchors[:, None, :], candidates[None, :, :], dim=2)
    return F.cross_entropy(similar / temperature, torch.arange(len(anchors)))


def contrastive_loss(rows, columns, temperature):
    views = [torch.tensor(pattern(rows * columns, salt).astype(np.float32).astype(np.float64)) for salt in (11, 12)]
    anchors, candidates = (view.reshape(rows, columns).requires_grad_() for view in views)
    loss = info_nce(anchors, candidates, temperature)
    loss.backward()
    return {
        "rows": rows, "columns": columns, "temperature": temperature, "loss": loss.item(),
        "gradients": [[float(f"{v:.9g}") for v in view.grad.reshape(-1)] for view in (anchors, candidates)],
    }


def contrastive_head(features, hidden, outputs, images, temperature):
    """The whole learner behind the pooled features: batch statistics over both views, a linear last layer without bias."""
    p = Parameters()
    p.dense("head/dense1", features, hidden, bias=False)
    p.bn("head/bn1", hidden)
    p.dense("head/embed", hidden, outputs, bias=False)
    x = pattern(2 * images * features, 13).astype(np.float32).astype(np.float64)
    y = torch.tensor(x.reshape(2 * images, features)) @ p.of["head/dense1/kernel"]
    y = F.relu(F.batch_norm(y, None, None, p.of["head/bn1/gamma"], p.of["head/bn1/beta"], True, eps=1e-5))
    y = y @ p.of["head/embed/kernel"]
    loss = info_nce(y[:images], y[images:], temperature)
    loss.backward()
    return {
        "features": features, "head": [hidden, outputs], "images": images, "temperature": temperature, "loss": loss.item(),
        "gradients": {name: digest(t.grad) for name, t in p.of.items() if t.requires_grad},
    }


def classify_views(features, hidden, outputs, images, views):
    """Which view is it? Behind the pooled features: batch statistics over all views, last layers with biases."""
    p = Parameters()
    p.dense("head/dense1", features, hidden, bias=False)
    p.bn("head/bn1", hidden)
    p.dense("head/embed", hidden, outputs, bias=True)
    p.dense("head/logits", outputs, views, bias=True)
    x = pattern(views * images * features, 13).astype(np.float32).astype(np.float64)
    y = torch.tensor(x.reshape(views * images, features)) @ p.of["head/dense1/kernel"]
    y = F.relu(F.batch_norm(y, None, None, p.of["head/bn1/gamma"], p.of["head/bn1/beta"], True, eps=1e-5))
    y = y @ p.of["head/embed/kernel"] + p.of["head/embed/bias"]
    y = y @ p.of["head/logits/kernel"] + p.of["head/logits/bias"]
    loss = F.cross_entropy(y, torch.arange(views).repeat_interleave(images))
    loss.backward()
    return {
        "features": features, "head": [hidden, outputs], "images": images, "views": views, "loss": loss.item(),
        "gradients": {name: digest(t.grad) for name, t in p.of.items() if t.requires_grad},
    }


def denoising(side, columns, images):
    """The mirrored decoder and the mean squared error behind a stand-in for the encoder: some of the image's pixels."""
    p = Parameters()
    sides = [side]
    while sides[0] > 4:
        sides.insert(0, -(-sides[0] // 2))
    channels = [max(16, columns >> i) for i in range(len(sides))]
    p.dense("decoder/dense", columns, sides[0] ** 2 * channels[0], bias=False)
    p.bn("decoder/bn0", channels[0])
    for i in range(1, len(sides)):
        p.conv(f"decoder/conv{i}", 3, channels[i - 1], channels[i])
        p.bn(f"decoder/bn{i}", channels[i])
    p.conv("decoder/image", 3, channels[-1], 3)
    p.add("decoder/image/bias", (3,))

    def conv(name, x):
        return F.conv2d(x, p.of[f"{name}/kernel"].permute(3, 2, 0, 1), padding=1)

    def bn(name, x):
        return F.relu(F.batch_norm(x, None, None, p.of[f"{name}/gamma"], p.of[f"{name}/beta"], True, eps=1e-5))

    x = pattern(2 * images * side * side * 3, 17).astype(np.float32).astype(np.float64).reshape(2 * images, side, side, 3)
    noisy, clean = torch.tensor(x[:images]), torch.tensor(x[images:])
    code = noisy.reshape(images, -1)[:, :columns]
    y = (code @ p.of["decoder/dense/kernel"]).reshape(images, sides[0], sides[0], channels[0]).permute(0, 3, 1, 2)
    y = bn("decoder/bn0", y)
    for i in range(1, len(sides)):
        y = F.interpolate(y, scale_factor=2, mode="nearest")[:, :, : sides[i], : sides[i]]
        y = bn(f"decoder/bn{i}", conv(f"decoder/conv{i}", y))
    y = conv("decoder/image", y).permute(0, 2, 3, 1) + p.of["decoder/image/bias"]
    loss = F.mse_loss(y, clean)
    loss.backward()
    return {
        "side": side, "columns": columns, "images": images, "loss": loss.item(), "decoded": digest(y),
        "gradients": {name: digest(t.grad) for name, t in p.of.items() if t.requires_grad},
    }


class SqueezeExcitation(nn.Module):
    def __init__(self, channels, squeezed):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.fc2(F.silu(self.fc1(x.mean((2, 3), keepdim=True)))))


def conv_bn(inputs, outputs, size, stride=1, groups=1, active=True):
    conv = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), *([nn.SiLU()] if active else []))


class MBConv(nn.Module):
    def __init__(self, inputs, outputs, expansion, size, stride):
        super().__init__()
        wide = inputs * expansion
        self.skips = stride == 1 and inputs == outputs
        self.block = nn.Sequential(
            *([conv_bn(inputs, wide, 1)] if expansion > 1 else []),
            conv_bn(wide, wide, size, stride, groups=wide),
            SqueezeExcitation(wide, inputs // 4),
            conv_bn(wide, outputs, 1, active=False),
        )

    def forward(self, x):
        return self.block(x) + x if self.skips else self.block(x)


class EfficientNet(nn.Module):
    """`features` as in torchvision, without its classifier and without what it drops at random in training."""

    def __init__(self, stem, stages):
        super().__init__()
        layers, inputs = [conv_bn(3, stem, 3, stride=2)], stem
        for expansion, size, stride, outputs, count in stages:
            blocks = []
            for at in range(count):
                blocks.append(MBConv(inputs, outputs, expansion, size, stride if at == 0 else 1))
                inputs = outputs
            layers.append(nn.Sequential(*blocks))
        layers.append(conv_bn(inputs, 4 * inputs, 1))
        self.features = nn.Sequential(*layers)
        tensors = [(name, t) for name, t in self.state_dict().items() if t.is_floating_point()]
        for at, (name, t) in enumerate(tensors):  # state_dict shares memory with the modules
            u = pattern(t.numel(), at + 1).reshape(t.shape)
            if t.dim() == 4:
                values = u * math.sqrt(6 / math.prod(t.shape[1:]))
            elif name.endswith("running_var") or (name.endswith("weight")):
                values = 1 + 0.25 * u
            else:
                values = 0.25 * u
            t.copy_(torch.tensor(values.astype(np.float32).astype(np.float64)))
        self.listed = [(name, list(t.shape)) for name, t in tensors]

    def levels(self, x):
        """Means over the places of levels 1 to 7, and the pooled feature, of images (n, 3, h, w) in [0, 1]."""
        mean, deviation = (torch.tensor(v)[:, None, None] for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
        y, means = self.features[0]((x - mean) / deviation), {}
        for at, part in enumerate(self.features[1:], 1):
            y = part(y)
            means[f"level-{at}" if at < 8 else "pool"] = y.mean((2, 3))
        return means


def ours(tensor):
    """A filter (out, in, h, w) in our layout: (h, w, in, out); a depthwise one (c, 1, h, w) as (h, w, c, 1)."""
    if tensor.dim() != 4:
        return tensor
    return tensor.permute(2, 3, 0, 1) if tensor.shape[1] == 1 and tensor.shape[0] > 1 else tensor.permute(2, 3, 1, 0)


def efficientnet(variant, stem, channels, counts, side, images):
    expansions, sizes, strides = (1, 6, 6, 6, 6, 6, 6), (3, 3, 5, 3, 5, 5, 3), (1, 2, 2, 2, 1, 2, 1)
    net = EfficientNet(stem, list(zip(expansions, sizes, strides, channels, counts)))
    pixels = (0.5 + 0.5 * pattern(images * side * side * 3, 7)).astype(np.float32).astype(np.float64)
    x = torch.tensor(pixels.reshape(images, side, side, 3)).permute(0, 3, 1, 2)
    out = {"variant": variant, "side": side, "images": images, "tensors": net.listed}
    net.eval()
    with torch.no_grad():
        out["inference"] = {name: digest(means) for name, means in net.levels(x).items()}
    for mode in ("frozen", "training"):  # batch normalisation by the running statistics, then by the batch's
        net.train(mode == "training")
        net.zero_grad()
        pooled = net.levels(x)["pool"]
        loss = (pooled * torch.tensor(pattern(pooled.numel(), 21).reshape(pooled.shape))).sum()
        loss.backward()
        out[mode] = {
            "loss": loss.item(),
            "gradients": {name: digest(ours(p.grad)) for name, p in net.named_parameters()},
        }
    return out


def write(name, **value):
    path = Path(__file__).parent.parent / "test/fixtures/networks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"torch": torch.__version__, **value}) + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


write("resnet18.json", cases=[case(32, 0.125, [16, 16, 8], 8), case(128, 0.0625, [], 4)])
write("resnets.json", cases=[case(32, 0.0625, [], 4, "resnet10"), case(32, 0.0625, [], 4, "resnet34"), case(32, 0.125, [], 8, "resnet50")])
write("contrastive.json", loss=contrastive_loss(8, 5, 0.2), head=contrastive_head(12, 16, 8, 8, 0.2))
write("classify-views.json", cases=[classify_views(12, 16, 8, 6, views) for views in (2, 3, 4)])
write("denoising.json", cases=[denoising(14, 40, 6), denoising(32, 24, 4)])
b0 = efficientnet("b0", 32, (16, 24, 40, 80, 112, 192, 320), (1, 2, 2, 3, 3, 4, 1), side=40, images=4)
b4 = efficientnet("b4", 48, (24, 32, 56, 112, 160, 272, 448), (2, 4, 4, 6, 6, 8, 2), side=33, images=2)
del b4["frozen"], b4["training"]
write("efficientnet.json", cases=[b0, b4])

shapes = {"conv.weight": (4, 2, 3, 3), "depthwise.weight": (3, 1, 5, 5), "fc.weight": (5, 4), "fc.bias": (5,)}
tiny = {
    name: torch.tensor(pattern(math.prod(shape), at + 1).reshape(shape), dtype=torch.float32)
    for at, (name, shape) in enumerate(shapes.items())
}
path = Path(__file__).parent.parent / "test/fixtures/networks/tiny.safetensors"
save_file({**tiny, "bn.num_batches_tracked": torch.tensor(7)}, path, metadata={"format": "pt"})
print(f"{path}: {path.stat().st_size} bytes")
