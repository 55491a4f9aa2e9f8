import type { TaggedInputs } from '@tp/data'
import { type Figure, figureInterval, type Interval, meanFigure, scaledInterval } from '@tp/metrics'
import { plainTag, type TokenAnswers, tagFigure, tagTokens, tokenAgreement } from '../answers/tokens.ts'
import type { Comparer } from './comparer.ts'
import { adviceOn, oneTag } from './one-answer.ts'

const LOSS = 'expected loss'

/**
 * Tags that are not the dense model's, of words (or labels of examples) that nobody has tagged, and the loss of F1 that is to be expected: half of what the F1
 * against the dense model's tags is below 100 %, as changed tags are wrong as often as those before.
 */
export function changedTagComparer(inputs: TaggedInputs): Comparer<TokenAnswers> {
  const what = inputs.unit ?? 'tags'
  const changedHeading = `${what} changed`
  return {
    run: (session, options) => tagTokens(session, inputs, options),
    dense: ({ predictions }) => ({
      verdict: adviceOn(oneTag(predictions, inputs)),
      ...{ cells: { [changedHeading]: undefined, [LOSS]: undefined }, content: content(NONE, NONE) },
    }),
    pruned(answers, dense) {
      const figure = meanFigure(answers.map((one) => tokenAgreement(one, dense)))
      const changed = below(figure)
      const common = plainTag(inputs, dense.predictions)
      const off = below(meanFigure(answers.map((one) => tagFigure(one.predictions, dense.predictions, common))))
      const loss = scaledInterval(off, 0.5)
      return {
        cells: { [changedHeading]: { interval: changed }, [LOSS]: { points: loss } },
        content: content(changed, loss),
        // Tags are all that is known of the answers.
        loss: {
          ...{ unit: `points of the F1 of ${what}`, interval: loss, most: off.high, same: false },
          unshown: adviceOn(oneTag(dense.predictions, inputs)),
        },
        paired: { name: `${what} kept`, figure, correct: undefined },
      }
    },
    nearness(answers, dense) {
      const { estimate } = figureInterval(tokenAgreement(answers, dense))
      return { similarity: estimate, divergence: 1 - estimate }
    },
  }
}

const NONE: Interval = { estimate: 0, low: 0, high: 0 }

/** How far a figure is below 1, in percent. */
function below(figure: Figure): Interval {
  const { estimate, low, high } = scaledInterval(figureInterval(figure), 100)
  return { estimate: 100 - estimate, low: 100 - high, high: 100 - low }
}

function content(changed: Interval, expectedLoss: Interval): object {
  return { changed, agreement: 100 - changed.estimate, expectedLoss }
}
