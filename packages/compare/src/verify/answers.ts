import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { rowsOf } from '../inputs/rows.ts'
import { distanceInSizes, sizeOf } from './differences.ts'
import { type Arrangement, arrangements, type Trial, tokensOf } from './trials.ts'

/** The outputs of one example in one trial; those with a row for each token have the rows of its own tokens. */
export interface Answer {
  readonly arrangement: Arrangement
  readonly example: number
  readonly outputs: NamedTensors
}

/** The outputs of a model for one trial. */
export interface TrialRun {
  readonly trial: Trial
  readonly outputs: NamedTensors
}

/** The answers of a model to every example of the trials that it was run on. */
export function answersIn(runs: readonly TrialRun[]): Answer[] {
  const [first] = runs
  const layout = new Map(
    Object.entries(first?.outputs ?? {}).map(([name, { dims }]) => {
      const isAlways = (holds: (dims: readonly number[], sizes: Sizes) => boolean): boolean =>
        runs.every(({ trial, outputs }) => holds(outputs[name]?.dims ?? [], sizesOf(trial.inputs)))
      // Channels and sentences of an example are sequences of their own, with a row each.
      const rows = (dims[0] ?? 1) / sizesOf((first as TrialRun).trial.inputs).batch
      const hasRows = Number.isInteger(rows) && isAlways(([count], { batch }) => count === rows * batch)
      const perToken = !(hasRows && rows > 1) && isAlways(([, count], { tokens }) => count === tokens)
      return [name, { rows: hasRows ? rows : 0, perToken }]
    }),
  )
  return runs.flatMap(({ trial, outputs }) => split(trial, outputs, layout))
}

/** How many rows an output has for each example (0: it has none of its own), and whether these have one for each token. */
type OutputLayout = ReadonlyMap<string, { readonly rows: number; readonly perToken: boolean }>

function split({ arrangement, inputs, examples }: Trial, outputs: NamedTensors, layout: OutputLayout): Answer[] {
  const { tokens } = sizesOf(inputs)
  return examples.map(({ example, start, length }, row) => {
    const own = Object.entries(outputs).map(([name, tensor]) => {
      const { rows = 0, perToken } = layout.get(name) ?? {}
      const one = rows > 0 ? rowsOf(tensor, row * rows, rows) : tensor
      return [name, length !== undefined && perToken ? tokensOf(one, start, length, tokens) : one] as const
    })
    return { arrangement, example, outputs: Object.fromEntries(own) }
  })
}

interface Sizes {
  readonly batch: number
  readonly tokens: number
}

/** Examples of a run, and positions of each. */
export function sizesOf(inputs: NamedTensors): Sizes {
  const all = Object.values(inputs)
  const batch = Math.max(1, ...all.map(({ dims }) => dims[0] ?? 1))
  return { batch, tokens: all.find(({ dims }) => dims.length >= 2)?.dims[1] ?? 1 }
}

/** How far an output is from the expected one. */
export type Distance = (actual: TensorLike | undefined, expected: TensorLike, name: string) => number

/** As a share of the size of an output in the example where it is largest. */
export function shareOfLargest(answers: readonly Answer[]): Distance {
  const sizes = new Map<string, number>()
  for (const { outputs } of answers) {
    for (const [name, tensor] of Object.entries(outputs))
      sizes.set(name, Math.max(sizes.get(name) ?? 0, sizeOf(tensor)))
  }
  return (actual, expected, name) => distanceInSizes(actual, expected, sizes.get(name) ?? 0)
}

/** The output that is farthest from the expected one. */
export interface Farthest {
  readonly name: string
  readonly distance: number
}

/** The largest distance of an output, of those that `isCompared` says. */
export function farthest(
  actual: NamedTensors,
  expected: NamedTensors,
  distance: Distance,
  isCompared: (name: string) => boolean = () => true,
): Farthest {
  let found: Farthest = { name: '', distance: 0 }
  for (const [name, tensor] of Object.entries(expected)) {
    const own = isCompared(name) ? distance(actual[name], tensor, name) : 0
    if (own > found.distance) found = { name, distance: own }
  }
  return found
}

/** How far the answers of a model to the examples of each arrangement are from its own answers to the same ones alone. */
export function ownDistances(answers: readonly Answer[], distance: Distance): ReadonlyMap<Arrangement, number> {
  const alone = answersAlone(answers)
  const found = new Map<Arrangement, number>()
  for (const { arrangement, example, outputs } of answers) {
    const own = alone.get(example)
    if (own === undefined) continue
    found.set(arrangement, Math.max(found.get(arrangement) ?? 0, farthest(outputs, own, distance).distance))
  }
  return found
}

/** The outputs of each example by itself. */
export function answersAlone(answers: readonly Answer[]): ReadonlyMap<number, NamedTensors> {
  return new Map(
    answers.filter(({ arrangement }) => arrangement === 'alone').map(({ example, outputs }) => [example, outputs]),
  )
}

/** The arrangements in which a model answers as alone, up to a distance: in the others there is nothing to compare with. */
export function heldWithin(own: ReadonlyMap<Arrangement, number>, tolerance: number): readonly Arrangement[] {
  return arrangements.filter((each) => (own.get(each) ?? Number.POSITIVE_INFINITY) <= tolerance)
}
