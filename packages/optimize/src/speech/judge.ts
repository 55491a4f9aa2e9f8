import { openOnce, timeInTurns, transcribe, withDecoder } from '@tp/compare'
import { type Plan, transform, transformsOf } from '@tp/compiler'
import type { Session } from '@tp/core/runtime'
import type { SpeechInputs } from '@tp/data'
import { type Interval, type WordErrors, wordErrorRate } from '@tp/metrics'
import type { Model } from '@tp/onnx'
import { loadModel } from '../load-model.ts'
import type { Measurer } from '../measurer.ts'
import type { Cell } from '../regimes.ts'
import type { SpeechOptions } from './options.ts'

/** Recordings by purpose. */
export type Halves = Readonly<Record<'choose' | 'verify', SpeechInputs>>

/** Recordings that are timed at the end. */
const TIMED = 6
const TIMING = { rounds: 12, budgetMs: 20_000 }

/** The errors and times of candidates. */
export class Judge {
  readonly #options: SpeechOptions
  readonly #measurer: Measurer
  readonly #halves: Halves

  constructor(options: SpeechOptions, measurer: Measurer, halves: Halves) {
    this.#options = options
    this.#measurer = measurer
    this.#halves = halves
  }

  /** The model pruned as a plan says. @throws TpError with the code of a refusal */
  pruned(plan: Plan | undefined): Model {
    const { model, variants } = this.#options
    if (plan === undefined) return model
    return transform(
      model,
      ...transformsOf(
        plan,
        variants.map(({ entry }) => entry),
      ),
    ).model
  }

  async #load(plan: Plan | undefined): Promise<Session> {
    return loadModel(this.#options, this.#options.runtime, this.pruned(plan))
  }

  /** Milliseconds of a half, and the word errors of its recordings. */
  async words(name: string, plan: Plan | undefined, half: keyof Halves): Promise<WordErrors & { readonly ms: number }> {
    const { decoder, signal } = this.#options
    const inputs = this.#halves[half]
    const [ms = 0, ...numbers] = await this.#measurer.measure(`words ${half} ${name}`, async () => {
      await using session = await this.#load(plan)
      await using whole = openOnce(() => this.#load(undefined))
      const dense = plan && whole.open
      const start = performance.now()
      const { figures } = await transcribe(session, decoder, inputs, { signal, dense })
      return [performance.now() - start, ...figures.wer.got, ...figures.wer.of]
    })
    const count = inputs.texts.length
    return { ms, figures: { wer: { got: numbers.slice(0, count), of: numbers.slice(count) } } }
  }

  /** Points of the word error rate more than dense. */
  async lossOf(name: string, plan: Plan, half: keyof Halves): Promise<Interval> {
    const dense = await this.words('dense', undefined, half)
    return wordErrorRate([await this.words(name, plan, half)], dense)
  }

  /** Dense and pruned in turns: encoder and decoder together, and the encoder alone. */
  async speedups(name: string, plan: Plan): Promise<readonly [total: Cell, encoder: Cell]> {
    const { decoder, signal } = this.#options
    const { verify } = this.#halves
    const numbers = await this.#measurer.measure(`speed-up ${name}`, async () => {
      await using dense = await this.#load(undefined)
      await using session = await this.#load(plan)
      const feeds = await Promise.all([...verify.texts.keys()].slice(0, TIMED).map((row) => verify.feeds([row])))
      const languages = new Map(feeds.map((own, row) => [own, verify.languages?.[row]]))
      const encoders = [dense, session]
      const speedupOf = async (sessions: readonly Session[]): Promise<number[]> => {
        const { latencies } = await timeInTurns(sessions, feeds, { ...TIMING, signal })
        const { value, low, high } = latencies[1]?.speedup ?? { value: 1, low: 1, high: 1 }
        return [value, low, high]
      }
      const ofEncoders = await speedupOf(encoders)
      const whole = encoders.map((encoder) => {
        return withDecoder(encoder, decoder, { languages, dense: encoder === dense ? undefined : async () => dense })
      })
      return [...(await speedupOf(whole)), ...ofEncoders]
    })
    const cellOf = (at: number): Cell => {
      const [speedup = 1, low = 1, high = 1] = numbers.slice(at)
      return { batch: 1, positions: 1, speedup, low, high }
    }
    return [cellOf(0), cellOf(3)]
  }
}
