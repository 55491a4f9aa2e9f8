import type { Attributes } from '@tp/core/expression'
import { createNode, dtypeOf, type Graph, type NodeProto, readAttributes, readTensor, type TensorProto } from '@tp/onnx'
import type { Activations } from '../plan/quantize-options.ts'
import { Refused } from '../program/refusal.ts'
import type { QuantizedValue } from './quantized-value.ts'
import { type RoundedWeights, type Rounding, roundWeights } from './round-weights.ts'
import { RowRounding } from './row-rounding.ts'

/** Constant float32 weights, or their transpose. */
export interface ConstantWeights {
  readonly tensor: TensorProto
  readonly isTransposed: boolean
}

/** A table in 8 bits whose transpose is multiplied with, too. */
interface TiedTable {
  /** [rows, columns], with scales (and zero points) [rows, 1], or one for all. */
  readonly rows: QuantizedValue
  /** Its transpose [columns, rows], with scales (and zero points) [rows], or one for all. */
  readonly matrix: QuantizedValue
}

/**
 * A graph that is being quantized, or a branch of it. A value that two nodes read is quantized once: weights in the whole
 * model, whose 8-bit forms are all in the main graph, and other values in each branch.
 */
export class QuantizedGraph {
  readonly graph: Graph
  readonly rounding: Rounding
  readonly #outer: QuantizedGraph | undefined
  readonly #main: Graph
  /** By the tensor itself: exporters give those of Constant nodes no names, or all the same. */
  readonly #weights: Map<TensorProto, Map<string, QuantizedValue>>
  readonly #tied: Map<TensorProto, TiedTable | undefined>
  readonly #rowsOf: Map<TensorProto, string>
  readonly #values = new Map<string, QuantizedValue>()
  readonly #ranges = new Map<string, QuantizedValue>()
  /** Where activations have a scale for each token. */
  readonly #rows: RowRounding | undefined

  constructor(graph: Graph, rounding: Rounding, activations: Activations)
  /** @param outer of a branch: the graph around it */
  constructor(graph: Graph, rounding: Rounding, outer: QuantizedGraph)
  constructor(graph: Graph, rounding: Rounding, from: QuantizedGraph | Activations) {
    const outer = typeof from === 'string' ? undefined : from
    this.graph = graph
    this.rounding = rounding
    this.#outer = outer
    this.#rows = typeof from === 'string' ? (from === 'token' ? new RowRounding(graph) : undefined) : from.#rows
    this.#main = outer === undefined ? graph : outer.#main
    this.#weights = outer === undefined ? new Map() : outer.#weights
    this.#tied = outer === undefined ? new Map() : outer.#tied
    this.#rowsOf = outer === undefined ? new Map() : outer.#rowsOf
  }

  /** The float32 weights behind a name: an initializer or a constant, also where exporters transpose them or pass them on under other names. */
  weights(name: string): ConstantWeights | undefined {
    const own = this.graph.initializer(name)
    if (own !== undefined) return float32Weights(own)
    const producer = this.graph.producer(name)
    if (producer === undefined) return this.graph.has(name) ? undefined : this.#outer?.weights(name)
    if (producer.opType === 'Identity') return this.weights(producer.input[0] as string)
    if (producer.opType === 'Transpose') return transposed(producer, this.weights(producer.input[0] as string))
    const constant =
      producer.opType === 'Constant' ? producer.attribute.find(({ name: key }) => key === 'value')?.t : undefined
    return constant === undefined ? undefined : float32Weights(constant)
  }

  /** `prefix`, or with a number behind it: a name that nothing in the model has. */
  uniqueName(prefix: string): string {
    return this.#main.uniqueName(prefix)
  }

  /**
   * Adds the 8-bit form of weights, or of their transpose if that is what is read.
   * @throws Refused TP_VALUE for weights that are not finite
   */
  addWeights(name: string, weights: ConstantWeights, rounding: Rounding = this.rounding): QuantizedValue {
    if (weights.isTransposed && this.isTied(weights)) return this.addTied(name, weights).matrix
    const form = `${rounding.type} ${rounding.perChannel} ${weights.isTransposed}`
    const forms = this.#weights.get(weights.tensor) ?? new Map<string, QuantizedValue>()
    this.#weights.set(weights.tensor, forms)
    const known = forms.get(form)
    if (known !== undefined) return known
    const { columns, numbers } = this.#read(name, weights)
    const rounded = roundWeights(numbers, columns, rounding)
    const dims = weights.isTransposed ? [numbers.length / columns, columns] : weights.tensor.dims.map(Number)
    const value = this.#store(name, rounding, rounded, { dims, data: rounded.data })
    forms.set(form, value)
    return value
  }

  /** Adds the form [1, channels] of a constant [channels]. */
  addRow(name: string, { tensor }: ConstantWeights): string {
    const known = this.#rowsOf.get(tensor)
    if (known !== undefined) return known
    const { dims, data } = readTensor(tensor, this.#main.model.external)
    const row = this.uniqueName(`${name}_row`)
    this.#main.addInitializer(row, { type: 'float32', dims: [1, ...dims], data })
    this.#rowsOf.set(tensor, row)
    return row
  }

  /** Says which tables are read by products, too. */
  tie(tables: Iterable<TensorProto>): void {
    for (const table of tables) this.#tied.set(table, undefined)
  }

  isTied({ tensor }: ConstantWeights): boolean {
    return this.#tied.has(tensor)
  }

  /**
   * Adds the 8-bit form of a tied table, once for both of its readers: its rows are what the product has its scales for.
   * @throws Refused TP_VALUE for weights that are not finite
   */
  addTied(name: string, { tensor }: ConstantWeights): TiedTable {
    const known = this.#tied.get(tensor)
    if (known !== undefined) return known
    const { columns, numbers } = this.#read(name, { tensor, isTransposed: true })
    const rounded = roundWeights(numbers, columns, this.rounding)
    const data = turned(rounded.data, numbers.length / columns, columns)
    const own = this.#store(name, this.rounding, rounded, { dims: tensor.dims.map(Number), data })
    const matrix = this.#derive('Transpose', own.data, 'transposed', [], { perm: [1, 0] })
    const tied = { rows: this.rounding.perChannel ? this.#byRow(own) : own, matrix: { ...own, data: matrix } }
    this.#tied.set(tensor, tied)
    return tied
  }

  /** Scales (and zero points) [rows, 1]. */
  #byRow({ data, scale, zero }: QuantizedValue): QuantizedValue {
    const shape = this.uniqueName(`${scale}_shape`)
    this.#main.addInitializer(shape, { type: 'int64', dims: [2], data: BigInt64Array.of(-1n, 1n) })
    const column = (name: string): string => this.#derive('Reshape', name, 'of_rows', [shape])
    return { data, scale: column(scale), zero: zero === '' ? '' : column(zero) }
  }

  /** A value made of constants, which runtimes compute when they load a model; upstream of everything, since branches read it, too. */
  #derive(type: string, from: string, part: string, more: readonly string[], attributes: Attributes = {}): string {
    const name = this.uniqueName(`${from}_${part}`)
    const node = createNode({ type, name, inputs: [from, ...more], outputs: [name], attributes })
    this.#main.insert([node], this.#main.nodes[0])
    return name
  }

  /** Numbers of weights, or of their transpose. */
  #read(name: string, { tensor, isTransposed }: ConstantWeights): { columns: number; numbers: Float32Array } {
    const { dims, data } = readTensor(tensor, this.#main.model.external)
    const numbers = data as Float32Array
    if (!areFinite(numbers)) {
      throw new Refused('TP_VALUE', 'the model cannot be quantized: not all of these weights are finite', name)
    }
    const [rows, columns] = [dims[0] as number, dims.at(-1) as number]
    return isTransposed ? { columns: rows, numbers: turned(numbers, rows, columns) } : { columns, numbers }
  }

  #store(
    name: string,
    { type, perChannel }: Rounding,
    { scales, zeros }: RoundedWeights,
    { dims, data }: { readonly dims: readonly number[]; readonly data: RoundedWeights['data'] },
  ): QuantizedValue {
    const [values, scale] = ['quantized', 'scale'].map((part) => this.uniqueName(`${name}_${part}`)) as [string, string]
    const shape = perChannel ? [scales.length] : []
    this.#main.addInitializer(values, { type, dims, data })
    this.#main.addInitializer(scale, { type: 'float32', dims: shape, data: scales })
    const zero = type === 'int8' ? '' : this.uniqueName(`${name}_zero_point`)
    if (zero !== '') this.#main.addInitializer(zero, { type, dims: shape, data: zeros })
    return { data: values, scale, zero }
  }

  /** Whether activations have a scale for each row. */
  get roundsRows(): boolean {
    return this.#rows !== undefined
  }

  /** Says that a value is there as 8-bit numbers, too. */
  note(name: string, value: QuantizedValue): void {
    this.#values.set(name, value)
  }

  /** The 8-bit form of a value of the graph; its ranges are measured at every run. `before`: where it is first read. */
  value(name: string, before: NodeProto): QuantizedValue {
    const rows = this.#rows
    if (rows === undefined) return this.valueByRange(name, before)
    return this.#once(this.#values, name, () => rows.round(this.graph, name, before))
  }

  /** The same with one scale and zero point for all of it, for operators that take no other. */
  valueByRange(name: string, before: NodeProto): QuantizedValue {
    return this.#once(this.#rows === undefined ? this.#values : this.#ranges, name, () => {
      const parts = ['quantized', 'scale', 'zero_point'].map((part) => this.uniqueName(`${name}_${part}`))
      const [data, scale, zero] = parts as [string, string, string]
      const node = this.uniqueName(`${name}_QuantizeLinear`)
      this.graph.insert(
        [createNode({ type: 'DynamicQuantizeLinear', name: node, inputs: [name], outputs: parts })],
        before,
      )
      return { data, scale, zero }
    })
  }

  #once(among: Map<string, QuantizedValue>, name: string, make: () => QuantizedValue): QuantizedValue {
    const known = among.get(name)
    if (known !== undefined) return known
    const value = make()
    among.set(name, value)
    return value
  }
}

/** A loop: `every` takes as long as the rounding itself. */
function areFinite(numbers: Float32Array): boolean {
  for (let i = 0; i < numbers.length; i++) if (!Number.isFinite(numbers[i])) return false
  return true
}

function float32Weights(tensor: TensorProto): ConstantWeights | undefined {
  return dtypeOf(tensor.dataType) === 'float32' ? { tensor, isTransposed: false } : undefined
}

/** A matrix behind a Transpose; what has more axes is not followed. */
function transposed(node: NodeProto, weights: ConstantWeights | undefined): ConstantWeights | undefined {
  const { perm = [1, 0] } = readAttributes(node) ?? {}
  if (weights?.tensor.dims.length !== 2 || `${perm}` !== '1,0') return undefined
  return { ...weights, isTransposed: !weights.isTransposed }
}

/** Rows of a matrix as columns. */
export function turned<T extends Float32Array | Int8Array | Uint8Array>(data: T, rows: number, columns: number): T {
  const result = data.slice() as T
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = data[row * columns + column] as number
    }
  }
  return result
}

/** A graph whose weights are in 8 bits already, so that none is rounded: only its activations are. */
export function withRoundedWeights(graph: Graph): QuantizedGraph {
  return new QuantizedGraph(graph, { type: 'int8', perChannel: true, reduceRange: false }, 'token')
}
