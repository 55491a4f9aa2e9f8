import { appendFile, mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isRefused, type Plan, transform, transformsOf } from '@tp/compiler'
import type { NamedTensors, Runtime, Session } from '@tp/core/runtime'
import { encodeModel, type Model } from '@tp/onnx'
import { stratifiedSample } from '../measure/times.ts'
import { scheduledMethods } from '../registry/methods.ts'
import type { DenseAnswers, PoolAnswers, PoolData } from './pool-answers.ts'
import { processorPace } from './processor-pace.ts'

/** A plan, measured on a pool. */
export interface MeasuredPlan {
  readonly plan: Plan
  /** Processor time relative to the dense model's; 1 for a plan that the model refuses. */
  readonly pace: number
  /** Absent for a plan that the model refuses. */
  readonly answers?: PoolAnswers
}

/** Examples that are timed one by one, with lengths that stand for all. */
const TIMED = 8

interface MeterOptions {
  readonly runtime: Runtime
  readonly model: Model
  /** The dense model, on one thread. */
  readonly dense: Session
  readonly data: PoolData
  readonly answers: DenseAnswers
  /** Lines of JSON, one for each plan: what was measured before is not measured again. */
  readonly file: string
}

/** Measures plans on a pool of examples, and remembers what it has measured. */
export class PlanMeter {
  readonly #options: MeterOptions
  readonly #feeds: readonly NamedTensors[]
  readonly #known: Map<string, MeasuredPlan>

  private constructor(options: MeterOptions, feeds: readonly NamedTensors[], known: Map<string, MeasuredPlan>) {
    this.#options = options
    this.#feeds = feeds
    this.#known = known
  }

  static async open(options: MeterOptions): Promise<PlanMeter> {
    const { inputs } = options.data
    const rows = stratifiedSample(inputs.lengths ?? inputs.targets.map(() => 1), TIMED)
    const feeds: NamedTensors[] = []
    for (const row of rows) feeds.push(await inputs.feeds([row]))
    await mkdir(dirname(options.file), { recursive: true })
    const lines = (await readFile(options.file, 'utf8').catch(() => '')).split('\n')
    const known = lines
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line) as MeasuredPlan)
      .filter(({ answers }) => answers === undefined || answers.length === inputs.targets.length)
    return new PlanMeter(options, feeds, new Map(known.map((own) => [JSON.stringify(own.plan), own])))
  }

  isKnown(plan: Plan): boolean {
    return this.#known.has(JSON.stringify(plan))
  }

  async measure(plan: Plan): Promise<MeasuredPlan> {
    const key = JSON.stringify(plan)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const measured = { plan, ...(await this.#measured(plan)) }
    this.#known.set(key, measured)
    await appendFile(this.#options.file, `${JSON.stringify(measured)}\n`)
    return measured
  }

  /** Times a plan once more, and remembers that instead. */
  async timeAgain(plan: Plan): Promise<void> {
    const { runtime, model, dense, file } = this.#options
    const known = await this.measure(plan)
    const changed = changedModel(model, plan)
    if (changed === undefined) return
    await using session = await runtime.load(changed, { threads: 1 })
    const pace = await processorPace(session, dense, this.#feeds)
    const measured = { ...known, pace: Number(pace.toFixed(4)) }
    this.#known.set(JSON.stringify(plan), measured)
    await appendFile(file, `${JSON.stringify(measured)}\n`)
  }

  async #measured(plan: Plan): Promise<Omit<MeasuredPlan, 'plan'>> {
    const { runtime, model, dense, answers } = this.#options
    const changed = changedModel(model, plan)
    if (changed === undefined) return { pace: 1 }
    await using session = await runtime.load(changed, { threads: 1 })
    const pace = await processorPace(session, dense, this.#feeds)
    return { pace: Number(pace.toFixed(4)), answers: await answers.answersOf(session) }
  }
}

/** @returns undefined for a plan that the model refuses */
function changedModel(model: Model, plan: Plan): Uint8Array | undefined {
  try {
    return encodeModel(transform(model, ...transformsOf(plan, scheduledMethods)).model)
  } catch (error) {
    if (!isRefused(error)) throw error
    return undefined
  }
}
