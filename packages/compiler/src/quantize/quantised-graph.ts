import type { Graph, NodeProto, TensorProto } from '@tp/onnx'
import { createNode, dtypeOf, type Model, readTensor } from '@tp/onnx'
import { Refused } from '../program/refusal.ts'
import { type Rounding, roundWeights } from './round-weights.ts'

/** A value as 8-bit numbers: names of them, of their scale and of their zero point; no zero point means 0. */
export interface QuantisedValue {
  readonly data: string
  readonly scale: string
  readonly zero: string
}

/** A graph that is being quantised. What two nodes read is quantised once. */
export class QuantisedGraph {
  readonly graph: Graph
  readonly rounding: Rounding
  readonly #model: Model
  readonly #weights = new Map<TensorProto, Map<string, QuantisedValue>>()
  readonly #values = new Map<string, QuantisedValue>()

  constructor(graph: Graph, model: Model, rounding: Rounding) {
    this.graph = graph
    this.#model = model
    this.rounding = rounding
  }

  /** The float32 weights behind a name: an initializer or a constant, also where exporters pass them on under other names. */
  weights(name: string): TensorProto | undefined {
    const own = this.graph.initializer(name)
    if (own !== undefined) return dtypeOf(own.dataType) === 'float32' ? own : undefined
    const producer = this.graph.producer(name)
    if (producer?.opType === 'Identity') return this.weights(producer.input[0] as string)
    const constant =
      producer?.opType === 'Constant' ? producer.attribute.find(({ name: key }) => key === 'value')?.t : undefined
    return constant !== undefined && dtypeOf(constant.dataType) === 'float32' ? constant : undefined
  }

  /**
   * Adds the 8-bit form of weights. `isTransposed`: of their transpose, which is stored.
   * @throws Refused TP_VALUE for weights that are not finite
   */
  addWeights(
    name: string,
    weights: TensorProto,
    rounding: Rounding = this.rounding,
    isTransposed = false,
  ): QuantisedValue {
    const form = `${rounding.type} ${rounding.perChannel} ${isTransposed}`
    // By the tensor itself: exporters give those of Constant nodes no names, or all the same.
    const forms = this.#weights.get(weights) ?? new Map<string, QuantisedValue>()
    this.#weights.set(weights, forms)
    const known = forms.get(form)
    if (known !== undefined) return known
    const { dims, data } = readTensor(weights, this.#model.external)
    if (!areFinite(data as Float32Array)) {
      throw new Refused('TP_VALUE', 'the model cannot be quantised: not all of these weights are finite', name)
    }
    const [rows, columns] = [dims[0] as number, dims.at(-1) as number]
    const numbers = isTransposed ? transposed(data as Float32Array, rows, columns) : (data as Float32Array)
    const rounded = roundWeights(numbers, isTransposed ? rows : columns, rounding)
    const [values, scale] = ['quantized', 'scale'].map((part) => this.graph.uniqueName(`${name}_${part}`)) as [
      string,
      string,
    ]
    const shape = rounding.perChannel ? [rounded.scales.length] : []
    this.graph.addInitializer(values, {
      type: rounding.type,
      dims: isTransposed ? [columns, rows] : dims,
      data: rounded.data,
    })
    this.graph.addInitializer(scale, { type: 'float32', dims: shape, data: rounded.scales })
    const zero = rounding.type === 'int8' ? '' : this.graph.uniqueName(`${name}_zero_point`)
    if (zero !== '') this.graph.addInitializer(zero, { type: rounding.type, dims: shape, data: rounded.zeros })
    const value = { data: values, scale, zero }
    forms.set(form, value)
    return value
  }

  /** Says that a value is there as 8-bit numbers, too. */
  note(name: string, value: QuantisedValue): void {
    this.#values.set(name, value)
  }

  /** The 8-bit form of a value of the graph; its range is measured at every run. `before`: where it is first read. */
  value(name: string, before: NodeProto): QuantisedValue {
    const known = this.#values.get(name)
    if (known !== undefined) return known
    const parts = ['quantized', 'scale', 'zero_point'].map((part) => this.graph.uniqueName(`${name}_${part}`))
    const [data, scale, zero] = parts as [string, string, string]
    this.graph.insert(
      [
        createNode({
          type: 'DynamicQuantizeLinear',
          name: this.graph.uniqueName(`${name}_QuantizeLinear`),
          inputs: [name],
          outputs: parts,
        }),
      ],
      before,
    )
    const value = { data, scale, zero }
    this.#values.set(name, value)
    return value
  }
}

/** A loop: `every` takes as long as the rounding itself. */
function areFinite(numbers: Float32Array): boolean {
  for (let i = 0; i < numbers.length; i++) if (!Number.isFinite(numbers[i])) return false
  return true
}

function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(data.length)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = data[row * columns + column] as number
    }
  }
  return turned
}
