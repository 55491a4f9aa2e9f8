import { codeOf, createNode, type Graph, type NodeProto, opset } from '@tp/onnx'
import { leastOf } from './bounded-below.ts'
import type { QuantizedValue } from './quantized-value.ts'

/**
 * How the numbers of a row, divided by the row's scale, become 8-bit ones: q = round(steps · x) + zero. The scale is the row's largest
 * number without its sign, or what `scaleFloor` says, if that is more.
 */
interface Span {
  readonly zero: number
  readonly steps: number
  /** The least scale: where numbers are bounded below, they have to be above −zero / steps. */
  readonly scaleFloor: number | undefined
  /** Whether numbers below zero count as much as those above. */
  readonly isSigned: boolean
}

/** Names of a span's constants. */
interface SpanNames {
  /** 1 / steps */
  readonly step: string
  /** The same for products; runtimes cannot know that it is constant. */
  readonly openStep: string
  readonly zero: string
  readonly scaleFloor: string | undefined
}

/**
 * Rounds activations with a scale for each row (each token): nothing that a token's answers are made from depends on other tokens, or
 * on other examples of the batch.
 *
 *     s = max |x|,   q = round(127 · x / s) + 128,   x·W ≈ s · ((q − 128)·Q · (1/127 · scales of Q))
 *
 * A row of zeros becomes some bytes, and then s · (…) = 0 again: no floor below s is necessary, which would be one operator more for each value, and
 * with few tokens it is the number of operators that takes the time. After a ReLU or a GELU, s = max x, or 2 if that is more after a GELU, and nearly all
 * of the 8 bits are left to positive numbers. Unsigned numbers
 * with a constant zero point, because onnxruntime's kernels are made for those. The step 1/127 is computed from a size (`Clip`), since onnxruntime would
 * otherwise fold it into the weights' scales, and fuse a product (`MatMulIntegerToFloat`) only if it finds a product of two scales.
 */
export class RowRounding {
  readonly #main: Graph
  readonly #constants = new Map<string, string>()

  /** @param main the main graph, which holds what all branches share */
  constructor(main: Graph) {
    this.#main = main
  }

  /** Adds the 8-bit form of a value of `graph`; `before`: where it is first read. */
  round(graph: Graph, name: string, before: NodeProto): QuantizedValue {
    const span = spanAbove(leastOf(graph, name))
    const { step, openStep, zero, scaleFloor } = this.#namesOf(span)
    const nodes: NodeProto[] = []
    const add = (type: string, part: string, inputs: string[], attributes = {}): string => {
      const output = this.#main.uniqueName(`${name}_${part}`)
      const node = this.#main.uniqueName(`${name}_${type}`)
      nodes.push(createNode({ type, name: node, inputs, outputs: [output], attributes }))
      return output
    }
    const sizes = span.isSigned ? add('Abs', 'sizes', [name]) : name
    const largest =
      opset(this.#main.model) >= 18
        ? add('ReduceMax', 'largest', [
            sizes,
            this.#constant('last_axis', { type: 'int64', dims: [1], data: BigInt64Array.of(-1n) }),
          ])
        : add('ReduceMax', 'largest', [sizes], { axes: [-1] })
    const rows = scaleFloor === undefined ? largest : add('Max', 'row_scale', [largest, scaleFloor])
    const scaled = add('Mul', 'scaled', [name, add('Reciprocal', 'per_scale', [rows])])
    const data = add('QuantizeLinear', 'quantized', [scaled, step, zero])
    graph.insert(nodes, before)
    return { data, scale: openStep, zero, rows }
  }

  #namesOf({ zero, steps, scaleFloor }: Span): SpanNames {
    const step = this.#scalar(`step_${steps}`, 1 / steps)
    return {
      step,
      openStep: this.#openStep(steps, step),
      zero: this.#constant(`zero_point_${zero}`, { type: 'uint8', dims: [], data: Uint8Array.of(zero) }),
      scaleFloor: scaleFloor === undefined ? undefined : this.#scalar(`least_scale_${scaleFloor}`, scaleFloor),
    }
  }

  /** A step that is computed from the size of an input, whatever that is. */
  #openStep(steps: number, step: string): string {
    return this.#once(`open_step_${steps}`, (name) => {
      const [size, float] = ['size', 'float'].map((part) => this.#main.uniqueName(`${name}_${part}`)) as [
        string,
        string,
      ]
      const [input] = this.#main.inputs
      this.#main.insert(
        [
          createNode({ type: 'Size', name: size, inputs: [input?.name as string], outputs: [size] }),
          createNode({
            type: 'Cast',
            name: float,
            inputs: [size],
            outputs: [float],
            attributes: { to: codeOf('float32') },
          }),
          createNode({ type: 'Clip', name, inputs: [float, step, step], outputs: [name] }),
        ],
        this.#main.nodes[0],
      )
    })
  }

  #scalar(key: string, value: number): string {
    return this.#constant(key, { type: 'float32', dims: [], data: Float32Array.of(value) })
  }

  #constant(key: string, tensor: Parameters<Graph['addInitializer']>[1]): string {
    return this.#once(key, (name) => this.#main.addInitializer(name, tensor))
  }

  #once(key: string, add: (name: string) => void): string {
    const known = this.#constants.get(key)
    if (known !== undefined) return known
    const name = this.#main.uniqueName(`quantize/${key}`)
    add(name)
    this.#constants.set(key, name)
    return name
  }
}

/** @param least the least number that can occur */
function spanAbove(least = Number.NEGATIVE_INFINITY): Span {
  if (least === 0) return { zero: 0, steps: 255, scaleFloor: undefined, isSigned: false }
  const [zero, scaleFloor] = [20, 2]
  const steps = 255 - zero
  return -least <= (scaleFloor * zero) / steps
    ? { zero, steps, scaleFloor, isSigned: false }
    : { zero: 128, steps: 127, scaleFloor: undefined, isSigned: true }
}
