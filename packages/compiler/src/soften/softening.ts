import { input, squeeze, type Tensor, unsqueeze } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import { checkLayers, type SoftInputs, type SoftReduced, softenTokens, type TokenState } from '@tp/core/host'
import { lift } from '@tp/onnx'
import type { Encoder } from '../analyze/encoder.ts'
import { type Layer, layerOutput, stackEnd } from '../analyze/layer.ts'
import { sites } from '../analyze/sites.ts'
import { headsInBatch } from '../operators/heads.ts'
import { batchFirst } from '../program/batch-first.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import { protectedIndices } from '../prune/protected-indices.ts'
import { protectedSegmentOf } from '../prune/protected-segment.ts'
import { PRUNE_DEFAULTS } from '../prune/prune-options.ts'
import { siteSources } from '../prune/site-source.ts'
import { startOf } from '../prune/start.ts'
import type { SoftenOptions, SoftInput, SoftModel } from './soft-model.ts'
import { SoftValues } from './values.ts'

/** [B,H,N,N] → [B,H,N,N] */
type Attend = (scores: Tensor) => Tensor

/** Walks through the layers of an encoder, from the first to the last, and puts the soft form of a method in. */
export class Softening {
  readonly #program: Program
  readonly #encoder: Encoder
  readonly #options: SoftenOptions
  readonly #site: SoftModel['site']
  readonly #values: SoftValues
  readonly #inputs: SoftInput[] = []
  readonly #losses: Record<string, Tensor[]> = {}
  readonly #logProbs: Tensor[] = []
  readonly #kept = new Map<number, Tensor>()
  readonly #names: ReadonlyMap<Tensor, string>
  /** Placeholders in expressions → what they stand for. */
  readonly #bound = new Map<Tensor, Tensor>()
  /** [b,n,D] as the graph has it */
  readonly #stream: readonly Dim[]
  /** The values already provided, by their names as inputs. */
  readonly #given = new Map<string, Tensor>()
  readonly #end: string | undefined
  #state: TokenState
  #attended: Tensor | undefined
  #lastLeft: Tensor | undefined
  #attend: Attend | undefined

  constructor(program: Program, encoder: Encoder, options: SoftenOptions) {
    this.#program = program
    this.#encoder = encoder
    this.#options = options
    this.#site = options.method.site ?? 'attention'
    this.#stream = program.tensor((encoder.layers[0] as Layer).input).dims
    const { state, names } = startOf(program, encoder, {
      protectedTokens: protectedIndices(encoder, options.protect ?? PRUNE_DEFAULTS.protect),
      site: this.#site,
      segment: protectedSegmentOf(options),
    })
    this.#state = state
    this.#names = names
    const end = stackEnd(program, encoder.layers.at(-1) as Layer)
    this.#end = end && batchFirst(program, end)
    this.#values = new SoftValues(program, lift(program.graph, { overrides: options.overrides ?? new Map() }))
  }

  run(): SoftModel {
    const { layers, tokens, hidden, heads } = this.#encoder
    const chosen = checkLayers(layers.length, this.#options.layers)
    for (let layer = 0; layer < layers.length; layer++) {
      if (this.#site === 'attention') this.#attendAt(layer)
      const output = chosen.includes(layer) ? this.#softenAt(layer) : undefined
      if (this.#site === 'input') this.#attendAt(layer)
      if (output !== undefined) this.#outputAt(layer, output)
    }
    const values = this.#values
    return {
      value: (name) => values.value(name),
      inputs: this.#inputs,
      losses: this.#losses,
      logProbs: this.#logProbs,
      kept: this.#kept,
      attended: this.#attended as Tensor,
      layerCount: layers.length,
      starts: layers.map(({ input }) => input),
      sites: layers.map((_, layer) => sites[this.#site].stream(this.#encoder, layer) as string),
      end: this.#end,
      site: this.#site,
      hidden,
      heads,
      tokens,
      nameOf: (tensor) => values.nameOf(tensor),
    }
  }

  /** @returns what becomes of the layer's output, if something does */
  #softenAt(layer: number): ((output: Tensor, before: Tensor) => Tensor) | undefined {
    const { method, params } = this.#options
    const source = siteSources[this.#site].source(this.#program, this.#encoder, layer, this.#state.protectedInputs[0])
    const before = { state: this.#state, kept: this.#lastLeft }
    const reduced = softenTokens({ method, source, ...before, params: params(layer), inputs: this.#inputsAt(layer) })
    const names = new Map([...this.#names, ...source.names])
    const bind = (tensor: Tensor): Tensor => this.#values.bind(tensor, names, this.#bound)
    this.#keep(layer, reduced, bind)

    const { hidden, attend, output } = reduced.softened
    const [batch, tokens, width] = this.#stream as [Dim, Dim, Dim]
    // All is bound before anything is replaced: it speaks of the graph as it is now.
    const changed = hidden && bind(hidden)
    if (attend !== undefined) {
      const scores = input('scores', 'float32', [batch, this.#encoder.heads, tokens, tokens])
      const probabilities = bind(attend(scores))
      this.#attend = (own) => this.#values.bind(probabilities, new Map(), new Map([[scores, own]]))
    }
    const { dtype } = source.hidden
    const [after, into] = [
      input('output', dtype, [batch, tokens, width]),
      input('input', dtype, [batch, tokens, width]),
    ]
    const result = output && bind(output(after, into))
    if (changed !== undefined) {
      this.#values.replace(sites[this.#site].stream(this.#encoder, layer) as string, changed)
    }
    return (
      result &&
      ((own, state) =>
        this.#values.bind(
          result,
          new Map(),
          new Map([
            [after, own],
            [into, state],
          ]),
        ))
    )
  }

  /** Notes what a site says of the loss, and what the next site continues from. */
  #keep(layer: number, { softened, kept, attended, state }: SoftReduced, bind: (tensor: Tensor) => Tensor): void {
    for (const [name, loss] of Object.entries(softened.losses ?? {})) {
      const others = this.#losses[name] ?? []
      this.#losses[name] = [...others, bind(loss)]
    }
    if (softened.logProb !== undefined) this.#logProbs.push(bind(softened.logProb))
    this.#attended ??= bind(attended)
    this.#kept.set(layer, bind(kept))
    this.#lastLeft = this.#standIn(kept, this.#kept.get(layer) as Tensor)
    const carried = Object.entries(state.carried).map(([name, own]) => [name, this.#standIn(own, bind(own))] as const)
    this.#state = { ...state, carried: Object.fromEntries(carried) }
  }

  /** A placeholder for what was bound: its expression would speak of the graph as it is later. */
  #standIn(expression: Tensor, bound: Tensor): Tensor {
    const placeholder = input('carried', expression.dtype, expression.dims)
    this.#bound.set(placeholder, bound)
    return placeholder
  }

  #inputsAt(layer: number): SoftInputs {
    const [batch, tokens] = this.#stream as [Dim, Dim]
    let drawn = 0
    const give = (kind: SoftInput['kind'], name: string, dims: SoftInput['dims']): Tensor => {
      const known = this.#given.get(name)
      if (known !== undefined) return known
      const actual = dims.map((dim) => (dim === 'B' ? batch : dim === 'N' ? tokens : dim))
      const placeholder = this.#standIn(input(name, 'float32', dims), input(name, 'float32', actual))
      this.#given.set(name, placeholder)
      this.#inputs.push({ kind, name, layer, dims })
      return placeholder
    }
    return {
      noise: (dims) => give('noise', `tp.noise.${layer}.${drawn++}`, dims),
      saliency: () => give('saliency', 'tp.saliency', ['B', 'N']),
      ratio: () => give('ratio', `tp.ratio.${layer}`, ['B']),
    }
  }

  /** The last site's softmax instead of the layer's own. */
  #attendAt(layer: number): void {
    if (this.#attend === undefined) return
    const { probabilities } = (this.#encoder.layers[layer] as Layer).attention
    const own = this.#values.value(probabilities)
    const scores = own.node.inputs[0] as Tensor
    const { heads, batch } = this.#encoder
    if (scores.rank === 4) {
      this.#values.replace(probabilities, this.#attend(scores))
      return
    }
    if (heads === 1) {
      this.#values.replace(probabilities, squeeze(this.#attend(unsqueeze(scores, [1])), [1]))
      return
    }
    const count = headsInBatch(this.#program, probabilities, batch)
    const reason = `layer ${layer} keeps ${count ?? 'its'} heads folded into the batch; a method that changes how it attends cannot be trained in it`
    throw new Refused('TP_HEADS', reason, this.#program.graph.producer(probabilities))
  }

  #outputAt(layer: number, output: (own: Tensor, before: Tensor) => Tensor): void {
    const { layers } = this.#encoder
    const own = layers[layer] as Layer
    const end = layerOutput(this.#program, layers, layer)
    const name = end && batchFirst(this.#program, end)
    if (name === undefined) {
      throw new Refused('TP_RESTORE', 'the end of the last layer was not found, so its output cannot be changed')
    }
    const before = this.#values.value(own.input)
    this.#values.replace(name, output(this.#values.value(name), before))
  }
}
