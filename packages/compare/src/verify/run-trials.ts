import { isTpError, TpError } from '@tp/core'
import { type AbortSignalLike, type NamedTensors, type Session, throwIfAborted } from '@tp/core/runtime'
import type { Model } from '@tp/onnx'
import type { InputRoles } from '../inputs/input-shapes.ts'
import { sizesOf, type TrialRun } from './answers.ts'
import { notVerified, requireFinite, requireFiniteDense, requireSameShapes } from './differences.ts'
import { requireZeroPadding } from './padding-rows.ts'
import { longTrials, sharedTrials, type Trial, trialsFor } from './trials.ts'

/** A model that is run next to another one, that it was made from. */
export interface Runner {
  readonly session: Session
  /** Names it in an error: `the packed model`. */
  readonly name: string
  /** The number of the one that it was made from; absent for the first. */
  readonly madeFrom?: number
  /** Outputs whose rows may be fewer than there. */
  readonly mayBeShorter?: readonly string[]
}

export interface TrialsToRun {
  readonly source: Model
  readonly roles: InputRoles
  /** The first one is the source. */
  readonly runners: readonly Runner[]
  /** When no further trial is begun, by `performance.now()`; the first texts are run at all events, and one image or sound. */
  readonly deadline: number
  readonly signal?: AbortSignalLike | undefined
}

/** Tokens of a long text: the first of these that the source takes, and that there is time for. */
const LONG = [512, 256, 128, 64, 32]
/** The longest text of the first round, or of a model with a short position table; and of the second round. */
const FIRST = [16, 8]
const SECOND = { seed: 2, tokens: 13 }
/** Attention takes more than a token's share in a long text. */
const LONGER = 1.5
/** Bytes of the outputs of a long text, which are kept until all are compared. */
const MOST_OUTPUT = 2 ** 26

/**
 * Runs a model and those that were made from it on the same random examples: a round of short ones, a second one of other lengths, and a long one, as far as time
 * allows. Where the source itself fails or is not finite, as some are at padding on the left, nothing is compared.
 * @returns for each model its outputs, trial by trial
 * @throws TpError TP_VERIFY for a model that fails where its source does not, or gives other shapes, NaN, or numbers at padding that is 0 there; TP_DENSE for a source that
 * fails itself; TP_INPUT for inputs that cannot be generated
 */
export async function runTrials({ source, roles, runners, deadline, signal }: TrialsToRun): Promise<TrialRun[][]> {
  const began = performance.now()
  const runs: TrialRun[][] = runners.map(() => [])
  let [examples, tokens, largest] = [0, 0, 0]
  let refused: unknown

  /** Whether there is time for some trials. */
  const fits = (trials: readonly Trial[], factor = 1): boolean => {
    const now = performance.now()
    const rate = (now - began) / tokens
    return tokens === 0 || now + rate * factor * sum(trials.map(tokensIn)) <= deadline
  }
  const run = async (trial: Trial): Promise<boolean> => {
    const outputs: NamedTensors[] = []
    for (const runner of runners) {
      throwIfAborted(signal, 'compare')
      const expected = outputs[runner.madeFrom ?? -1]
      try {
        const own = await runner.session.run(trial.inputs, signal && { signal })
        if (expected === undefined) requireFiniteDense(own)
        else requireLike(own, expected, trial, runner)
        outputs.push(own)
      } catch (error) {
        if (!isTpError(error)) throw error
        if (expected === undefined && (error.code === 'TP_RUN' || error.code === 'TP_DENSE')) {
          refused ??= error.code === 'TP_DENSE' ? error : doesNotRun(error, trial)
          return false
        }
        throw error.code === 'TP_RUN'
          ? notVerified(`${runner.name} does not run ${described(trial)}, where its source does (${error.message})`)
          : error
      }
    }
    const numbered = trial.examples.map((own) => ({ ...own, example: own.example + examples }))
    for (const [i, own] of outputs.entries()) runs[i]?.push({ trial: { ...trial, examples: numbered }, outputs: own })
    tokens += tokensIn(trial)
    largest = Math.max(largest, sum(Object.values(outputs[0] ?? {}).map(({ data }) => data.length)) / tokensIn(trial))
    return true
  }
  const runRound = async (trials: readonly Trial[]): Promise<boolean> => {
    let hasRun = false
    for (const trial of trials) {
      // Answers to examples alone decide where others can be compared, so all of the first round are run.
      const isEssential = examples === 0 && trial.examples[0]?.length !== undefined
      if (isEssential || fits([trial])) hasRun = (await run(trial)) || hasRun
    }
    examples += 1 + Math.max(-1, ...trials.flatMap((trial) => trial.examples.map(({ example }) => example)))
    return hasRun
  }

  for (const most of FIRST) if (await runRound(trialsFor(source, roles, { tokens: most }))) break
  if (tokens === 0) throw refused
  await runRound(sharedTrials(source, roles))
  await runRound(trialsFor(source, roles, SECOND))
  for (const most of LONG) {
    const trials = longTrials(source, roles, most)
    const [alone] = trials
    if (alone === undefined) break
    if (!fits(trials, LONGER) || 4 * largest * 4 * most > MOST_OUTPUT || !(await run(alone))) continue
    await runRound(trials.slice(1))
    break
  }
  return runs
}

/** @throws TpError TP_VERIFY */
function requireLike(outputs: NamedTensors, expected: NamedTensors, trial: Trial, runner: Runner): void {
  const names = new Set(runner.session.outputs.map(({ name }) => name))
  const compared = Object.fromEntries(Object.entries(expected).filter(([name]) => names.has(name)))
  // Scores that are traced may be NaN, which ranks last.
  const own = Object.fromEntries(Object.entries(outputs).filter(([name]) => !name.startsWith('tp.')))
  requireFinite(own, compared, `${runner.name}, ${described(trial)}`)
  requireSameShapes(outputs, compared, runner.mayBeShorter)
  requireZeroPadding(outputs, compared, trial)
}

/** `on 2 examples padded left` */
function described({ arrangement, examples }: Trial): string {
  return examples.length === 1 ? `on an example ${arrangement}` : `on ${examples.length} examples ${arrangement}`
}

function doesNotRun(error: TpError, { inputs }: Trial): TpError {
  const shapes = Object.entries(inputs).map(([name, { dims }]) => `${name} [${dims}]`)
  const seen = `the source itself does not run on ${shapes.join(', ')}, before anything is changed`
  return new TpError('TP_DENSE', 'compare', `${seen} (${error.message}); export it so that it runs`, { cause: error })
}

/** The time of a trial grows with these. */
function tokensIn({ inputs }: Trial): number {
  const { batch, tokens } = sizesOf(inputs)
  return batch * Math.max(1, tokens)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}
