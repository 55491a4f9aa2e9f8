import type { Answer, Question, ScriptProcess } from './script-process.ts'

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
