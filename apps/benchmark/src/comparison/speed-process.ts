import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { SpeedCell, SpeedValue } from './cell.ts'
import type { Line } from './results.ts'

/** What the process is told: cells of one subject and split. */
export interface SpeedTask {
  readonly subject: string
  readonly examples: number
  readonly cells: readonly SpeedCell[]
}

/** What it answers for each cell, in their order. */
export interface SpeedAnswer extends Pick<Line, 'refused'> {
  readonly value?: SpeedValue
  readonly seconds: number
}

/**
 * Times cells in a process of its own, in which nothing else happens; meanwhile nothing happens here. It ends with this
 * one: what reads its messages is gone then.
 */
export async function timeInProcess(
  task: SpeedTask,
  onAnswer: (cell: SpeedCell, answer: SpeedAnswer) => Promise<void>,
): Promise<void> {
  const child = fork(fileURLToPath(new URL('../processes/comparison-speed.js', import.meta.url)), [], {
    serialization: 'json',
  })
  let answered = 0
  let writing = Promise.resolve()
  await new Promise<void>((resolve, reject) => {
    child.on('message', (answer: SpeedAnswer) => {
      const cell = task.cells[answered++] as SpeedCell
      writing = writing.then(() => onAnswer(cell, answer))
    })
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      if (answered === task.cells.length) return resolve()
      reject(new Error(`the process that measures times ended with ${signal ?? code} after ${answered} cells`))
    })
    child.send(task)
  })
  await writing
}
