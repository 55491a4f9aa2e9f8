import { mcnemarContent, type Paired, points } from '@tp/compare'
import { figureLoss, type Interval, type McNemar, mcnemar, scaledInterval } from '@tp/metrics'
import { pValue } from './cell-text.ts'
import { nameOf, type ResultRow } from './rows.ts'
import { table } from './table.ts'

/** Two prunings on the same examples. */
interface Between {
  readonly first: ResultRow
  readonly second: ResultRow
  /** The loss of the second compared with the first, in points of the task's metric. */
  readonly loss: Interval
  /** Absent for several seeds together, and if no answer is right or wrong. */
  readonly test: McNemar | undefined
}

/** All pairs of pruned rows, in the order of the table; none of a correlation, which no example has alone. */
function betweenRows(rows: readonly ResultRow[]): Between[] {
  const pruned = rows.filter(({ keep, answers }) => keep !== '' && answers.paired !== undefined)
  return pruned.flatMap((first, i) => pruned.slice(i + 1).map((second) => compare(first, second)))
}

function compare(first: ResultRow, second: ResultRow): Between {
  const [one, other] = [first, second].map(({ answers }) => answers.paired) as [Paired, Paired]
  const test = one.correct && other.correct && mcnemar(one.correct, other.correct)
  return { first, second, loss: scaledInterval(figureLoss(one.figure, other.figure), 100), test }
}

/** Methods at the same amounts next to each other; empty if there is only one method. */
export function describeBetween(rows: readonly ResultRow[]): string {
  const same = betweenRows(rows).filter(({ first, second }) => first.keep === second.keep)
  const [{ first } = {}] = same
  if (first === undefined) return ''
  const cells = same.map(({ first, second, loss, test }) => [
    nameOf(second),
    nameOf(first),
    first.keep,
    points(loss),
    pValue(test?.p),
  ])
  const headings = ['method', 'against', 'keep', `loss of ${first.answers.paired?.name} in points`, 'McNemar p']
  return table(headings, cells, ['method', 'against'], { keys: 3 })
}

/** All pairs in JSON: percentage points, and McNemar's test. */
export function betweenContent(rows: readonly ResultRow[]): object[] {
  const about = ({ method, keep }: ResultRow): object => ({ method, keep })
  return betweenRows(rows).map(({ first, second, loss, test }) => ({
    ...{ first: about(first), second: about(second), lossOf: first.answers.paired?.name, loss },
    mcnemar: mcnemarContent(test, 'Second'),
  }))
}
