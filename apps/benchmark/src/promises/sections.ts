import { expectedLosses, type Figure } from '@tp/eval/metrics'
import { answerOf } from '@tp/guard'
import type { Losses } from '@tp/tune'
import { percent } from '../output/numbers.ts'
import type { Table } from '../output/table.ts'
import type { Findings, Section } from '../report/section.ts'
import {
  type Coverage,
  calibratedOf,
  confidentOf,
  coverageOf,
  isMoreThan,
  type Kept,
  type Pruned,
  shareText,
} from './coverage.ts'
import { answered, type Population } from './populations.ts'
import { FLIPS, flippedAnswers, flippedLosses, sentences } from './synthetic.ts'

const DRAWS = 2000

/** Examples to verify on; tune verifies on two fifths of what it is given. */
const VERIFIED = [24, 60, 150, 400, 1000] as const

/** Either end of an interval, and a loss within it. */
const STATED = 0.025
/** `calibrate`. */
const CONFIDENCE = 0.05

export const realAnswers: Section = {
  name: 'models',
  title: 'Answers of real models',
  async run(context) {
    const { populations: all, similarities } = await answered(context)
    context.onProgress('intervals')
    const covered = [
      ...all.flatMap((population) => accuracies(population)),
      ...Object.entries(similarities).map(([name, figure]) =>
        coverageOf(`mail, vectors: ${name}`, figure, undefined, DRAWS),
      ),
    ]
    context.onProgress('promises')
    const confident: Kept[] = []
    for (const population of all) {
      for (const maxLoss of [1, 2, 5]) {
        confident.push(await confidentOf(prunedOf(population), { maxLoss, confident: true }, VERIFIED, DRAWS))
      }
    }
    const calibrated = all.flatMap((population) =>
      [0.99, 0.95].map((agreement) => calibratedOf(population, population.pruned.length - 1, agreement, DRAWS)),
    )
    return findings(covered, confident, calibrated)
  },
}

export const syntheticAnswers: Section = {
  name: 'synthetic',
  title: 'Answers that are made up, from no flip to one in twenty',
  async run({ onProgress }) {
    onProgress('intervals')
    const covered = [
      ...FLIPS.map(({ lost, gained }) => {
        const [dense, pruned] = flippedAnswers({ lost, gained })
        return coverageOf(`loss, ${shareOf(lost)} lost, ${shareOf(gained)} gained`, dense, pruned, DRAWS)
      }),
      ...[0.001, 0.01, 0.05, 0.2].flatMap((rate) => {
        const [dense, pruned] = sentences(rate)
        return [
          coverageOf(`F1, ${shareOf(rate)} bad sentences`, dense, undefined, DRAWS),
          coverageOf(`loss of F1, ${shareOf(rate)} bad sentences`, dense, pruned, DRAWS),
        ]
      }),
    ]
    onProgress('promises')
    const confident: Kept[] = []
    for (const [tolerance, gained] of [
      [1, 0],
      [1, 0.01],
      [2, 0.001],
      [5, 0],
      [5, 0.05],
    ] as const) {
      // Candidates that all lose a little more than is promised, each on examples of its own; six are looked at.
      const flips = { lost: tolerance / 100 + gained + 0.0002, gained }
      const losses = Array.from({ length: 17 }, (_, i) => flippedLosses(flips, i / 17))
      const name = `six that lose ${tolerance + 0.02} points, ${shareOf(gained)} gained`
      confident.push(await confidentOf({ name, losses }, { maxLoss: tolerance, confident: true }, VERIFIED, DRAWS))
    }
    return findings(covered, confident, [])
  },
}

/** `0.1 %`, with no more digits than it has. */
function shareOf(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`
}

function rightOf({ targets }: Population, logits: readonly (readonly number[])[]): Figure {
  return { got: logits.map((row, i) => Number(answerOf(row) === targets[i])), share: true }
}

function accuracies(population: Population): Coverage[] {
  const { name, dense, pruned } = population
  const whole = rightOf(population, dense)
  return [
    coverageOf(`${name}: accuracy`, whole, undefined, DRAWS),
    ...pruned.map((own) => coverageOf(`${name}: loss, ${own.name}`, whole, rightOf(population, own.logits), DRAWS)),
  ]
}

function prunedOf(population: Population): Pruned {
  const { name, dense, pruned } = population
  const before = rightOf(population, dense)
  const model = { logits: Float32Array.from(dense.flat()), classes: dense[0]?.length ?? 0 }
  const losses = pruned.toReversed().map(({ logits }): Losses => {
    const after = rightOf(population, logits)
    return {
      labelled: before.got.map((right, i) => 100 * (right - (after.got[i] as number))),
      expected: expectedLosses(model, logits.map(answerOf)),
    }
  })
  return { name, losses }
}

function findings(covered: readonly Coverage[], confident: readonly Kept[], calibrated: readonly Kept[]): Findings {
  const loud = [
    ...covered.filter(({ above, below }) => [above, below].some((missed) => isMoreThan(missed, STATED))),
    ...confident.filter(({ broken }) => isMoreThan(broken, STATED)),
    ...calibrated.filter(({ broken }) => isMoreThan(broken, CONFIDENCE)),
  ]
  return {
    tables: [
      {
        caption: "`eval`'s intervals: draws whose interval is wholly above or below the truth; 2.5 % each are stated",
        ...coverageTable(covered),
      },
      {
        caption: '`tune --confident`: draws with a promise, and with one that is broken; 2.5 % of all draws are stated',
        ...keptTable(confident),
      },
      ...(calibrated.length === 0
        ? []
        : [
            {
              caption: '`calibrate`: draws with a promise, and with one that is broken; 5 % are stated',
              ...keptTable(calibrated),
            },
          ]),
    ],
    notes: [
      loud.length === 0
        ? `None of the ${covered.length + confident.length + calibrated.length} rows is above what is stated by more than chance gives.`
        : `ABOVE what is stated, by more than chance gives: ${loud.map(({ name }) => name).join(', ')}.`,
    ],
    values: { covered, confident, calibrated },
  }
}

function coverageTable(rows: readonly Coverage[]): Table {
  return {
    headings: ['figure', 'truth', 'interval above', 'interval below', 'width of 24', 'width of 1,000'],
    rows: rows.map(({ name, truth, above, below, widths }) => [
      name,
      (100 * truth).toFixed(2).replace('-', '−'),
      shareText(above),
      shareText(below),
      ...widths.map((width) => (100 * width).toFixed(1)),
    ]),
  }
}

function keptTable(rows: readonly Kept[]): Table {
  return {
    headings: ['what', 'promise', 'given', 'broken'],
    rows: rows.map(({ name, promise, given, broken }) => [
      name,
      promise,
      percent(given.times / given.of),
      shareText(broken),
    ]),
  }
}
