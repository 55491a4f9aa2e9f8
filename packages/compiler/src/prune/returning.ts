import { input, type Method, type Schedule, type Tensor } from '@tp/core'
import { returnedState, startedState, type TokenState } from '@tp/core/host'
import type { NodeProto } from '@tp/onnx'
import type { Encoder } from '../analyze/encoder.ts'
import type { Layer } from '../analyze/layer.ts'
import type { Program } from '../program/program.ts'
import type { InsertedCut } from './cut.ts'
import { RestorePoint } from './restore-point.ts'

/** State of the tokens, and the values of the graph that they stand for. */
export interface Tokens {
  readonly state: TokenState
  readonly names: ReadonlyMap<Tensor, string>
}

/** Brings the tokens of methods that return them back upstream of the next layer where some are pruned. */
export class Returning {
  readonly #points = new Map<number, RestorePoint>()
  readonly #method: Method
  #away: { readonly before: Tokens; readonly cut: InsertedCut } | undefined

  constructor(method: Method) {
    this.#method = method
  }

  /** Inserts the points where tokens are restored; the streams of `encoder` are those that layers read. */
  insertPoints(program: Program, { layers }: Encoder, schedule: Schedule): void {
    if (!this.#method.returns) return
    for (const layer of [...schedule.keys()].sort((a, b) => a - b).slice(1)) {
      this.#points.set(layer, new RestorePoint(program, (layers[layer] as Layer).input, layer))
    }
  }

  get ends(): NodeProto[] {
    return [...this.#points.values()].map(({ node }) => node)
  }

  /** All tokens again, upstream of a layer where some are to be pruned. */
  comeBack(layer: number, now: Tokens): Tokens {
    if (this.#away === undefined) return now
    const { before, cut } = this.#away
    this.#points.get(layer)?.restore([cut])
    const indices = input('indices', 'int64', ['B', 'N', 1])
    this.#away = undefined
    return {
      state: returnedState(before.state, now.state, indices),
      names: new Map([...before.names, ...now.names, [indices, cut.indices]]),
    }
  }

  /** The facts about tokens before some are pruned. */
  start(tokens: Tokens): Tokens {
    return this.#method.returns ? { ...tokens, state: startedState(this.#method, tokens.state) } : tokens
  }

  pruned(before: Tokens, cut: InsertedCut): void {
    if (this.#method.returns) this.#away = { before, cut }
  }

  /** Of all cuts: those whose tokens are missing at a point upstream of a layer. */
  awayAt(cuts: readonly InsertedCut[], { before }: RestorePoint): readonly InsertedCut[] {
    if (!this.#method.returns) return cuts
    return this.#points.has(before) ? [] : cuts.filter(({ layer }) => layer < before).slice(-1)
  }
}
