// Products, and what moves a window over images: convolutions, pooling; normalisation and resizing of images.
#pragma once
#include "operations.h"

namespace pipeline {

Tensors product(const Tensors& inputs, const Attributes& attributes);
Tensors flatProduct(const Tensors& inputs, const Attributes& attributes);
Tensors convolution(const Tensors& inputs, const Attributes& attributes);
Tensors convolutionToInput(const Tensors& inputs, const Attributes& attributes);
Tensors convolutionToFilter(const Tensors& inputs, const Attributes& attributes);
Tensors depthwise(const Tensors& inputs, const Attributes& attributes);
Tensors depthwiseToInput(const Tensors& inputs, const Attributes& attributes);
Tensors depthwiseToFilter(const Tensors& inputs, const Attributes& attributes);
Tensors maxPool(const Tensors& inputs, const Attributes& attributes);
Tensors maxPoolGradient(const Tensors& inputs, const Attributes& attributes);
Tensors averagePool(const Tensors& inputs, const Attributes& attributes);
Tensors averagePoolGradient(const Tensors& inputs, const Attributes& attributes);
Tensors normalisedByGiven(const Tensors& inputs, const Attributes& attributes);
Tensors normalised(const Tensors& inputs, const Attributes& attributes);
Tensors normalisedGradient(const Tensors& inputs, const Attributes& attributes);
Tensors resize(const Tensors& inputs, const Attributes& attributes);
Tensors resizeGradient(const Tensors& inputs, const Attributes& attributes);

}  // namespace pipeline
