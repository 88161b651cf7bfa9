"""JAX's ResNet-18 train step under `jax.jit`: reads a number of steps a line, answers with the seconds they took.

The same network and step as resnet_torch.py, spoken to in the same way, written on raw operations: no library for networks is
needed. The device is the one that JAX takes. Words behind the learner: `tf32` or `bf16` (of convolutions and products).
"""
import sys
import time

import jax
import jax.numpy as jnp
from jax import lax, random

width, batch = float(sys.argv[1]), int(sys.argv[2])
contrastive, words = sys.argv[4] == "contrastive", sys.argv[5:]
jax.config.update("jax_default_matmul_precision", "tensorfloat32" if "tf32" in words else "highest")
keys = iter(random.split(random.key(0), 200))
computed_in = jnp.bfloat16 if "bf16" in words else jnp.float32


def conv_bn(into, out, size):
    kernel = random.normal(next(keys), (size, size, into, out)) * (2.0 / (size * size * out)) ** 0.5
    return {"kernel": kernel, "gamma": jnp.ones(out), "beta": jnp.zeros(out)}


def dense(into, out):
    return {"kernel": random.normal(next(keys), (into, out)) * (2.0 / out) ** 0.5}


def rounded(*values):
    return [value.astype(computed_in) for value in values]


def normalised(weights, x, axes):
    mean, variance = x.mean(axes), x.var(axes)
    return (x - mean) * lax.rsqrt(variance + 1e-5) * weights["gamma"] + weights["beta"]


def apply_conv(weights, x, stride):
    pad = weights["kernel"].shape[0] // 2
    numbers = ("NHWC", "HWIO", "NHWC")
    y = lax.conv_general_dilated(*rounded(x, weights["kernel"]), (stride, stride), [(pad, pad)] * 2, dimension_numbers=numbers)
    return normalised(weights, y.astype(jnp.float32), (0, 1, 2))


def product(a, b):
    return jnp.matmul(*rounded(a, b)).astype(jnp.float32)


strides, weights, into = [], {"stem": conv_bn(3, 64, 3), "blocks": [], "head": []}, 64
for stage, channels in enumerate([64, 128, 256, 512]):
    out = int(channels * width)
    for stride in (1 if stage == 0 else 2, 1):
        block = {"first": conv_bn(into, out, 3), "second": conv_bn(out, out, 3)}
        if stride != 1 or into != out:
            block["way"] = conv_bn(into, out, 1)
        weights["blocks"].append(block)
        strides.append(stride)
        into = out
if contrastive:
    for inputs in [into] + [512] * 7:
        weights["head"].append({**dense(inputs, 512), "gamma": jnp.ones(512), "beta": jnp.zeros(512)})
weights["last"] = dense(512 if contrastive else into, 128 if contrastive else 4)
if not contrastive:
    weights["last"]["bias"] = jnp.zeros(4)


def loss_of(weights, x):
    x = jax.nn.relu(apply_conv(weights["stem"], x, 1))
    for block, stride in zip(weights["blocks"], strides):
        y = jax.nn.relu(apply_conv(block["first"], x, stride))
        way = apply_conv(block["way"], x, stride) if "way" in block else x
        x = jax.nn.relu(apply_conv(block["second"], y, 1) + way)
    x = x.mean((1, 2))
    for layer in weights["head"]:
        x = jax.nn.relu(normalised(layer, product(x, layer["kernel"]), 0))
    x = product(x, weights["last"]["kernel"]) + weights["last"].get("bias", 0)
    if not contrastive:
        return -jax.nn.log_softmax(x)[jnp.arange(batch), jnp.arange(batch) % 4].mean()
    first, second = jnp.split(x / jnp.linalg.norm(x, axis=1, keepdims=True), 2)
    return -jnp.diagonal(jax.nn.log_softmax(product(first, second.T) / 0.2)).mean()


def step(weights, velocity, x):
    slopes = jax.grad(loss_of)(weights, x)
    velocity = jax.tree.map(lambda v, g, w: 0.9 * v + g + 3e-4 * w, velocity, slopes, weights)
    return jax.tree.map(lambda w, v: w - 0.01 * v, weights, velocity), velocity


compiled = jax.jit(step, donate_argnums=(0, 1))
x = random.uniform(next(keys), (batch, 32, 32, 3))
state = compiled(weights, jax.tree.map(jnp.zeros_like, weights), x)
jax.block_until_ready(state)
print("ready", jax.__version__, flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    for _ in range(int(line)):
        state = compiled(*state, x)
    jax.block_until_ready(state)
    print(time.perf_counter() - start, flush=True)
