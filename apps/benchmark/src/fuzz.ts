import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { nodeRuntime } from '@tp/runtime-node'
import { fixturesIn, mutationNames, sharedFolder } from 'exported-encoders'
import { Examiner, type Verdict } from './fuzz/examiner.ts'
import { fuzzPage, mostMemory } from './fuzz/page.ts'
import { questions } from './fuzz/questions.ts'
import { fuzzTable } from './fuzz/table.ts'
import { plainTable } from './output/table.ts'
import { writeWhole } from './output/write-file.ts'

/** So many mutants make a page. */
const WHOLE = 10_000

const { values } = parseArgs({
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
  process.exit(2)
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
  const { version } = await nodeRuntime().diagnose()
  const page = fuzzPage(verdicts, {
    date: new Date().toISOString().slice(0, 10),
    runtime: version,
    fixtures: names.length,
    mutations: mutationNames.length,
    wrong,
  })
  await writeWhole(fileURLToPath(new URL('../../../docs/fuzz.md', import.meta.url)), page)
  process.stderr.write('\nThe table is in docs/fuzz.md.\n')
}
if (wrong.length > 0) process.exitCode = 1
