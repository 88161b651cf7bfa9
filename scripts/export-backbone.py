"""Writes a trained network as an ONNX file for the learner `pretrained`, with the outputs that pipelines/frozen/ names. Run it where there is
a network: weights are downloaded by torchvision, timm or Hugging Face, whose licences apply.

    python3 -m venv venv && venv/bin/pip install torch torchvision timm transformers onnx onnxscript
    venv/bin/python scripts/export-backbone.py torchvision wide_resnet50_2 data/wide_resnet50_2.onnx
    venv/bin/python scripts/export-backbone.py timm vit_small_patch14_dinov2.lvd142m data/dinov2_vits14_224.onnx --size 224
    venv/bin/python scripts/export-backbone.py timm vit_small_patch14_dinov2.lvd142m data/dinov2_vits14_672.onnx --size 672
    venv/bin/python scripts/export-backbone.py huggingface facebook/dinov2-small data/dinov2-small.onnx --size 224

Input: images (n, 3, size, size), less ImageNet's mean, over its deviation, as `pretrained` has it by default. Outputs:

  layer1 … layer4   of a ResNet: the maps after its four stages (n, c, h, w)
  tokens            of a vision transformer: class token, registers and patches after the last normalisation (n, 1 + r + p, c)
  features          the pooled feature of a ResNet, the class token of a transformer (n, c); the first output, which is the default
"""

import argparse

import torch


class Resnet(torch.nn.Module):
    """Of torchvision: resnet18, resnet50, wide_resnet50_2, resnext101_32x8d, …"""

    names = ["features", "layer1", "layer2", "layer3", "layer4"]

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        net = self.net
        x = net.maxpool(net.relu(net.bn1(net.conv1(x))))
        maps = []
        for stage in (net.layer1, net.layer2, net.layer3, net.layer4):
            x = stage(x)
            maps.append(x)
        return (x.mean((2, 3)), *maps)


class TimmTransformer(torch.nn.Module):
    names = ["features", "tokens"]

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        tokens = self.net.forward_features(x)
        return tokens[:, 0], tokens


class HuggingFaceTransformer(torch.nn.Module):
    names = ["features", "tokens"]

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        tokens = self.net(pixel_values=x).last_hidden_state
        return tokens[:, 0], tokens


def load(source, name, size):
    if source == "torchvision":
        import torchvision

        return Resnet(torchvision.models.get_model(name, weights="IMAGENET1K_V1"))
    if source == "timm":
        import timm

        return TimmTransformer(timm.create_model(name, pretrained=True, img_size=size, num_classes=0))
    import transformers

    return HuggingFaceTransformer(transformers.AutoModel.from_pretrained(name))


def export(model, path, size):
    model.eval()
    images = torch.zeros(2, 3, size, size)
    torch.onnx.export(
        model,
        (images,),
        path,
        input_names=["images"],
        output_names=model.names,
        dynamic_axes={name: {0: "n"} for name in ["images", *model.names]},
        opset_version=17,
        dynamo=False,
    )
    with torch.no_grad():
        for name, made in zip(model.names, model(images)):
            print(f"{name}: {tuple(made.shape)[1:]}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Writes a trained network as ONNX.")
    parser.add_argument("source", choices=["torchvision", "timm", "huggingface"])
    parser.add_argument("name", help="the network's name there")
    parser.add_argument("path", help="the file to write")
    parser.add_argument("--size", type=int, default=224, help="side of the images in pixels")
    options = parser.parse_args()
    export(load(options.source, options.name, options.size), options.path, options.size)
