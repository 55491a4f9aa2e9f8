import { TpError } from '@tp/core'
import type { NamedTensors, RunOptions, Session, ValueInfo } from '@tp/core/runtime'
import { median } from '@tp/core/statistics'
import { type Baseline, FEWEST } from './baseline.ts'
import { Drift } from './drift.ts'
import { type Signal, signalReader, signals } from './signals.ts'
import { wrapSession } from './wrap-session.ts'

export interface MonitorOptions {
  /**
   * Within t inputs that are drawn as the calibration's were, a false alarm has probability at most t · this. Default 1e-5:
   * 1 % within 1,000 inputs.
   */
  readonly falseAlarmRate?: number | undefined
  /** Name of the output with the logits. */
  readonly output?: string | undefined
  /**
   * Adds outputs: float32 [b] `tp.monitor.margin`, float32 [b] `tp.monitor.drift` (evidence for drift after the row, 1 where
   * it alarms) and bool [b] `tp.monitor.alarm`. Default false.
   */
  readonly outputs?: boolean | undefined
  /** Called when there is enough evidence for drift; evidence is then gathered from the start. */
  readonly onAlarm?: ((alarm: Alarm) => void) | undefined
  /** Evidence is gathered from the start after this number of inputs, so that memory is bounded. Default 10,000. */
  readonly memory?: number | undefined
  /** Numbers in 0…1, which ties are broken by. Default Math.random. */
  readonly random?: (() => number) | undefined
}

export interface Alarm {
  readonly signal: Signal
  /** How many inputs the monitor has seen, and since when it gathered this evidence. */
  readonly input: number
  readonly since: number
  /** Medians of the signal over the last 25 inputs, and of the baseline. */
  readonly seen: number
  readonly expected: number
}

export interface MonitorStatistics {
  readonly inputs: number
  readonly alarms: readonly Alarm[]
  /** Evidence by signal, 1 where it alarms. */
  readonly drift: Partial<Readonly<Record<Signal, number>>>
}

export interface Monitor extends Session {
  /** Since it was made, without what warms it up. */
  statistics(): MonitorStatistics
}

/** How many of the last values an alarm's median is taken from: those that have changed, and few others. */
const RECENT = 25

/**
 * Watches the session of a pruned model for inputs that are unlike the calibration's. Every signal is tested by itself
 * (see `Drift`), each at its part of the false-alarm rate. The order of inputs is part of the test: what comes sorted, by
 * length or by class, is not drawn alike. The session belongs to the monitor, which disposes of it.
 *
 * @throws TpError TP_OPTION; TP_OUTPUT without logits; TP_MONITOR for a baseline of signals that the model does not give
 */
export function monitor(session: Session, baseline: Baseline, options: MonitorOptions = {}): Monitor {
  const { falseAlarmRate = 1e-5, memory = 10_000, random = Math.random, onAlarm } = options
  if (!(falseAlarmRate > 0 && falseAlarmRate < 1)) {
    const seen = `falseAlarmRate is ${falseAlarmRate}`
    throw new TpError('TP_OPTION', 'guard', `${seen}; it is a probability for one input, above 0 and below 1`)
  }
  if (!(memory >= 100))
    throw new TpError('TP_OPTION', 'guard', `memory is ${memory}; it is a number of inputs, from 100`)
  const reader = signalReader(session.outputs, options.output)
  const watched = watchedSignals(baseline, reader.names).map(([name, values]) => ({
    name,
    drift: new Drift(values, random),
    recent: [] as number[],
    expected: median(values),
    evidence: 0,
  }))
  /** Evidence that each signal alarms at. */
  const enough = watched.length / falseAlarmRate
  const alarms: Alarm[] = []
  let [inputs, since] = [0, 0]

  function restart(): void {
    since = inputs
    for (const signal of watched) {
      signal.drift.restart()
      signal.recent.length = 0
    }
  }

  /** Evidence after one more input, and whether it alarms. */
  function add(values: Partial<Record<Signal, number[]>>, row: number): { drift: number; alarm: boolean } {
    if (inputs - since >= memory) restart()
    inputs++
    for (const signal of watched) {
      const value = values[signal.name]?.[row] as number
      signal.recent.push(value)
      if (signal.recent.length > RECENT) signal.recent.shift()
      signal.evidence = signal.drift.add(value) / enough
    }
    const drift = Math.max(...watched.map(({ evidence }) => evidence))
    const first = watched.find(({ evidence }) => evidence >= 1)
    if (first !== undefined) {
      const alarm = { signal: first.name, input: inputs, since, seen: median(first.recent), expected: first.expected }
      alarms.push(alarm)
      restart()
      onAlarm?.(alarm)
    }
    return { drift, alarm: first !== undefined }
  }

  return wrapSession(session, {
    outputs: options.outputs === true ? [...session.outputs, ...added(session.inputs)] : session.outputs,
    async run(feeds: NamedTensors, runOptions?: RunOptions): Promise<NamedTensors> {
      const outputs = await session.run(feeds, runOptions)
      const values = reader.read(outputs)
      const found = (values.margin as number[]).map((_, row) => add(values, row))
      return options.outputs === true ? { ...outputs, ...outputsOf(values.margin as number[], found) } : outputs
    },
    statistics: (): MonitorStatistics => ({
      inputs,
      alarms: [...alarms],
      drift: Object.fromEntries(watched.map(({ name, evidence }) => [name, evidence])),
    }),
  })
}

function watchedSignals(baseline: Baseline, known: readonly Signal[]): (readonly [Signal, readonly number[]])[] {
  const fail = (message: string): never => {
    throw new TpError('TP_MONITOR', 'guard', message)
  }
  const watched = signals.flatMap((name) => {
    const values = baseline.signals[name]
    return values === undefined ? [] : [[name, values] as const]
  })
  if (watched.length === 0) fail(`the baseline has none of the signals ${signals.join(', ')}; record one first`)
  const missing = watched.find(([name]) => !known.includes(name))
  if (missing !== undefined) {
    const advice = 'prune it with monitor, or record a baseline of this model'
    fail(`the baseline has ${missing[0]}, which the model does not give (it gives ${known.join(', ')}); ${advice}`)
  }
  const few = watched.find(([, values]) => values.length < FEWEST)
  if (few !== undefined) fail(`the baseline of ${few[0]} has ${few[1].length} values; at least ${FEWEST} are needed`)
  return watched
}

function added(inputs: readonly ValueInfo[]): ValueInfo[] {
  const batch = inputs[0]?.dims[0] ?? ''
  const info = (name: string, type: string): ValueInfo => ({ name: `tp.monitor.${name}`, type, dims: [batch] })
  return [info('margin', 'float32'), info('drift', 'float32'), info('alarm', 'bool')]
}

function outputsOf(margins: readonly number[], found: readonly { drift: number; alarm: boolean }[]): NamedTensors {
  const dims = [margins.length]
  return {
    'tp.monitor.margin': { type: 'float32', dims, data: Float32Array.from(margins) },
    'tp.monitor.drift': { type: 'float32', dims, data: Float32Array.from(found, ({ drift }) => drift) },
    'tp.monitor.alarm': { type: 'bool', dims, data: Uint8Array.from(found, ({ alarm }) => Number(alarm)) },
  }
}
