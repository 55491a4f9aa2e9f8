import { type NamedTensors, type Session, type TensorLike, throwIfAborted } from '@tp/core/runtime'
import { type Figure, figureInterval, figureLoss, type Interval, largest } from '@tp/metrics'

/** An example with its right answer. */
export interface Labeled<Content> {
  readonly content: Content
  readonly label: number
}

/** Shares 0…1 over the examples that are done. */
export interface Accuracy {
  readonly done: number
  readonly of: number
  readonly dense: Interval
  readonly pruned: Interval
  /** How much more often the dense one is right, −1 … 1. */
  readonly loss: Interval
  /** How often both give the same answer. */
  readonly agreement: number
}

interface CountedAnswers {
  readonly denseRight: number
  readonly prunedRight: number
  readonly same: number
}

const EXAMPLES_PER_REPORT = 10

/** The state that survives when measuring is interrupted or continues with another plan. */
export interface Memory {
  readonly denseAnswers: Map<Labeled<unknown>, number>
  readonly counted: WeakMap<Session, CountedAnswers[]>
}

export function openMemory(): Memory {
  return { denseAnswers: new Map(), counted: new WeakMap() }
}

/** Lets both models answer a labeled set, one example after another; `onProgress` gets what is known so far. */
export async function measureAccuracy<Content>(
  sessions: { readonly dense: Session; readonly pruned: Session },
  set: readonly Labeled<Content>[],
  { denseAnswers, counted: remembered }: Memory,
  feedsOf: (content: Content) => Promise<NamedTensors>,
  onProgress: (accuracy: Accuracy) => void,
  signal: AbortSignal,
): Promise<void> {
  const counted = remembered.get(sessions.pruned) ?? []
  remembered.set(sessions.pruned, counted)
  if (counted.length > 0) onProgress(summary(counted, set.length))
  for (const example of set.slice(counted.length)) {
    throwIfAborted(signal, 'demo')
    const feeds = await feedsOf(example.content)
    const dense = denseAnswers.get(example) ?? answerOf(await sessions.dense.run(feeds, { signal }))
    denseAnswers.set(example, dense)
    const pruned = answerOf(await sessions.pruned.run(feeds, { signal }))
    counted.push({
      denseRight: Number(dense === example.label),
      prunedRight: Number(pruned === example.label),
      same: Number(dense === pruned),
    })
    if (counted.length % EXAMPLES_PER_REPORT === 0 || counted.length === set.length) {
      onProgress(summary(counted, set.length))
    }
  }
}

function summary(counted: readonly CountedAnswers[], of: number): Accuracy {
  const figure = (name: keyof CountedAnswers): Figure => ({ got: counted.map((one) => one[name]), share: true })
  const [dense, pruned] = [figure('denseRight'), figure('prunedRight')]
  return {
    ...{ done: counted.length, of },
    dense: figureInterval(dense),
    pruned: figureInterval(pruned),
    loss: figureLoss(dense, pruned),
    agreement: figureInterval(figure('same')).estimate,
  }
}

/** The class with the largest logit. */
function answerOf(outputs: NamedTensors): number {
  const data = (Object.values(outputs)[0] as TensorLike).data as Float32Array
  return largest(data)
}
