"""TensorFlow's ResNet-18 train step under `tf.function`: reads a number of steps a line, answers with the seconds they took.

The same network and step as resnet_torch.py, written on raw operations: Keras is not needed.
"""
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
width, batch, threads = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
contrastive = sys.argv[4:] == ["contrastive"]
import tensorflow as tf  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.random.set_seed(0)
variables = []


def variable(shape, scale):
    made = tf.Variable(tf.random.normal(shape, stddev=scale) if scale else tf.ones(shape) if scale is None else tf.zeros(shape))
    variables.append(made)
    return made


def conv_bn(into, out, size, stride):
    kernel = variable([size, size, into, out], (2.0 / (size * size * out)) ** 0.5)
    gamma, beta = variable([out], None), variable([out], 0)
    pad = size // 2

    def apply(x):
        # "SAME" where it pads alike, and else zeros laid around first: explicit padding is twice as slow in TensorFlow.
        if stride == 1 or pad == 0:
            y = tf.nn.conv2d(x, kernel, stride, "SAME")
        else:
            y = tf.nn.conv2d(tf.pad(x, [[0, 0], [pad, pad], [pad, pad], [0, 0]]), kernel, stride, "VALID")
        return tf.raw_ops.FusedBatchNormV3(x=y, scale=gamma, offset=beta, mean=[], variance=[], epsilon=1e-5, is_training=True).y

    return apply


def block(into, out, stride):
    first, second = conv_bn(into, out, 3, stride), conv_bn(out, out, 3, 1)
    way = None if stride == 1 and into == out else conv_bn(into, out, 1, stride)
    return lambda x: tf.nn.relu(second(tf.nn.relu(first(x))) + (x if way is None else way(x)))


stem = conv_bn(3, 64, 3, 1)
blocks, into = [], 64
for stage, channels in enumerate([64, 128, 256, 512]):
    out = int(channels * width)
    blocks += [block(into, out, 1 if stage == 0 else 2), block(out, out, 1)]
    into = out
hidden = []
if contrastive:
    for width_in in [into] + [512] * 7:
        hidden.append((variable([width_in, 512], 0.05), variable([512], None), variable([512], 0)))
    weight, bias = variable([512, 128], 0.05), None
else:
    weight, bias = variable([into, 4], 0.05), variable([4], 0)
slots = [tf.Variable(tf.zeros_like(v)) for v in variables]
x = tf.random.uniform([batch, 32, 32, 3])
y = tf.range(batch) % 4


@tf.function
def step():
    with tf.GradientTape() as tape:
        h = tf.nn.relu(stem(x))
        for one in blocks:
            h = one(h)
        h = tf.reduce_mean(h, [1, 2])
        for kernel, gamma, beta in hidden:
            z = tf.reshape(tf.matmul(h, kernel), [batch, 1, 1, 512])
            z = tf.raw_ops.FusedBatchNormV3(x=z, scale=gamma, offset=beta, mean=[], variance=[], epsilon=1e-5, is_training=True).y
            h = tf.nn.relu(tf.reshape(z, [batch, 512]))
        logits = tf.matmul(h, weight)
        if contrastive:
            first, second = tf.split(tf.math.l2_normalize(logits, 1), 2)
            logits, labels = tf.matmul(first, second, transpose_b=True) / 0.2, tf.range(batch // 2)
        else:
            logits, labels = logits + bias, y
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    for v, slot, gradient in zip(variables, slots, tape.gradient(loss, variables)):
        slot.assign(0.9 * slot + gradient + 3e-4 * v)
        v.assign_sub(0.01 * slot)
    return loss


step()
print("ready", tf.__version__, flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    for _ in range(int(line)):
        loss = step()
    loss.numpy()
    print(time.perf_counter() - start, flush=True)
