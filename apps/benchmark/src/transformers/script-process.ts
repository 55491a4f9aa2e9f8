import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** A text, or 28 × 28 grey pixels. */
export type Question = string | Uint8Array

export interface Answer {
  readonly label: string
  readonly score: number
  /** Time of the pipeline, from text or image to label. */
  readonly ms: number
}

/** The script in a process of its own. */
export interface ScriptProcess extends AsyncDisposable {
  /** Time of `pipeline()`. */
  readonly loadMs: number
  ask(question: Question): Promise<Answer>
}

export interface ScriptOptions {
  readonly task: 'text-classification' | 'image-classification'
  readonly model: string
  readonly folder: string
  readonly pruned: boolean
}

export async function startScript({ task, model, folder, pruned }: ScriptOptions): Promise<ScriptProcess> {
  const child = fork(fileURLToPath(new URL('script.js', import.meta.url)), [task, model, folder], {
    execArgv: pruned ? ['--import', new URL('prune.js', import.meta.url).href] : [],
    serialization: 'advanced',
  })
  const { loadMs } = await next<{ loadMs: number }>(child)
  return {
    loadMs,
    ask(question) {
      const answer = next<Answer>(child)
      child.send(question)
      return answer
    },
    async [Symbol.asyncDispose]() {
      const exit = new Promise((resolve) => child.once('exit', resolve))
      child.kill()
      await exit
    },
  }
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

/** Answers of both by example, and the time for all examples by round, in ms. */
export interface Turns {
  readonly answers: readonly (readonly Answer[])[]
  readonly totals: readonly (readonly number[])[]
}

/** Asks all scripts the same, one after the other on each example, so that what slows the machine slows all of them. */
export async function takeTurns(
  scripts: readonly ScriptProcess[],
  questions: readonly Question[],
  rounds: number,
  onRound: (round: number) => void,
): Promise<Turns> {
  for (const question of questions.slice(0, 8)) for (const script of scripts) await script.ask(question)
  const totals = scripts.map((): number[] => [])
  const answers = scripts.map((): Answer[] => [])
  for (let round = 0; round < rounds; round++) {
    onRound(round)
    for (const ofScript of totals) ofScript.push(0)
    for (const [i, question] of questions.entries()) {
      for (let turn = 0; turn < scripts.length; turn++) {
        const which = (turn + i + round) % scripts.length
        const answer = await (scripts[which] as ScriptProcess).ask(question)
        ;(answers[which] as Answer[])[i] = answer
        ;(totals[which] as number[])[round] = ((totals[which] as number[])[round] ?? 0) + answer.ms
      }
    }
  }
  return { answers, totals }
}
