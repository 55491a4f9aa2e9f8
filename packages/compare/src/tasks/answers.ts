import type { ModelInputs } from '@tp/data/inputs'
import { type Figure, figureInterval, type Interval, mean, scaledInterval } from '@tp/metrics'
import { changedAnswers, changesFromDense, expectedLoss } from '../answers/against-dense.ts'
import { classify } from '../answers/classify.ts'
import type { Classification } from '../answers/outcome.ts'
import type { Comparer } from './comparer.ts'
import { adviceOn, oneClass } from './one-answer.ts'
import { areSameLogits } from './safety.ts'

const CHANGED = 'answers changed'
const LOSS = 'expected loss'
const DIVERGENCE = 'divergence'

/**
 * Answers of a classifier that are not the dense model's, on examples whose classes are not known, and the loss that is to be expected: by
 * the dense model's probabilities, and at least half of the answers changed, since nothing says how far these probabilities are right.
 */
export function answerComparer(inputs: ModelInputs): Comparer<Classification> {
  return {
    run: (session, options) => classify(session, inputs, options),
    dense: ({ predictions }) => ({
      verdict: adviceOn(oneClass(predictions)),
      cells: { [CHANGED]: undefined, [LOSS]: undefined, [DIVERGENCE]: undefined },
      content: content(NONE, NONE, 0),
    }),
    pruned(answered, dense) {
      const figure = changedAnswers(answered, dense)
      const changed = scaledInterval(figureInterval(figure), 100)
      const loss = lossWithin(expectedLoss(answered, dense), changed)
      const divergence = mean(answered.map((one) => changesFromDense(one, dense).divergence))
      return {
        cells: {
          [CHANGED]: { interval: changed },
          [LOSS]: { points: loss },
          [DIVERGENCE]: { number: divergence, digits: 4 },
        },
        content: content(changed, loss, divergence),
        loss: {
          unit: 'points of expected accuracy',
          interval: loss,
          most: changed.high,
          same: answered.every(({ logits }) => areSameLogits(logits, dense.logits)),
          unshown: adviceOn(oneClass(dense.predictions)),
        },
        paired: { name: 'answers kept', ...kept(figure, answered.length) },
      }
    },
    nearness(answered, dense) {
      const { changed, divergence } = changesFromDense(answered, dense)
      return { similarity: 1 - changed.estimate / 100, divergence }
    },
  }
}

/** At least half of the answers changed, and at most all of them. */
function lossWithin(expected: Interval, changed: Interval): Interval {
  const at = (end: keyof Interval): number => Math.min(changed[end], Math.max(expected[end], changed[end] / 2))
  return { estimate: at('estimate'), low: at('low'), high: at('high') }
}

const NONE: Interval = { estimate: 0, low: 0, high: 0 }

/** For comparisons of two prunings: the dense model's answers count as the right ones. */
function kept({ got }: Figure, models: number): { readonly figure: Figure; readonly correct: boolean[] | undefined } {
  return {
    figure: { got: got.map((changed) => 1 - changed), share: true },
    correct: models === 1 ? got.map((changed) => changed === 0) : undefined,
  }
}

function content(changed: Interval, expectedLoss: Interval, divergence: number): object {
  return { changed, agreement: 100 - changed.estimate, expectedLoss, divergence }
}
