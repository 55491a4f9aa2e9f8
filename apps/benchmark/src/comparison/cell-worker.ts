import { parseArgs } from 'node:util'
import { TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { type Job, Worker } from 'bullmq'
import { beginTrial, type Files, sharedPath } from '../files.ts'
import { fingerprint } from '../registry/subjects.ts'
import { cellKey } from './cell.ts'
import { type Attempted, CELLS, type CellJob, connectionTo } from './cell-queue.ts'
import { type OpenStage, openStage, stageOf } from './open-stage.ts'
import { attempt } from './results.ts'
import { comparedForms } from './subjects.ts'

/** How often a cell may be lost with its worker before it fails. */
const MOST_LOST = 10

/** Measures the cells of a queue one after the other, until it is interrupted. @returns the exit code */
export async function workOnCells(runtime: Runtime, args: readonly string[]): Promise<number> {
  const options = { queue: { type: 'string' }, trial: { type: 'boolean', default: false } } as const
  const { queue, trial } = parseArgs({ args: [...args], options }).values
  if (queue === undefined)
    throw new TpError('TP_OPTION', 'benchmark', '--queue URL is missing: what to take cells from')
  if (trial) beginTrial()
  const connection = await connectionTo(queue)
  const measure = cellMeasurer({ runtime, shared: sharedPath })
  const worker = new Worker<CellJob, Attempted>(
    CELLS,
    async ({ data }: Job<CellJob>) => {
      const outcome = await measure(data)
      process.stderr.write(`${cellKey(data.cell)}\n`)
      return outcome
    },
    { connection, maxStalledCount: MOST_LOST },
  )
  worker.on('error', ({ message }) => process.stderr.write(`${message}\n`))
  await worker.waitUntilReady()
  process.stderr.write('waiting for cells …\n')
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, resolve)
  })
  await worker.close()
  return 0
}

/** Keeps open what the last cell was measured with, since the next is often of the same stage. */
function cellMeasurer(files: Files): (job: CellJob) => Promise<Attempted> {
  const prints = new Map<string, Promise<string>>()
  let open: { readonly name: string; readonly stage: Promise<OpenStage> } | undefined
  return async ({ cell, examples, files: modelFiles }) => {
    const form = comparedForms.find(({ name }) => name === cell.subject)
    if (form === undefined) throw new Error(`this worker knows no ${cell.subject}; use one version on all machines`)
    const print = prints.get(form.name) ?? fingerprint(form, files)
    prints.set(form.name, print)
    if ((await print) !== modelFiles)
      throw new Error(`the files of ${form.name} differ from those of the machine that sent the task`)
    const name = `${stageOf(cell)} ${examples}`
    if (open?.name !== name) open = { name, stage: openStage(files, form, cell, examples) }
    const { stage } = open
    return attempt(async () => (await stage).quality(cell))
  }
}
