import { type NamedTensors, openSession, type Session, type ValueInfo } from '@tp/core/runtime'
import { median, randomNumbers } from '@tp/core/statistics'
import {
  type Alarm,
  type Baseline,
  type MeasuredFalseAlarms,
  measureFalseAlarms,
  monitor,
  recordBaseline,
  type Signal,
} from '@tp/guard'
import { type Interval, proportionInterval } from '@tp/metrics'
import { shuffle } from 'simple-statistics'
import type { MeasuredAnswers } from '../measure/answers.ts'
import type { Guarded, GuardedSet } from './guarded.ts'

/** The promise of a false-alarm rate, and its outcome. */
export interface FalseAlarms extends MeasuredFalseAlarms {
  /** Share of the streams that may have one. */
  readonly bound: number
  readonly share: Interval
}

export interface Detection {
  readonly set: string
  readonly inputs: number
  readonly streams: number
  readonly within100: number
  readonly detected: number
  /** Median inputs of shifted data until the alarm, of the streams that gave one. */
  readonly delay: number | undefined
  /** Streams by the signal that alarmed first. */
  readonly by: Readonly<Partial<Record<Signal, number>>>
}

const BATCH = 50
const STREAMS = 400
export const RATES: readonly number[] = [1e-5, 1e-4]

/** How often a monitor alarms on streams that are drawn as its baseline was: calibration and test data, each time in other halves. */
export async function falseAlarms({ calibration, test }: Guarded, falseAlarmRate: number): Promise<FalseAlarms> {
  const baseline = await baselineOf(calibration, test)
  const measured = measureFalseAlarms(baseline, { falseAlarmRate, streams: STREAMS, random: randomNumbers(3) })
  return {
    ...measured,
    bound: Math.min(1, falseAlarmRate * measured.inputs),
    share: proportionInterval(measured.alarms, STREAMS),
  }
}

const QUIET = 300
const SHIFTED_STREAMS = 100

/** How soon a monitor alarms when shifted inputs follow some of the test set. */
export async function detection({ calibration, test }: Guarded, set: GuardedSet, rate: number): Promise<Detection> {
  const session = replay([test.pruned, set.pruned])
  const baseline = await baselineOf(calibration)
  const random = randomNumbers(5)
  const [own, other] = [test.pruned.logits.length, set.pruned.logits.length]
  const inputs = Math.min(1000, other)
  const drawn = (count: number, from: number): number[] =>
    shuffle(
      Array.from({ length: count }, (_, i) => from + i),
      random,
    )
  const delays: number[] = []
  const by: Partial<Record<Signal, number>> = {}
  let streams = 0
  for (let stream = 0; stream < SHIFTED_STREAMS; stream++) {
    const quiet = drawn(own, 0).slice(0, QUIET)
    const rows = [...quiet, ...drawn(other, own).slice(0, inputs)]
    const alarm = await firstAlarm(session, baseline, rows, rate, random)
    // A false one says nothing of the shift; another stream stands for it.
    if (alarm !== undefined && alarm.input <= quiet.length) continue
    streams++
    if (alarm === undefined) continue
    delays.push(alarm.input - quiet.length)
    by[alarm.signal] = (by[alarm.signal] ?? 0) + 1
  }
  return {
    set: set.name,
    inputs,
    streams,
    within100: delays.filter((delay) => delay <= 100).length / streams,
    detected: delays.length / streams,
    delay: delays.length === 0 ? undefined : median(delays),
    by,
  }
}

async function baselineOf(...sets: readonly GuardedSet[]): Promise<Baseline> {
  const answers = sets.map(({ pruned }) => pruned)
  const recorder = recordBaseline(replay(answers), { random: randomNumbers(1) })
  await recorder.run(positions(answers.flatMap(({ logits }) => logits).map((_, i) => i)))
  return recorder.baseline()
}

async function firstAlarm(
  session: ReturnType<typeof replay>,
  baseline: Baseline,
  rows: readonly number[],
  falseAlarmRate: number,
  random: () => number,
): Promise<Alarm | undefined> {
  const watching = monitor(session, baseline, { falseAlarmRate, random })
  for (let from = 0; from < rows.length; from += BATCH) {
    await watching.run(positions(rows.slice(from, from + BATCH)))
    const [alarm] = watching.statistics().alarms
    if (alarm !== undefined) return alarm
  }
  return undefined
}

/** Answers of several data sets, one after the other, as a session: its input is the positions of the answers. */
function replay(parts: readonly MeasuredAnswers[]): Session {
  const logits = parts.flatMap((part) => part.logits)
  const names = Object.keys(parts[0]?.watched ?? {})
  const watched = new Map(names.map((name) => [name, parts.flatMap((part) => part.watched[name] ?? [])]))
  const classes = logits[0]?.length ?? 0
  const output = (name: string, dims: (number | string)[]): ValueInfo => ({ name, type: 'float32', dims })
  return openSession('benchmark', {
    inputs: [{ name: 'positions', type: 'int32', dims: ['batch'] }],
    outputs: [output('logits', ['batch', classes]), ...names.map((name) => output(name, ['batch']))],
    async run(inputs) {
      const positions = Array.from(inputs.positions?.data as Int32Array)
      const results: Record<string, NamedTensors[string]> = {
        logits: {
          type: 'float32',
          dims: [positions.length, classes],
          data: Float32Array.from(positions.flatMap((position) => logits[position] as number[])),
        },
      }
      for (const [name, values] of watched) {
        const data = Float32Array.from(positions, (position) => values[position] as number)
        results[name] = { type: 'float32', dims: [positions.length], data }
      }
      return results
    },
    close: async () => {},
  })
}

/** The inputs of {@link replay} for some positions. */
function positions(rows: readonly number[]): NamedTensors {
  return { positions: { type: 'int32', dims: [rows.length], data: Int32Array.from(rows) } }
}
