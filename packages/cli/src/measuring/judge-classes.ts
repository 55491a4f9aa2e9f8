import {
  bootstrapMean,
  compareToDense,
  type Evaluation,
  evaluate,
  type Figure,
  type Interval,
  type ModelInputs,
  meanFigure,
} from '@tp/eval'
import { plusMinus, points } from '../output/numbers.ts'
import { mcnemarContent, percent, pValue } from './figures-text.ts'
import type { Judge } from './judge.ts'

/** Right answers, those lost against the dense model, and whether that may be chance. */
export function classJudge(inputs: ModelInputs): Judge<Evaluation> {
  return {
    run: (session, options) => evaluate(session, inputs, options),
    dense: ({ accuracy }) => ({
      columns: { accuracy: plusMinus(accuracy), [LOSS]: '', [P]: '', [AGREES]: percent(100) },
      content: content(accuracy, { estimate: 0, low: 0, high: 0 }, null, 100),
    }),
    pruned(evaluations, dense) {
      const comparisons = evaluations.map((evaluation) => compareToDense(evaluation, dense))
      const figure = meanFigure(evaluations.map(({ figures }) => figures.accuracy as Figure))
      const { got } = figure
      const accuracy = bootstrapMean(got.map((right) => 100 * right))
      const loss = bootstrapMean(got.map((right, i) => 100 * (Number(dense.correct[i]) - right)))
      const agreement = comparisons.reduce((sum, { agreement }) => sum + agreement, 0) / comparisons.length
      const [only, ...others] = comparisons
      // A pair of answers is of two models; several seeds are no one model.
      const test = others.length === 0 ? only?.mcnemar : undefined
      return {
        columns: {
          accuracy: plusMinus(accuracy),
          [LOSS]: points(loss),
          [P]: pValue(test?.p),
          [AGREES]: percent(agreement),
        },
        content: content(accuracy, loss, mcnemarContent(test), agreement),
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
