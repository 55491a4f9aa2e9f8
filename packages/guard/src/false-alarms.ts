import type { Baseline } from './baseline.ts'
import { Drift } from './drift.ts'

/** How often a monitor alarmed on inputs that were like its baseline. JSON. */
export interface MeasuredFalseAlarms {
  /** For one input; within `inputs` of them at most `inputs` times as much. */
  readonly falseAlarmRate: number
  readonly inputs: number
  readonly streams: number
  /** Streams that gave one. */
  readonly alarms: number
}

export interface FalseAlarmOptions {
  /** Default 1e-5. */
  readonly falseAlarmRate?: number | undefined
  /** Default 200. */
  readonly streams?: number | undefined
  /** Numbers in 0…1. Default Math.random. */
  readonly random?: (() => number) | undefined
}

/**
 * Measures the false-alarm rate on a baseline itself: many times, one half of it, drawn at random, is watched against
 * the other.
 */
export function measureFalseAlarms({ signals }: Baseline, options: FalseAlarmOptions = {}): MeasuredFalseAlarms {
  const { falseAlarmRate = 1e-5, streams = 200, random = Math.random } = options
  const watched = Object.values(signals) as (readonly number[])[]
  const count = watched[0]?.length ?? 0
  const inputs = count >> 1
  const enough = watched.length / falseAlarmRate
  let alarms = 0
  for (let stream = 0; stream < streams; stream++) {
    const order = shuffled(count, random)
    const alarmed = watched.some((values) => {
      const at = (position: number): number => values[position] as number
      const drift = new Drift(order.slice(inputs).map(at), random)
      return order.slice(0, inputs).some((position) => drift.add(at(position)) >= enough)
    })
    if (alarmed) alarms++
  }
  return { falseAlarmRate, inputs, streams, alarms }
}

/** 0, 1, 2, … in any order (Fisher and Yates). */
function shuffled(count: number, random: () => number): number[] {
  const order = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const [a, b] = [order[i], order[j]] as [number, number]
    order[i] = b
    order[j] = a
  }
  return order
}
