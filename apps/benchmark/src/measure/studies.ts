import type { Setting } from '../registry/settings.ts'
import { type SubjectName, subjects } from '../registry/subjects.ts'
import type { Section } from '../report/section.ts'
import { type Columns, type Table, tableOf } from '../report/table.ts'
import { type Candidate, kept, measure, type Row } from './measure.ts'
import { openSubject } from './subject.ts'
import { type ShapeRow, speedShapes, type Timer, timerOf, timeShapes } from './times.ts'

/** What candidates answer; the first is what the others are compared with. */
export interface AnswersStudy {
  readonly subjects: readonly SubjectName[]
  /** The first examples of the test data, if not all. */
  readonly examples?: number
  readonly candidates: readonly Candidate[]
  /** What is shown of a row; `rows` are all of the table. */
  readonly columns: (rows: readonly Row[]) => Columns<Row>
}

/** A section with a table of answers for each subject. */
export function answersSection(name: string, study: AnswersStudy): Section {
  return {
    name,
    async run(context) {
      const tables: Table[] = []
      const values: Record<string, unknown> = {}
      for (const data of study.subjects) {
        const subject = await openSubject(context, subjects[data], 'test', study.examples)
        const rows = await measure(context, subject, study.candidates)
        const { title, what } = subjects[data]
        tables.push(tableOf(`${title}; ${subject.lengths.length} ${what}`, study.columns(rows), rows))
        values[data] = rows.map(kept)
      }
      return { tables, values }
    },
  }
}

/** How fast settings are at fixed shapes; the first is what the others are compared with. */
export interface SpeedStudy {
  readonly settings: Readonly<Record<string, Setting>>
  /** Least tokens of a text. */
  readonly tokens?: number
  readonly rounds: number
  readonly budgetMs: number
  /** What is shown of a row; `rows` are all of the table. */
  readonly columns: (rows: readonly ShapeRow[]) => Columns<ShapeRow>
  /** Calls back with where they run, by what a table says of it; default: in this process, on one thread. */
  readonly withTimers?: (time: (timers: Readonly<Record<string, Timer>>) => Promise<void>) => Promise<void>
}

/** Enough reviews to have long ones for every shape. */
const LONG = 300

/** A section with a table of times for each way to run the models. */
export function speedSection(name: string, study: SpeedStudy): Section {
  const { settings, tokens = 0, rounds, budgetMs, columns } = study
  return {
    name,
    async run(context) {
      const subject = await openSubject(context, subjects['minilm-imdb'], 'test', LONG)
      const tables: Table[] = []
      const values: Record<string, unknown> = {}
      const time = async (timers: Readonly<Record<string, Timer>>): Promise<void> => {
        for (const [where, timer] of Object.entries(timers)) {
          context.onProgress(where)
          const shapes = speedShapes.filter((shape) => shape.tokens >= tokens)
          const rows = await timeShapes(timer, subject, settings, shapes, { rounds, budgetMs })
          tables.push(tableOf(`${where}, all models in turns`, columns(rows), rows))
          values[where] = rows
        }
      }
      await (study.withTimers ?? ((use) => use({ 'One thread': timerOf(context.runtime) })))(time)
      return { tables, values }
    },
  }
}
