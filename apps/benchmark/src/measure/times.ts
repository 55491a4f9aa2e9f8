import { type TurnOptions, timeInTurns, type VariantLatency, withSessions } from '@tp/compare'
import type { NamedTensors, Runtime, Session, SessionOptions } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { encodeModel } from '@tp/onnx'
import { limits } from '../files.ts'
import type { Setting } from '../registry/settings.ts'
import { type Prepared, prepare } from './prepare.ts'
import type { MeasuredSubject } from './subject.ts'

/** A batch of texts of one length, none of them padded. */
export interface TimedShape {
  readonly batch: number
  readonly tokens: number
}

export function shapeText({ batch, tokens }: TimedShape): string {
  return `${batch}×${tokens}`
}

/** When candidates are timed: on some examples one by one, or on batches of one shape. */
type TimedAt = { readonly examples: number } | TimedShape

export interface Timing extends Pick<TurnOptions, 'rounds' | 'budgetMs' | 'clock'> {
  readonly at: TimedAt
}

/** Times models in turns; the first is what speed-ups refer to. */
export type Timer = (
  files: readonly Uint8Array[],
  inputs: readonly NamedTensors[],
  options: TurnOptions,
) => Promise<readonly VariantLatency[]>

/** In this process. Models on one thread each do not compete, since they take turns. */
export function timerOf(runtime: Runtime, options: SessionOptions = { threads: 1 }): Timer {
  return (files, inputs, comparison) =>
    timeSessions(
      files.map((file) => () => runtime.load(file, options)),
      inputs,
      comparison,
    )
}

/** Opens sessions, of any runtimes, times them in turns, and closes them. */
export function timeSessions(
  open: readonly (() => Promise<Session>)[],
  inputs: readonly NamedTensors[],
  options: TurnOptions,
): Promise<readonly VariantLatency[]> {
  return withSessions(open, async (sessions) => {
    return (await timeInTurns(sessions, inputs, withinLimits(options))).latencies
  })
}

/** Options of times with the limit of a trial run. */
export function withinLimits<O extends TurnOptions>(options: O): O {
  const { budgetMs = Number.POSITIVE_INFINITY } = options
  return { ...options, budgetMs: Math.min(budgetMs, limits.ms) }
}

/** Settings of a subject in turns, in their order; the first is what speed-ups refer to. */
export async function timeCandidates(
  timer: Timer,
  subject: MeasuredSubject,
  settings: readonly Setting[],
  { at, ...options }: Timing,
): Promise<readonly VariantLatency[]> {
  const prepared: Prepared[] = []
  for (const setting of settings) prepared.push(await prepare(subject, setting))
  /** Of candidates whose texts are cut. */
  const inputsOf = await Promise.all(
    prepared.map(({ inputs }) => (inputs === subject.inputs ? undefined : feedsAt(subject, inputs, at))),
  )
  const files = prepared.map(({ model }) => encodeModel(model))
  return timer(files, await feedsAt(subject, subject.inputs, at), { ...options, inputsOf })
}

/** Different batches of a shape: values change what is gathered, though hardly how long it takes. */
const TURNS = 3

/** The examples that models are timed on; the same examples, whatever they are cut to. */
function feedsAt(subject: MeasuredSubject, inputs: ModelInputs, at: TimedAt): Promise<NamedTensors[]> {
  return Promise.all(
    'tokens' in at
      ? Array.from({ length: TURNS }, (_, turn) => feedsOfShape(inputs, at, turn))
      : stratifiedSample(subject.lengths, at.examples).map((position) => inputs.feeds([position])),
  )
}

/** The beginnings of texts that are long enough, or whole examples of other kinds; `turn` says which of them. */
async function feedsOfShape(inputs: ModelInputs, { batch, tokens }: TimedShape, turn: number): Promise<NamedTensors> {
  const { lengths } = inputs
  const long = inputs.targets.flatMap((_, i) => (lengths === undefined || (lengths[i] as number) >= tokens ? [i] : []))
  const positions = Array.from({ length: batch }, (_, b) => long[(turn * batch + b) % long.length] as number)
  const whole = await inputs.feeds(positions)
  if (lengths === undefined) return whole
  return Object.fromEntries(
    Object.entries(whole).map(([name, { type, dims, data }]) => {
      const [rows = 0, width = 0] = dims
      const cut = (data as BigInt64Array).slice(0, rows * tokens)
      for (let row = 0; row < rows; row++) {
        cut.set((data as BigInt64Array).subarray(row * width, row * width + tokens), row * tokens)
      }
      return [name, { type, dims: [rows, tokens], data: cut }]
    }),
  )
}

/**
 * Positions of examples whose lengths are spread as those of all are: the middle of each of `count` equal parts of the
 * examples in order of length.
 */
export function stratifiedSample(lengths: readonly number[], count: number): number[] {
  const order = lengths.map((_, i) => i).sort((a, b) => (lengths[a] as number) - (lengths[b] as number) || a - b)
  const parts = Math.min(count, order.length)
  return Array.from({ length: parts }, (_, i) => order[Math.floor(((i + 0.5) * order.length) / parts)] as number)
}
