import { applyOne } from '../expression/apply.ts'
import type { Attributes, Tensor } from '../expression/tensor.ts'
import { abs, add, cast, div, erf, max, maximum, mean, mul, pow, reciprocal, sqrt, sub } from '../ops/index.ts'
import { QuantizeLinear } from '../ops/quantize.ts'
import { attributeValue, type Family, type PackedInputs } from './operator.ts'

type Has = (feature: string) => boolean

const rounding = { steps: 'int', zero: 'int' } as const

/** Scales are at least a number. */
const least = { least: { attributes: { least: 'int' } } } as const

/**
 * x [...,D] → uint8 [...,D] and scale [...,1]: scale = max |x| of each row, or `least` where that is more, and round(steps · x / scale) + zero, limited to 0 … 255.
 */
export const roundRows: Family = {
  name: 'RoundRows',
  inputs: { x: 'float32' },
  outputs: ['rounded', 'scale'],
  attributes: rounding,
  features: least,
  body: ({ x }, attributes, has) => rounded(x, attributes, has),
}

const terms = {
  bias: { inputs: { bias: 'float32' } },
  gelu: {},
  gain: { inputs: { gain: 'float32' } },
  residual: { inputs: { residual: 'float32' } },
} as const

/**
 * x [...,D] · scale [...,1] + bias [D], GELU of it, times gain [D], plus residual [...,D]: around a product of what RoundRows gives.
 */
export const scaleRows: Family = {
  name: 'ScaleRows',
  inputs: { x: 'float32', scale: 'float32' },
  outputs: ['y'],
  attributes: {},
  features: terms,
  body: (inputs, _, has) => [scaled(inputs, has)],
}

/**
 * ScaleRows, then a layer norm, then RoundRows, where there are the first two: without passes over all rows in between. `scaled` and `normed` are
 * what they give.
 */
export const rescaleRows: Family = {
  name: 'RescaleRows',
  inputs: { x: 'float32' },
  outputs: ['rounded', 'roundedScale'],
  attributes: rounding,
  features: {
    scale: { inputs: { scale: 'float32' } },
    ...terms,
    norm: { inputs: { normGain: 'float32', normBias: 'float32' }, attributes: { epsilon: 'float' } },
    scaled: { outputs: ['scaled'] },
    normed: { outputs: ['normed'] },
    ...least,
  },
  allows: (has) =>
    (has('scale') || (has('norm') && ![...Object.keys(terms), 'scaled'].some(has))) && (has('norm') || !has('normed')),
  body(inputs, attributes, has) {
    const y = has('scale') ? scaled(inputs, has) : inputs.x
    const last = has('norm') ? normed(y, inputs, attributes) : y
    return [...rounded(last, attributes, has), ...(has('scaled') ? [y] : []), ...(has('normed') ? [last] : [])]
  },
}

function scaled({ x, scale, bias, gain, residual }: PackedInputs, has: Has): Tensor {
  let y = mul(x, scale)
  if (has('bias')) y = add(y, bias)
  if (has('gelu')) y = fusedGelu(y)
  if (has('gain')) y = mul(y, gain)
  return has('residual') ? add(y, residual) : y
}

/** GELU in the form that onnxruntime makes one operator of, as it does of the layer norm below. */
function fusedGelu(x: Tensor): Tensor {
  return mul(mul(x, add(erf(div(x, Math.SQRT2)), 1)), 0.5)
}

function normed(x: Tensor, { normGain, normBias }: PackedInputs, attributes: Attributes): Tensor {
  const centered = sub(x, mean(x, -1, { keepDims: true }))
  const variance = mean(pow(centered, 2), -1, { keepDims: true })
  const deviation = sqrt(add(variance, attributeValue(attributes, 'epsilon', 'float32')))
  return add(mul(div(centered, deviation), normGain), normBias)
}

function rounded(x: Tensor, attributes: Attributes, has: Has): Tensor[] {
  const largest = max(abs(x), -1, { keepDims: true })
  const scale = has('least') ? maximum(largest, cast(attributeValue(attributes, 'least'), 'float32')) : largest
  const step = reciprocal(cast(attributeValue(attributes, 'steps'), 'float32'))
  const zero = cast(attributeValue(attributes, 'zero'), 'uint8')
  return [applyOne(QuantizeLinear, [mul(x, reciprocal(scale)), step, zero]), scale]
}
