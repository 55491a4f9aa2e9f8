import { type SubjectName, subjects } from '../registry/subjects.ts'
import type { Section } from '../report/section.ts'
import { type Columns, type Table, tableOf } from '../report/table.ts'
import { type Candidate, kept, measure, type Row } from './measure.ts'
import { openSubject } from './subject.ts'

/** What candidates answer; the first is what the others are compared with. */
export interface AnswersStudy {
  readonly subjects: readonly SubjectName[]
  /** The first examples of the test data, if not all. */
  readonly examples?: number
  readonly candidates: readonly Candidate[]
  readonly columns: Columns<Row>
}

/** A section with a table of answers for each subject. */
export function answersSection(
  name: string,
  { subjects: names, examples, candidates, columns }: AnswersStudy,
): Section {
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
