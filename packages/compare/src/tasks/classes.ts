import type { ModelInputs } from '@tp/data/inputs'
import {
  divergences,
  type Figure,
  figureInterval,
  figureLoss,
  type Interval,
  mean,
  meanFigure,
  scaledInterval,
} from '@tp/metrics'
import { compareToDense } from '../answers/against-dense.ts'
import { evaluate } from '../answers/evaluate.ts'
import type { Evaluation } from '../answers/outcome.ts'
import { agreesHardlyEver } from './by-chance.ts'
import type { Comparer } from './comparer.ts'
import { mcnemarContent } from './mcnemar-content.ts'
import { adviceOn, oneClass } from './one-answer.ts'
import { areSameLogits } from './safety.ts'

/** Right answers, those lost against the dense model, and whether that may be chance. */
export function classComparer(inputs: ModelInputs): Comparer<Evaluation> {
  return {
    run: (session, options) => evaluate(session, inputs, options),
    dense: ({ accuracy, predictions, classes }) => ({
      verdict: doubtOf({ accuracy, predictions, classes }),
      cells: { accuracy: { interval: accuracy }, [LOSS]: undefined, [P]: undefined, [AGREES]: { percent: 100 } },
      content: content(accuracy, { estimate: 0, low: 0, high: 0 }, null, 100),
    }),
    pruned(evaluations, dense) {
      const comparisons = evaluations.map((evaluation) => compareToDense(evaluation, dense))
      const figure = meanFigure(evaluations.map(({ figures }) => figures.accuracy as Figure))
      const accuracy = scaledInterval(figureInterval(figure), 100)
      const loss = scaledInterval(figureLoss(dense.figures.accuracy as Figure, figure), 100)
      const agreement = mean(comparisons.map(({ agreement }) => agreement))
      const [only, ...others] = comparisons
      // A pair of answers is of two models; several seeds are no one model.
      const test = others.length === 0 ? only?.mcnemar : undefined
      return {
        cells: {
          accuracy: { interval: accuracy },
          [LOSS]: { points: loss },
          [P]: { p: test?.p },
          [AGREES]: { percent: agreement },
        },
        content: content(accuracy, loss, mcnemarContent(test), agreement),
        loss: {
          unit: 'points of accuracy',
          interval: loss,
          same: evaluations.every(({ logits }) => areSameLogits(logits, dense.logits)),
          unshown: doubtOf(dense),
        },
        paired: { name: 'accuracy', figure, correct: others.length === 0 ? evaluations[0].correct : undefined },
      }
    },
    nearness: (evaluation, dense) => ({
      similarity: compareToDense(evaluation, dense).agreement / 100,
      divergence: mean(divergences(dense, evaluation)),
    }),
  }
}

/** The reason why the labels cannot show a loss of a dense model; undefined where they can. */
function doubtOf(dense: Pick<Evaluation, 'accuracy' | 'predictions' | 'classes'>): string | undefined {
  return adviceOn(oneClass(dense.predictions)) ?? agreesHardlyEver(dense)
}

const LOSS = 'loss in points'
const P = 'McNemar p'
const AGREES = 'agrees with dense'

function content({ estimate, low, high }: Interval, loss: Interval, mcnemar: object | null, agreement: number): object {
  return { accuracy: estimate, low, high, loss, mcnemar, agreement }
}
