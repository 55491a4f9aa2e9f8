import { isTpError } from '@tp/core'
import type { NamedTensors, Session } from '@tp/core/runtime'
import { isTrace, tracedTokens } from '@tp/eval/metrics'
import type { Model } from '@tp/onnx'
import { median } from 'simple-statistics'
import type { Setting } from '../registry/settings.ts'
import { differenceText } from '../report/numbers.ts'
import type { Findings } from '../report/section.ts'
import { tableOf } from '../report/table.ts'
import { prepare } from './prepare.ts'
import type { Subject } from './subject.ts'

/** A model with a method in it, here and in another runtime or form. */
export interface Parity {
  readonly model: string
  readonly method: string
  /** Why it was not run. */
  readonly refusal?: string
  /** Largest difference of an output that is no trace. */
  readonly difference: number
  readonly rows: number
  /** Rows for which the two kept different tokens. */
  readonly differing: number
  /** Those of them for which this runtime alone decides otherwise, too, when its input moves by a millionth. */
  readonly onTheEdge: number
}

export type ParityOf = Pick<Parity, 'model' | 'method'>

/** A setting with traces, or why there is none. */
export async function tracedModel(subject: Subject, setting: Setting): Promise<Model | { readonly refusal: string }> {
  try {
    return (await prepare(subject, setting, { trace: true })).model
  } catch (error) {
    if (isTpError(error)) return { refusal: error.message }
    throw error
  }
}

export function refused(about: ParityOf, refusal: string): Parity {
  return { ...about, refusal, difference: Number.NaN, rows: 0, differing: 0, onTheEdge: 0 }
}

/** Runs the same inputs here and elsewhere. */
export async function parityOf(
  about: ParityOf,
  here: Session,
  elsewhere: (feeds: NamedTensors) => Promise<NamedTensors>,
  feeds: readonly NamedTensors[],
): Promise<Parity> {
  let [difference, rows, differing, onTheEdge] = [0, 0, 0, 0]
  for (const inputs of feeds) {
    const [expected, outputs] = [await here.run(inputs), await elsewhere(inputs)]
    const others = rowsThatDiffer(expected, outputs)
    rows += Object.values(inputs)[0]?.dims[0] ?? 0
    differing += others.size
    if (others.size > 0) onTheEdge += await countOnTheEdge(here, inputs, expected, others)
    difference = Math.max(difference, largestDifference(expected, outputs))
  }
  return { ...about, difference, rows, differing, onTheEdge }
}

/** Rows of a batch for which two runs kept different tokens at some layer. */
function rowsThatDiffer(one: NamedTensors, other: NamedTensors): Set<number> {
  const theirs = tracedTokens(other)
  const rows = new Set<number>()
  for (const [layer, tokens] of tracedTokens(one)) {
    for (const [row, kept] of tokens.entries()) {
      if (listed(kept) !== listed(theirs.get(layer)?.[row])) rows.add(row)
    }
  }
  return rows
}

/** Merged tokens may stand in another order than they came in. */
function listed(tokens: readonly number[] = []): string {
  return tokens.toSorted((a, b) => a - b).join()
}

/** A NaN counts as an infinite difference. */
function largestDifference(one: NamedTensors, other: NamedTensors): number {
  let largest = 0
  for (const [name, { data }] of Object.entries(one)) {
    if (isTrace(name)) continue
    const theirs = other[name]?.data as Float32Array | undefined
    for (const [i, value] of (data as Float32Array).entries()) {
      const difference = Math.abs(value - (theirs?.[i] ?? Number.NaN))
      if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference
    }
  }
  return largest
}

/** How often an input is moved, and by how much of its largest number: what rounding does, too. */
const MOVES = 20
const MILLIONTH = 1e-6

/** Of these rows, those whose tokens change here when the input moves a little: their scores all but tie. */
async function countOnTheEdge(
  session: Session,
  inputs: NamedTensors,
  expected: NamedTensors,
  rows: ReadonlySet<number>,
): Promise<number> {
  const changed = new Set<number>()
  for (let move = 0; move < MOVES; move++) {
    for (const row of rowsThatDiffer(expected, await session.run(moved(inputs, move)))) {
      if (rows.has(row)) changed.add(row)
    }
  }
  return changed.size
}

/** Token numbers cannot move; images and sounds can. */
function moved(inputs: NamedTensors, seed: number): NamedTensors {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]) => {
      if (!(tensor.data instanceof Float32Array)) return [name, tensor]
      const most = tensor.data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
      const data = tensor.data.map((value, i) => value + MILLIONTH * most * Math.sin(i * 12.9898 + seed * 78.233))
      return [name, { ...tensor, data }]
    }),
  )
}

/** Outputs are the same up to this. */
const SAME = 1e-4

/** Cases by model, then those with other tokens or outputs, and refusals. */
export function parityFindings(caption: string, cases: readonly Parity[]): Findings {
  const models = [...new Set(cases.map(({ model }) => model))].map((model) => {
    const own = cases.filter((one) => one.model === model && one.refusal === undefined)
    const sum = (count: (one: Parity) => number): string => `${own.reduce((total, one) => total + count(one), 0)}`
    return { model, own, sum, dense: own.find(({ method }) => method === 'none')?.difference }
  })
  const table = tableOf(
    caption,
    {
      model: ({ model }) => model,
      methods: ({ own }) => `${own.length}`,
      'dense differs by': ({ dense }) => differenceText(dense),
      'methods differ by (median, most)': ({ own }) => {
        const all = own.map(({ difference }) => difference)
        return all.length === 0 ? '' : `${differenceText(median(all))}, ${differenceText(Math.max(...all))}`
      },
      rows: ({ sum }) => sum(({ rows }) => rows),
      'with other tokens': ({ sum }) => sum(({ differing }) => differing),
      'on the edge': ({ sum }) => sum(({ onTheEdge }) => onTheEdge),
    },
    models,
  )
  /** Where the dense model itself differs, what is pruned differs, too. */
  const alike = models.filter(({ dense = 0 }) => dense <= SAME).map(({ model }) => model)
  const others = cases.filter(
    ({ model, differing, difference, refusal }) =>
      refusal !== undefined || (alike.includes(model) && (differing > 0 || !(difference <= SAME))),
  )
  const single = tableOf(
    `Single cases with other tokens, or outputs that differ by more than ${SAME}, on models whose dense outputs do not; and refusals`,
    {
      'model, method': ({ model, method }) => `${model}, ${method}`,
      'differs by': ({ difference, refusal }) => (refusal === undefined ? differenceText(difference) : ''),
      'rows with other tokens': ({ differing, rows }) => `${differing} of ${rows}`,
      'on the edge': ({ onTheEdge }) => `${onTheEdge}`,
      refused: ({ refusal = '' }) => refusal,
    },
    others,
  )
  return { tables: others.length === 0 ? [table] : [table, single], values: cases }
}
