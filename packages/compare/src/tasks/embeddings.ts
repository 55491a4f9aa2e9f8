import type { ModelInputs } from '@tp/data/inputs'
import { dot, type Figure, figureInterval, type Interval, mean, meanFigure } from '@tp/metrics'
import { compareEmbeddings, type Embeddings, embed, type Nearness } from '../answers/embeddings.ts'
import type { AnswerNearness, Comparer, TableCell } from './comparer.ts'
import { areSame } from './safety.ts'

/** How many nearest examples are looked up. */
const NEIGHBORS = 10

const columns: Readonly<Record<keyof Nearness, readonly [heading: string, cell: (value: number) => TableCell]>> = {
  cosine: ['cosine to dense', (value) => ({ number: value, digits: 3 })],
  rankCorrelation: ['rank correlation', (value) => ({ number: value, digits: 3 })],
  neighbors: [`nearest ${NEIGHBORS} kept`, (share) => ({ percent: 100 * share })],
  neighborsInDense: ['in the dense index', (share) => ({ percent: 100 * share })],
}
const names = Object.keys(columns) as (keyof Nearness)[]

/** How near vectors are to those of the dense model, and what a search still finds. */
export function embeddingComparer(inputs: ModelInputs): Comparer<Embeddings> {
  return {
    run: (session, options) => embed(session, inputs, options),
    dense: () => ({
      cells: Object.fromEntries(names.map((name) => [columns[name][0], undefined])),
      content: Object.fromEntries(names.map((name) => [name, { estimate: 1, low: 1, high: 1 }])),
    }),
    pruned(embeddings, dense) {
      const near = embeddings.map((own) => compareEmbeddings(own, dense, { neighbors: NEIGHBORS }))
      const figureOf = (name: keyof Nearness): Figure => meanFigure(near.map((own) => own[name]))
      const intervals = names.map((name) => [name, figureInterval(figureOf(name))] as const)
      return {
        cells: Object.fromEntries(
          intervals.map(([name, { estimate }]) => [columns[name][0], columns[name][1](estimate)]),
        ),
        content: Object.fromEntries(intervals),
        loss: {
          unit: 'hundredths of the cosine to the dense vectors',
          interval: hundredthsBelow1(figureInterval(figureOf('cosine'))),
          same: embeddings.every(({ vectors }) => areSame(vectors, dense.vectors)),
        },
        paired: { name: 'neighbors kept', figure: figureOf('neighbors'), correct: undefined },
      }
    },
    nearness: cosineNearness,
  }
}

/** By the mean cosine of an example's vector with its dense one. */
export function cosineNearness({ vectors }: Embeddings, dense: Embeddings): AnswerNearness {
  const similarity = mean(vectors.map((vector, i) => dot(vector, dense.vectors[i] as Float64Array)))
  return { similarity, divergence: 1 - similarity }
}

function hundredthsBelow1({ estimate, low, high }: Interval): Interval {
  return { estimate: 100 * (1 - estimate), low: 100 * (1 - high), high: 100 * (1 - low) }
}
