import { TpError } from '@tp/core'
import type { NamedTensors, RunOptions, Session } from '@tp/core/runtime'
import { type Signal, signalReader } from './signals.ts'
import { wrapSession } from './wrap-session.ts'

/** The reference of a monitor: values of each signal on the calibration's inputs. JSON. */
export interface Baseline {
  readonly signals: Partial<Readonly<Record<Signal, readonly number[]>>>
}

export interface BaselineOptions {
  /** Name of the output with the logits. */
  readonly output?: string | undefined
  /** At most so many inputs are remembered, drawn at random from all. Default 2,000. */
  readonly most?: number | undefined
  /** Numbers in 0…1 to draw them by. Default Math.random. */
  readonly random?: (() => number) | undefined
}

/** A session that remembers the signals of what it answers. */
export interface BaselineSession extends Session {
  /** @throws TpError TP_CALIBRATION if it has answered fewer than 20 inputs, or one without numbers */
  baseline(): Baseline
}

/** Fewer say nothing: each p-value would be one of so few steps. */
export const FEWEST = 20

/** Wraps the session of a pruned model while it runs the calibration's inputs; the caller keeps the session. */
export function recordBaseline(session: Session, options: BaselineOptions = {}): BaselineSession {
  const { most = 2000, random = Math.random } = options
  const reader = signalReader(session.outputs, options.output)
  const remembered = new Map<Signal, number[]>(reader.names.map((name) => [name, []]))
  let seen = 0

  /** Algorithm R (Vitter 1985): every input is kept with the same probability. */
  function remember(values: readonly (readonly [Signal, number])[]): void {
    const slot = seen < most ? seen : Math.floor(random() * (seen + 1))
    seen++
    if (slot >= most) return
    for (const [name, value] of values) (remembered.get(name) as number[])[slot] = value
  }

  return wrapSession(session, {
    async run(inputs: NamedTensors, runOptions?: RunOptions): Promise<NamedTensors> {
      const outputs = await session.run(inputs, runOptions)
      const read = reader.read(outputs)
      const rows = read.margin?.length ?? 0
      for (let row = 0; row < rows; row++) {
        remember(reader.names.map((name) => [name, read[name]?.[row] as number]))
      }
      return outputs
    },
    baseline(): Baseline {
      if (seen < FEWEST) {
        const reason = `a monitor cannot be compared with ${seen} inputs; run at least ${FEWEST}, better a thousand`
        throw new TpError('TP_CALIBRATION', 'guard', reason)
      }
      const broken = [...remembered].find(([, values]) => !values.every(Number.isFinite))
      if (broken !== undefined) {
        const reason = `${broken[0]} is no number for some inputs`
        throw new TpError('TP_CALIBRATION', 'guard', `${reason}; calibrate on inputs that the model can answer`)
      }
      return { signals: Object.fromEntries([...remembered].map(([name, values]) => [name, [...values]])) }
    },
  })
}
