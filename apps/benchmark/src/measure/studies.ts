import { type SubjectName, subjects } from '../registry/subjects.ts'
import type { ReportSection } from '../report/section.ts'
import { type Table, type TableColumns, tableOf } from '../report/table.ts'
import { kept, type MeasuredCandidate, type MeasuredRow, measure } from './measure.ts'
import { openSubject } from './subject.ts'

/** The answers of candidates; the first is the reference of the others. */
export interface AnswersStudy {
  readonly subjects: readonly SubjectName[]
  /** The first examples of the test data, if not all. */
  readonly examples?: number
  readonly candidates: readonly MeasuredCandidate[]
  readonly columns: TableColumns<MeasuredRow>
}

/** A section with a table of answers for each subject. */
export function answersSection(
  name: string,
  { subjects: names, examples, candidates, columns }: AnswersStudy,
): ReportSection {
  return {
    name,
    async run(context) {
      const tables: Table[] = []
      const values: Record<string, unknown> = {}
      for (const data of names) {
        const subject = await openSubject(context, subjects[data], 'test', examples)
        const rows = await measure(context, subject, candidates)
        const { title, what } = subjects[data]
        tables.push(tableOf(`${title}; ${subject.lengths.length} ${what}`, columns, rows))
        values[data] = rows.map(kept)
      }
      return { tables, values }
    },
  }
}
