import { basename } from 'node:path'
import { fixturesFolder, fixturesIn } from 'exported-encoders'
import { limits } from '../files.ts'
import { Examiner, type MutantVerdict, questions } from '../fuzz/examiner.ts'
import { inParallel } from '../measure/measure.ts'
import type { Report, ReportSection } from '../report/section.ts'
import { tableOf } from '../report/table.ts'

const COUNT = 10_000

/** Broken files are decoded, inspected, pruned and run, in processes that they may take with them. */
const mutants: ReportSection = {
  name: 'mutants',
  async run({ onProgress }) {
    const folder = fixturesFolder
    const names = fixturesIn(folder).map(({ name }) => name)
    const open = questions(folder, names, 0, Math.min(COUNT, limits.examples))
    const total = open.length
    const verdicts: MutantVerdict[] = []
    const wrong: string[] = []
    const work = async (): Promise<void> => {
      await using examiner = new Examiner()
      while (examiner.isUsable) {
        const question = open.shift()
        if (question === undefined) return
        const { folder, mutation, seed } = question
        const verdict = await examiner.examine(question)
        verdicts.push(verdict)
        if (verdict.bug)
          wrong.push(`seed ${seed}, ${basename(folder)}, ${mutation}: ${verdict.outcome}: ${verdict.bug}`)
        if (verdicts.length % 500 === 0) onProgress(`${verdicts.length} of ${total}`)
      }
    }
    while (open.length > 0) await inParallel([work, work])
    const outcomes = [...new Set(verdicts.map(({ outcome }) => outcome))]
      .map((outcome) => ({ outcome, own: verdicts.filter((verdict) => verdict.outcome === outcome) }))
      .sort((a, b) => b.own.length - a.own.length)
    const gibibytes = Math.max(0, ...verdicts.map(({ gibibytes = 0 }) => gibibytes))
    const table = tableOf(
      `${total} mutants of ${names.length} exported encoders by how they ended; the most memory was ${gibibytes.toFixed(2)} GiB`,
      {
        outcome: ({ outcome }) => outcome,
        files: ({ own }) => `${own.length}`,
        slowest: ({ own }) => `${Math.max(0, ...own.map(({ seconds = 0 }) => seconds)).toFixed(2)} s`,
        '': ({ own }) => (own.some(({ bug }) => bug !== undefined) ? 'WRONG' : ''),
      },
      outcomes,
    )
    return { tables: [table], values: outcomes.map(({ outcome, own }) => [outcome, own.length]), wrong }
  },
}

export const fuzz: Report = { name: 'fuzz', page: 'docs/fuzz.md', sections: [mutants] }
