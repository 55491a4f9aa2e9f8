/** Exported encoders of which not all weights have a gradient: the part that their names share, and the reason reported. */
export const withoutGradients: readonly (readonly [name: RegExp, message: RegExp])[] = [
  [/-qdq$/, /DequantizeLinear that gives .*: it reads activations that are rounded to integers/],
  [/-int8/, /Cast that gives .*: it reads activations that are rounded to integers/],
  [/-4bit$/, /MatMulNBits .*: this operator has no gradient here/],
  [/-ortfused|-optimum-O2$/, /com\.microsoft\.\w+ .*: this operator has no gradient here/],
  [/-opset23-attention$/, /Attention .*: this operator has no gradient here/],
  // no encoder of tokens
  [/^resnet-/, /MaxPool .*: this operator has no gradient here/],
  // an If, whose bodies are not read, hides every shape downstream of it
  [/^deberta-v2-/, /the shape of this Add's result is not known/],
  [/^bert-cls-qdq-naive$/, /no weights/],
]
