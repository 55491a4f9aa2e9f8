import { compareToDense, type Evaluation, evaluate } from '@tp/compare'
import type { ModelInputs } from '@tp/data/inputs'
import { type Figure, figureInterval, figureLoss, type Interval, meanFigure, scaledInterval } from '@tp/metrics'
import { interval, points } from '../output/numbers.ts'
import { mcnemarContent, percent, pValue } from './figures-text.ts'
import type { Judge } from './judge.ts'
import { areSameLogits } from './safety.ts'

/** Right answers, those lost against the dense model, and whether that may be chance. */
export function classJudge(inputs: ModelInputs): Judge<Evaluation> {
  return {
    run: (session, options) => evaluate(session, inputs, options),
    dense: ({ accuracy }) => ({
      columns: { accuracy: interval(accuracy), [LOSS]: '', [P]: '', [AGREES]: percent(100) },
      content: content(accuracy, { estimate: 0, low: 0, high: 0 }, null, 100),
    }),
    pruned(evaluations, dense) {
      const comparisons = evaluations.map((evaluation) => compareToDense(evaluation, dense))
      const figure = meanFigure(evaluations.map(({ figures }) => figures.accuracy as Figure))
      const accuracy = scaledInterval(figureInterval(figure), 100)
      const loss = scaledInterval(figureLoss(dense.figures.accuracy as Figure, figure), 100)
      const agreement = comparisons.reduce((sum, { agreement }) => sum + agreement, 0) / comparisons.length
      const [only, ...others] = comparisons
      // A pair of answers is of two models; several seeds are no one model.
      const test = others.length === 0 ? only?.mcnemar : undefined
      return {
        columns: {
          accuracy: interval(accuracy),
          [LOSS]: points(loss),
          [P]: pValue(test?.p),
          [AGREES]: percent(agreement),
        },
        content: content(accuracy, loss, mcnemarContent(test), agreement),
        loss: {
          unit: 'points of accuracy',
          interval: loss,
          same: evaluations.every(({ logits }) => areSameLogits(logits, dense.logits)),
        },
        paired: { name: 'accuracy', figure, correct: others.length === 0 ? evaluations[0].correct : undefined },
      }
    },
  }
}

const LOSS = 'loss in points'
const P = 'McNemar p'
const AGREES = 'agrees with dense'

function content({ estimate, low, high }: Interval, loss: Interval, mcnemar: object | null, agreement: number): object {
  return { accuracy: estimate, low, high, loss, mcnemar, agreement }
}
