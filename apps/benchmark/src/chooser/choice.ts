import type { Plan } from '@tp/compiler'
import type { Runtime, Session, SessionOptions } from '@tp/core/runtime'
import type { Model } from '@tp/onnx'
import { optimize } from '@tp/optimize'
import { entries } from '../registry/methods.ts'
import type { PoolData } from './pool-answers.ts'

interface ChoiceInput {
  /** Answers; models that are timed are loaded on the device. */
  readonly runtime: Runtime
  readonly device: Runtime
  readonly load: (runtime: Runtime, model: Model, options: SessionOptions) => Promise<Session>
  readonly model: Model
  readonly data: PoolData
  /** Whether 8 bits are a choice. */
  readonly eightBits: boolean
  readonly maxLoss: number
}

/** The plan that is chosen without further instructions, for the largest inputs: what is judged. */
export async function planOf({ eightBits, ...common }: ChoiceInput): Promise<Plan> {
  const form = eightBits ? {} : ({ quantize: false } as const)
  const { regimes } = await optimize({ ...common, ...form, methods: entries, leaveOut: false, grid: [] })
  return regimes.at(-1)?.plan as Plan
}
