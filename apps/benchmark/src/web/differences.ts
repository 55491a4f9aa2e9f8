import { median } from 'simple-statistics'
import type { Findings } from '../report/section.ts'
import type { Case } from './compare-runtimes.ts'

/** What two runtimes make of the same models: a row a model, and what is to be said of it. */
export function differences(caption: string, cases: readonly Case[]): Findings {
  return { tables: [{ caption, ...tableOf(cases) }], notes: notesOf(cases), values: cases }
}

function tableOf(cases: readonly Case[]) {
  return {
    headings: [
      'model',
      'methods',
      'dense differs by',
      'methods differ by (median, most)',
      'rows',
      'with other tokens',
      'on the edge',
    ],
    rows: [...new Set(cases.map(({ model }) => model))].map((model) => {
      const own = cases.filter((one) => one.model === model && one.refusal === undefined)
      const sum = (count: (one: Case) => number): number => own.reduce((total, one) => total + count(one), 0)
      const differences = own.map(({ difference }) => difference)
      return [
        model,
        `${own.length}`,
        denseDifference(cases, model).toExponential(1),
        `${median(differences).toExponential(1)}, ${Math.max(...differences).toExponential(1)}`,
        `${sum(({ rows }) => rows)}`,
        `${sum(({ differing }) => differing)}`,
        `${sum(({ onTheEdge }) => onTheEdge)}`,
      ]
    }),
  }
}

/** What two runtimes make of the model itself, without a cut. */
function denseDifference(cases: readonly Case[], model: string): number {
  return cases.find((one) => one.model === model && one.method === 'none')?.difference ?? Number.NaN
}

/** Logits are the same up to this. */
const SAME = 1e-4

function notesOf(cases: readonly Case[]): string[] {
  const refused = cases.filter(({ refusal }) => refusal !== undefined)
  const unlike = [...new Set(cases.map(({ model }) => model))].filter((model) => denseDifference(cases, model) > SAME)
  const differing = cases.filter(
    ({ model, differing, difference }) => !unlike.includes(model) && (differing > 0 || !(difference <= SAME)),
  )
  return [
    ...refused.map(({ model, method, refusal }) => `${method} on ${model} is refused: ${refusal}.`),
    ...unlike.map(
      (model) =>
        `${model}: the dense model itself differs by more than ${SAME} (the runtimes have other kernels for its numbers), ` +
        'so that what is cut differs, too.',
    ),
    ...(differing.length === 0
      ? [`Of the others no logit differs by more than ${SAME}, and no row keeps other tokens.`]
      : []),
    ...differing.map(
      ({ model, method, difference, differing, rows, onTheEdge }) =>
        `${method} on ${model}: logits differ by up to ${difference.toExponential(1)}; ${differing} of ${rows} rows keep ` +
        `other tokens, ${onTheEdge} of them on the edge.`,
    ),
    'On the edge: Node itself keeps other tokens of the row when its input moves by a millionth of its largest number.',
  ]
}
