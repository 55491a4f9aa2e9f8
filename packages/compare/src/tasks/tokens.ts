import type { TaggedInputs } from '@tp/data'
import { type Figure, figureInterval, figureLoss, mcnemar, meanFigure, scaledInterval } from '@tp/metrics'
import { evaluateTokens, type TokenEvaluation, tokenAgreement } from '../answers/tokens.ts'
import type { ComparedAnswers, Comparer } from './comparer.ts'
import { mcnemarContent } from './mcnemar-content.ts'
import { adviceOn, oneTag } from './one-answer.ts'

/** Right tags and entities; the loss is that of F1 where tags are BIO. Sentences are drawn, and tested, as a whole. */
export function tokenComparer(inputs: TaggedInputs, labels: readonly string[] | undefined): Comparer<TokenEvaluation> {
  return {
    run: (session, options) => evaluateTokens(session, inputs, { ...options, labels }),
    dense: (dense) => describe([dense], dense, inputs, true),
    pruned: (evaluations, dense) => describe(evaluations, dense, inputs, false),
    nearness(evaluation, dense) {
      const { estimate } = figureInterval(tokenAgreement(evaluation, dense))
      return { similarity: estimate, divergence: 1 - estimate }
    },
  }
}

function describe(
  evaluations: readonly [TokenEvaluation, ...TokenEvaluation[]],
  dense: TokenEvaluation,
  inputs: TaggedInputs,
  isDense: boolean,
): ComparedAnswers {
  const headings = inputs.unit === 'labels' ? ofLabels : ofTokens
  const unshown = adviceOn(oneTag(dense.predictions, inputs))
  const [first, ...others] = evaluations
  const names = Object.keys(dense.figures)
  const figures = Object.fromEntries(
    names.map((name) => [name, meanFigure(evaluations.map(({ figures }) => figures[name] as Figure))]),
  )
  const intervals = Object.fromEntries(
    Object.entries(figures).map(([name, figure]) => [name, scaledInterval(figureInterval(figure), 100)]),
  )
  const [judgedBy = ''] = names
  const loss = scaledInterval(figureLoss(dense.figures[judgedBy] as Figure, figures[judgedBy] as Figure), 100)
  const test = others.length === 0 ? mcnemar(dense.correct, first.correct) : undefined
  const agreement = 100 * figureInterval(meanFigure(evaluations.map((own) => tokenAgreement(own, dense)))).estimate
  const columns = Object.entries(intervals).map(([name, own]) => [headings[name] ?? name, { interval: own }])
  return {
    cells: {
      ...Object.fromEntries(columns),
      [`loss of ${headings[judgedBy]}`]: isDense ? undefined : { points: loss },
      'McNemar p': isDense ? undefined : { p: test?.p },
      'agrees with dense': { percent: agreement },
    },
    paired: {
      name: headings[judgedBy] ?? judgedBy,
      figure: figures[judgedBy] as Figure,
      correct: others.length === 0 ? first.correct : undefined,
    },
    // Tags are all that is known of the answers.
    ...(isDense
      ? { verdict: unshown }
      : { loss: { unit: `points of ${headings[judgedBy] ?? judgedBy}`, interval: loss, same: false, unshown } }),
    content: {
      ...{ f1: intervals.f1 ?? null, accuracy: intervals.accuracy?.estimate },
      ...{ low: intervals.accuracy?.low, high: intervals.accuracy?.high },
      ...{ lossOf: judgedBy, loss, mcnemar: isDense ? null : mcnemarContent(test), agreement },
    },
  }
}

const ofTokens: Headings = { f1: 'F1', accuracy: 'accuracy' }
/** F1 of labels that hold, over all labels together, and the share of labels that are decided rightly. */
const ofLabels: Headings = { f1: 'micro-F1', accuracy: 'labels right' }

type Headings = Readonly<Record<string, string>>
