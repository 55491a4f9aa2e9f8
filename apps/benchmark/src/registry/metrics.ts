import {
  compareEmbeddings,
  type Embeddings,
  type EvaluateOptions,
  type Evaluation,
  embed,
  evaluate,
  type Outcome,
} from '@tp/compare'
import type { Session } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { divergences, type Figure } from '@tp/metrics'

/** Numbers by example, by name; the first is what a loss is of. */
export type MetricFigures = Readonly<Record<string, Figure>>

/** How a kind of model is judged: its task, and the worth of its answers next to those of the dense model. */
export interface Metric<O extends Outcome = Outcome> {
  run(session: Session, inputs: ModelInputs, options: EvaluateOptions): Promise<O>
  figures(own: O, dense: O): MetricFigures
}

/** Classes, right or wrong. */
export const classes: Metric<Evaluation> = {
  run: evaluate,
  figures: (own, dense) => ({
    accuracy: { got: own.correct.map(Number), share: true },
    agreement: { got: own.predictions.map((answer, i) => Number(answer === dense.predictions[i])), share: true },
    divergence: { got: divergences(dense, own) },
  }),
}

/** The first examples, which are looked up among all. */
const QUERIES = 1000

/** Vectors, which only those of the dense model are a measure of. */
export const vectors: Metric<Embeddings> = {
  run: embed,
  figures: (own, dense) => ({ ...compareEmbeddings(own, dense, { queries: QUERIES }) }),
}
