import { show } from '../measure/columns.ts'
import { candidate, figureOf, type MeasuredCandidate } from '../measure/measure.ts'
import { type AnswersStudy, answersSection } from '../measure/studies.ts'
import { laterLayers, NONE, pruned } from '../registry/settings.ts'
import { percent } from '../report/numbers.ts'
import type { Report } from '../report/section.ts'

const near = (keep: number, method: string, restore?: 'all'): MeasuredCandidate =>
  candidate(
    { ...pruned(method, laterLayers(keep)), ...(restore && { restore }) },
    `${method}${restore ? ', restored' : ''}`,
  )

/** The effect of pruning on sentence embeddings, and to searching an index that was built with the dense model. */
const embeddings: Omit<AnswersStudy, 'subjects'> = {
  examples: 1000,
  candidates: [
    candidate(NONE),
    ...[0.9, 0.7].flatMap((keep) => [
      near(keep, 'received-attention'),
      near(keep, 'received-attention', 'all'),
      near(keep, 'received-attention-merged'),
      near(keep, 'tome'),
      near(keep, 'random'),
    ]),
  ],
  columns: {
    ...show.method,
    ...show.keep,
    'cosine to dense': (row) => figureOf(row, 'cosine', 1).estimate.toFixed(3),
    'rank correlation of similarities': (row) => figureOf(row, 'rankCorrelation', 1).estimate.toFixed(3),
    'nearest 10 kept, index pruned too': (row) => percent(figureOf(row, 'neighbors', 1).estimate),
    'index dense': (row) => percent(figureOf(row, 'neighborsInDense', 1).estimate),
  },
}

export const foundations: Report = {
  name: 'foundations',
  sections: [
    answersSection('embeddings', { ...embeddings, subjects: ['minilm-vectors'] }),
    answersSection('published-embeddings', { ...embeddings, subjects: ['all-MiniLM-L6-v2'] }),
  ],
}
