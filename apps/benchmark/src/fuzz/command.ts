import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Runtime } from '@tp/core/runtime'
import { fixturesIn, mutationNames, sharedFolder } from 'exported-encoders'
import { projectPath, writeWhole } from '../files.ts'
import { plainTable } from '../report/table.ts'
import { Examiner, type Verdict } from './examiner.ts'
import { fuzzPage, fuzzTable, mostMemory } from './page.ts'
import { questions } from './questions.ts'

/** Number of mutants that make a page. */
const WHOLE = 10_000

/** Broken files: docs/fuzz.md, or the terminal for fewer than make a page. @returns the exit code */
export async function fuzz(runtime: Runtime, args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      count: { type: 'string', default: `${WHOLE}` },
      from: { type: 'string', default: '0' },
      jobs: { type: 'string', default: '2' },
      folder: { type: 'string', default: join(sharedFolder, 'fixtures') },
    },
  })
  const names = fixturesIn(values.folder).map(({ name }) => name)
  if (names.length === 0) {
    process.stderr.write(`There are no fixtures in ${values.folder}; say where they are with --folder.\n`)
    return 2
  }

  const open = questions(values.folder, names, Number(values.from), Number(values.count))
  const total = open.length
  const verdicts: Verdict[] = []
  const wrong: string[] = []

  async function work(): Promise<void> {
    let examiner = new Examiner()
    for (let question = open.shift(); question !== undefined; question = open.shift()) {
      const verdict = await examiner.examine(question)
      verdicts.push(verdict)
      const { folder, mutation, seed } = question
      if (verdict.bug !== undefined) {
        const line = `seed ${seed}: ${basename(folder)}, ${mutation}: ${verdict.outcome}`
        process.stderr.write(`${line}\n  ${verdict.bug}\n`)
        wrong.push(`${line}: ${verdict.bug.split('\n')[0]}`)
      }
      if (verdicts.length % 500 === 0) process.stderr.write(`${verdicts.length} of ${total} …\n`)
      if (examiner.isUsable) continue
      await examiner.dispose()
      examiner = new Examiner()
    }
    await examiner.dispose()
  }

  await Promise.all(Array.from({ length: Number(values.jobs) }, work))
  if (verdicts.length < WHOLE) {
    process.stdout.write(`${plainTable(fuzzTable(verdicts))}\n\nThe most memory was ${mostMemory(verdicts)}.\n`)
  } else {
    const { version } = await runtime.diagnose()
    const date = new Date().toISOString().slice(0, 10)
    const about = { date, runtime: version, fixtures: names.length, mutations: mutationNames.length, wrong }
    await writeWhole(projectPath('docs/fuzz.md'), fuzzPage(verdicts, about))
    process.stderr.write('\nThe table is in docs/fuzz.md.\n')
  }
  return wrong.length > 0 ? 1 : 0
}
