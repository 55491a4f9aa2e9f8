import type { TaggedInputs } from '@tp/data'
import { type Figure, figureInterval, type Interval, meanFigure, scaledInterval } from '@tp/metrics'
import { commonTag, type TokenAnswers, tagFigure, tagTokens, tokenAgreement } from '../answers/tokens.ts'
import type { Comparer } from './comparer.ts'

const CHANGED = 'tags changed'
const LOSS = 'expected loss'

/**
 * Tags that are not the dense model's, of words whose tags are not known, and the loss of F1 that is to be expected: half of what the F1
 * against the dense model's tags is below 100 %, as changed tags are wrong as often as those before.
 */
export function changedTagComparer(inputs: TaggedInputs): Comparer<TokenAnswers> {
  return {
    run: (session, options) => tagTokens(session, inputs, options),
    dense: () => ({ cells: { [CHANGED]: undefined, [LOSS]: undefined }, content: content(NONE, NONE) }),
    pruned(answers, dense) {
      const figure = meanFigure(answers.map((one) => tokenAgreement(one, dense)))
      const changed = below(figure)
      const common = commonTag(dense.predictions)
      const off = below(meanFigure(answers.map((one) => tagFigure(one.predictions, dense.predictions, common))))
      const loss = scaledInterval(off, 0.5)
      return {
        cells: { [CHANGED]: { interval: changed }, [LOSS]: { points: loss } },
        content: content(changed, loss),
        // Tags are all that is known of the answers.
        loss: { unit: 'points of the F1 of tags', interval: loss, most: off.high, same: false },
        paired: { name: 'tags kept', figure, correct: undefined },
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
