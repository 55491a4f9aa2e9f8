import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { openSession, type Session, type TensorLike } from '@tp/core/runtime'

/** A text, or 28 × 28 gray pixels. */
export type Question = string | Uint8Array

export interface ScriptOptions {
  readonly task: 'text-classification' | 'image-classification'
  readonly model: string
  readonly folder: string
  readonly pruned: boolean
  readonly questions: readonly Question[]
  readonly labels: readonly string[]
}

/** The answer of the script: the score of each label. */
type Scores = readonly { readonly label: string; readonly score: number }[]

/** The script in a process of its own, as a session: its inputs are positions of questions, its logits the logarithms of scores. */
export interface Script {
  readonly session: Session
  /** Time of `pipeline()`. */
  readonly loadMs: number
}

export async function openScript({ task, model, folder, pruned, questions, labels }: ScriptOptions): Promise<Script> {
  const child = fork(fileURLToPath(new URL('script.js', import.meta.url)), [task, model, folder], {
    execArgv: pruned ? ['--import', new URL('prune.js', import.meta.url).href] : [],
    serialization: 'advanced',
  })
  const { loadMs } = await next<{ loadMs: number }>(child)
  const session = openSession('benchmark', {
    inputs: [{ name: 'positions', type: 'int32', dims: ['batch'] }],
    outputs: [{ name: 'logits', type: 'float32', dims: ['batch', labels.length] }],
    async run({ positions }) {
      const logits: number[] = []
      for (const position of (positions as TensorLike).data as Int32Array) {
        const answer = next<Scores>(child)
        child.send(questions[position] as Question)
        const scores = new Map((await answer).map(({ label, score }) => [label, score]))
        logits.push(...labels.map((label) => Math.log(scores.get(label) as number)))
      }
      const rows = logits.length / labels.length
      return { logits: { type: 'float32', dims: [rows, labels.length], data: Float32Array.from(logits) } }
    },
    async close() {
      const exit = new Promise((resolve) => child.once('exit', resolve))
      child.kill()
      await exit
    },
  })
  return { session, loadMs }
}

/** The next message of a process. */
function next<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`the script ended with code ${code}; see above`))
    child.once('exit', onExit)
    child.once('message', (message) => {
      child.off('exit', onExit)
      resolve(message as T)
    })
  })
}
