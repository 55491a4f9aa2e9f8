import { type ChannelRanges, smoothSites } from '@tp/compiler'
import { TpError } from '@tp/core'
import { type AbortSignalLike, type Session, type TensorLike, throwIfAborted } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { cloneModel, createNode, Graph, type Model } from '@tp/onnx'

export interface ChannelRangesOptions {
  readonly model: Model
  readonly inputs: ModelInputs
  /** Runs a model that was made from `model`. */
  readonly load: (model: Model) => Promise<Session>
  readonly signal?: AbortSignalLike | undefined
  readonly onProgress?: ((at: { readonly done: number; readonly total: number }) => void) | undefined
}

/**
 * The input of `smooth` of @tp/compiler: the range of each channel that the products of a model read. Examples are run one by one, so
 * that no padding is looked at.
 * @throws TpError TP_DATA without examples, TP_ABORTED
 */
export async function channelRanges(options: ChannelRangesOptions): Promise<Map<string, ChannelRanges>> {
  const { model, inputs, load, signal, onProgress } = options
  const total = inputs.targets.length
  if (total === 0) throw new TpError('TP_DATA', inputs.source, 'no examples to look at')
  const sites = smoothSites(model)
  const watched = cloneModel(model)
  const graph = new Graph(watched)
  const seen = sites.map(({ value, channels }) => ({
    value,
    own: new Seen(channels),
    rows: rowsOf(graph, value, channels),
  }))
  await using session = await load(watched)
  for (let example = 0; example < total; example++) {
    throwIfAborted(signal, 'optimize')
    const outputs = await session.run(await inputs.feeds([example]))
    for (const { own, rows } of seen) own.add(outputs[rows] as TensorLike)
    onProgress?.({ done: example + 1, total })
  }
  return new Map(seen.map(({ value, own }) => [value, own.ranges()]))
}

/** Adds an output [rows, channels] with the numbers of a value, whatever its rank. */
function rowsOf(graph: Graph, value: string, channels: number): string {
  const [rows, shape] = ['rows', 'shape'].map((part) => graph.uniqueName(`${value}_${part}`)) as [string, string]
  graph.addInitializer(shape, { type: 'int64', dims: [2], data: BigInt64Array.of(-1n, BigInt(channels)) })
  graph.insert([createNode({ type: 'Reshape', inputs: [value, shape], outputs: [rows] })])
  graph.addOutput(rows, 'float32', [undefined, channels])
  return rows
}

class Seen {
  readonly #low: Float32Array
  readonly #high: Float32Array
  readonly #squares: Float64Array
  #rows = 0

  constructor(channels: number) {
    this.#low = new Float32Array(channels)
    this.#high = new Float32Array(channels)
    this.#squares = new Float64Array(channels)
  }

  /** @param numbers [rows, channels] */
  add({ data }: TensorLike): void {
    const numbers = data as Float32Array
    const channels = this.#low.length
    for (let at = 0; at < numbers.length; ) {
      for (let channel = 0; channel < channels; channel++, at++) {
        const number = numbers[at] as number
        if (number < (this.#low[channel] as number)) this.#low[channel] = number
        if (number > (this.#high[channel] as number)) this.#high[channel] = number
        this.#squares[channel] = (this.#squares[channel] as number) + number * number
      }
    }
    this.#rows += numbers.length / channels
  }

  ranges(): ChannelRanges {
    return { low: this.#low, high: this.#high, meanSquare: this.#squares.map((sum) => sum / this.#rows) }
  }
}
