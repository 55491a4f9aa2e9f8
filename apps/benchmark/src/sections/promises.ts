import { expectedLosses, type Figure } from '@tp/eval/metrics'
import { answerOf } from '@tp/guard'
import type { Losses } from '@tp/tune'
import { rightOf } from '../measure/answers.ts'
import {
  type Coverage,
  calibratedOf,
  confidentOf,
  coverageOf,
  isMoreThan,
  type Kept,
  type Pruned,
  shareText,
} from '../promises/coverage.ts'
import { type Population, populations, similarities } from '../promises/populations.ts'
import { percent } from '../report/numbers.ts'
import type { Report, Section } from '../report/section.ts'
import { type Columns, tableOf } from '../report/table.ts'

const DRAWS = 2000

/** Examples to verify on; tune verifies on two fifths of what it is given. */
const VERIFIED = [24, 60, 150, 400, 1000] as const

/** Probability of either end of an interval, and of a loss outside it. */
const STATED = 0.025
/** `calibrate`. */
const CONFIDENCE = 0.05

const models: Section = {
  name: 'models',
  async run(context) {
    const all = await populations(context)
    context.onProgress('intervals')
    const vectors = Object.entries(await similarities(context))
    const covered = [
      ...all.flatMap(accuracies),
      ...vectors.map(([name, figure]) => coverageOf(`mail, vectors: ${name}`, figure, undefined, DRAWS)),
    ]
    context.onProgress('promises')
    const confident: Kept[] = []
    for (const population of all) {
      for (const maxLoss of [1, 2, 5]) {
        confident.push(await confidentOf(prunedOf(population), { maxLoss, confident: true }, VERIFIED, DRAWS))
      }
    }
    const calibrated: Kept[] = []
    for (const population of all) {
      for (const agreement of [0.99, 0.95]) {
        calibrated.push(await calibratedOf(population, population.pruned.length - 1, agreement, DRAWS))
      }
    }
    return {
      tables: [
        tableOf(
          "`eval`'s intervals: draws whose interval is wholly above or below the truth; 2.5 % each are stated",
          coverageColumns,
          covered,
        ),
        tableOf(
          '`tune --confident`: draws with a promise, and with one that is broken; 2.5 % of all draws are stated',
          keptColumns(STATED),
          confident,
        ),
        tableOf(
          '`calibrate`: draws with a promise, and with one that is broken; 5 % are stated',
          keptColumns(CONFIDENCE),
          calibrated,
        ),
      ],
      values: { covered, confident, calibrated },
    }
  },
}

function accuracies({ name, targets, dense, pruned }: Population): Coverage[] {
  const figureOf = (logits: Population['dense']): Figure => ({ got: rightOf(logits, targets), share: true })
  const whole = figureOf(dense)
  return [
    coverageOf(`${name}: accuracy`, whole, undefined, DRAWS),
    ...pruned.map((own) => coverageOf(`${name}: loss, ${own.name}`, whole, figureOf(own.logits), DRAWS)),
  ]
}

function prunedOf({ name, targets, dense, pruned }: Population): Pruned {
  const before = rightOf(dense, targets)
  const model = { logits: Float32Array.from(dense.flat()), classes: dense[0]?.length ?? 0 }
  const losses = pruned.toReversed().map(({ logits }): Losses => {
    const after = rightOf(logits, targets)
    return {
      labelled: before.map((right, i) => 100 * (right - (after[i] as number))),
      expected: expectedLosses(model, logits.map(answerOf)),
    }
  })
  return { name, losses }
}

const ABOVE = 'above what is stated, by more than chance'

const coverageColumns: Columns<Coverage> = {
  figure: ({ name }) => name,
  truth: ({ truth }) => (100 * truth).toFixed(2).replace('-', '−'),
  'interval above': ({ above }) => shareText(above),
  'interval below': ({ below }) => shareText(below),
  'width of 24': ({ widths: [few] }) => (100 * few).toFixed(1),
  'width of 1,000': ({ widths: [, many] }) => (100 * many).toFixed(1),
  [ABOVE]: ({ above, below }) => ([above, below].some((missed) => isMoreThan(missed, STATED)) ? 'YES' : 'no'),
}

function keptColumns(stated: number): Columns<Kept> {
  return {
    what: ({ name }) => name,
    promise: ({ promise }) => promise,
    given: ({ given }) => percent(given.times / given.of),
    broken: ({ broken }) => shareText(broken),
    [ABOVE]: ({ broken }) => (isMoreThan(broken, stated) ? 'YES' : 'no'),
  }
}

export const promises: Report = { name: 'promises', sections: [models] }
