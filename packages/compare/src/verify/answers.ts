import { type NamedTensors, type Session, type TensorLike, throwIfAborted } from '@tp/core/runtime'
import { take } from '../inputs/rows.ts'
import { distanceInSizes, sizeOf } from './differences.ts'
import { type Arrangement, arrangements, type Trial, tokensOf } from './trials.ts'

/** The outputs of one example in one trial; those with a row for each token have the rows of its own tokens. */
export interface Answer {
  readonly arrangement: Arrangement
  readonly example: number
  readonly outputs: NamedTensors
}

interface AnswerOptions {
  readonly signal?: AbortSignal | undefined
  /** Sees the outputs of each trial. */
  readonly check?: (outputs: NamedTensors, trial: number) => void
}

/** The answers of a model to every example of every trial. */
export async function answersTo(
  session: Session,
  trials: readonly Trial[],
  { signal, check }: AnswerOptions,
): Promise<Answer[]> {
  const runs: NamedTensors[] = []
  for (const { inputs } of trials) {
    throwIfAborted(signal, 'compare')
    const outputs = await session.run(inputs, signal && { signal })
    check?.(outputs, runs.length)
    runs.push(outputs)
  }
  const names = Object.keys(runs[0] ?? {}).filter((name) =>
    trials.every(({ inputs }, i) => runs[i]?.[name]?.dims[1] === sizesOf(inputs).tokens),
  )
  return trials.flatMap((trial, i) => split(trial, runs[i] as NamedTensors, new Set(names)))
}

/** @param perToken outputs with a row for each token */
function split(
  { arrangement, inputs, examples }: Trial,
  outputs: NamedTensors,
  perToken: ReadonlySet<string>,
): Answer[] {
  const { batch, tokens } = sizesOf(inputs)
  return examples.map(({ example, start, length }, row) => {
    const own = Object.entries(outputs).map(([name, tensor]) => {
      const one = take(tensor, row, batch)
      return [name, length !== undefined && perToken.has(name) ? tokensOf(one, start, length, tokens) : one] as const
    })
    return { arrangement, example, outputs: Object.fromEntries(own) }
  })
}

/** Examples of a run, and positions of each. */
export function sizesOf(inputs: NamedTensors): { readonly batch: number; readonly tokens: number } {
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

/** The largest distance of an output, of those that `isCompared` says. */
export function distanceOf(
  actual: NamedTensors,
  expected: NamedTensors,
  distance: Distance,
  isCompared: (name: string) => boolean = () => true,
): number {
  const compared = Object.entries(expected).filter(([name]) => isCompared(name))
  return Math.max(0, ...compared.map(([name, tensor]) => distance(actual[name], tensor, name)))
}

/** How far the answers of a model to the examples of each arrangement are from its own answers to the same ones alone. */
export function ownDistances(answers: readonly Answer[], distance: Distance): ReadonlyMap<Arrangement, number> {
  const alone = new Map(
    answers.filter(({ arrangement }) => arrangement === 'alone').map(({ example, outputs }) => [example, outputs]),
  )
  const found = new Map<Arrangement, number>()
  for (const { arrangement, example, outputs } of answers) {
    const far = distanceOf(outputs, alone.get(example) as NamedTensors, distance)
    found.set(arrangement, Math.max(found.get(arrangement) ?? 0, far))
  }
  return found
}

/** The arrangements in which a model answers as alone, up to a distance: in the others there is nothing to compare with. */
export function heldWithin(own: ReadonlyMap<Arrangement, number>, tolerance: number): readonly Arrangement[] {
  return arrangements.filter((each) => (own.get(each) ?? Number.POSITIVE_INFINITY) <= tolerance)
}
