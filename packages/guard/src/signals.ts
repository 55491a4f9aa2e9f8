import type { NamedTensors, ValueInfo } from '@tp/core/runtime'
import { answerOutput, logitRows, marginOf } from './answer.ts'

/**
 * The watched signals, one number an input:
 *
 *   margin   difference of the two largest logits
 *   mass     share of the score that the kept tokens hold (`tp.monitor.mass`)
 *   kept     share of the tokens that is kept (`tp.monitor.kept`, where the data decide it)
 */
export type Signal = 'margin' | 'mass' | 'kept'

export const signals: readonly Signal[] = ['margin', 'mass', 'kept']

/** Outputs of a model that was pruned with `monitor`, float32 [b]. */
const fromOutput = { mass: 'tp.monitor.mass', kept: 'tp.monitor.kept' } as const

/** The signals of a model's outputs, row by row. */
export interface SignalReader {
  readonly names: readonly Signal[]
  read(outputs: NamedTensors): Partial<Record<Signal, number[]>>
}

/** @throws TpError TP_OUTPUT if the model gives no logits */
export function signalReader(outputs: readonly ValueInfo[], output?: string): SignalReader {
  const answers = answerOutput(outputs, output)
  const extra = (['mass', 'kept'] as const).filter((name) => outputs.some((info) => info.name === fromOutput[name]))
  return {
    names: ['margin', ...extra],
    read: (results) => ({
      margin: logitRows(results, answers).map((logits) => short(marginOf(logits))),
      ...Object.fromEntries(
        extra.map((name) => [name, Array.from(results[fromOutput[name]]?.data as Float32Array, short)]),
      ),
    }),
  }
}

/** Six digits, as in a file: a value that is equal to one of the file's must stay so. */
function short(value: number): number {
  return Number(value.toPrecision(6))
}
