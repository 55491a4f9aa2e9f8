import { readFile } from 'node:fs/promises'
import { fromPlan, type Plan } from '@tp/compiler'
import { type MethodEntry, none } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import type { Evaluation } from '@tp/eval'
import { logitRowsOf } from '@tp/eval/metrics'
import { uncertaintyOf } from '@tp/guard'
import { encodeModel } from '@tp/onnx'
import { evaluateFile, inParallel } from '../measure/parallel.ts'
import type { Subject } from '../measure/subject.ts'
import { prunedModel } from '../measure/variant.ts'
import { writeWhole } from '../output/write-file.ts'
import { reportPath } from '../report/report.ts'

/** What a plan's model answers on test examples. */
export type Answers = Pick<Evaluation, 'logits' | 'classes' | 'predictions' | 'correct'>

/** The answers themselves, without how sure they are. */
type Judged = Pick<Answers, 'predictions' | 'correct'>

/** As JSON holds them. */
type Kept = Omit<Answers, 'logits'> & { readonly logits: readonly number[] }

/** Asked for once, whatever the device: answers do not depend on it. */
export class TestAnswers {
  readonly #runtime: Runtime
  readonly #subject: Subject
  readonly #entries: readonly MethodEntry[]
  readonly #path: string
  readonly #known: Record<string, Kept>

  private constructor(
    runtime: Runtime,
    subject: Subject,
    entries: readonly MethodEntry[],
    path: string,
    known: Record<string, Kept>,
  ) {
    this.#runtime = runtime
    this.#subject = subject
    this.#entries = entries
    this.#path = path
    this.#known = known
  }

  static async open(
    runtime: Runtime,
    subject: Subject,
    name: string,
    entries: readonly MethodEntry[],
  ): Promise<TestAnswers> {
    const path = reportPath('json', `tuning/${name}-test-${subject.lengths.length}`)
    const known = JSON.parse(await readFile(path, 'utf8').catch(() => '{}')) as Record<string, Kept>
    return new TestAnswers(runtime, subject, entries, path, known)
  }

  async of(plan: Plan): Promise<Answers> {
    const key = JSON.stringify(plan)
    const known = this.#known[key]
    if (known !== undefined) return { ...known, logits: Float32Array.from(known.logits) }
    const { inputs } = this.#subject
    const file = fileOf(this.#subject, plan, this.#entries)
    const { logits, classes, predictions, correct } = await evaluateFile(this.#runtime, file, inputs)
    this.#known[key] = { logits: [...logits], classes, predictions, correct }
    await writeWhole(this.#path, JSON.stringify(this.#known))
    return { logits, classes, predictions, correct }
  }

  ofAll(plans: readonly Plan[]): Promise<Answers[]> {
    return inParallel(plans.map((plan) => () => this.of(plan)))
  }
}

/** A pruned model's answers, and the dense one's where it was asked again. */
export function withAgain(pruned: Judged, dense: Judged, again: readonly boolean[]): Judged {
  const pick = <T>(own: readonly T[], other: readonly T[]): T[] =>
    own.map((value, i) => (again[i] ? (other[i] as T) : value))
  return {
    predictions: pick(pruned.predictions, dense.predictions),
    correct: pick(pruned.correct, dense.correct),
  }
}

/** Which answers are at least so uncertain. */
export function uncertain(answers: Answers, threshold: number): boolean[] {
  return logitRowsOf(answers).map((row) => uncertaintyOf(row, 'probability') >= threshold)
}

/** @param entries methods that plans name */
export function fileOf({ model, name }: Subject, plan: Plan, entries: readonly MethodEntry[]): Uint8Array {
  if (plan.method === 'none') return encodeModel(prunedModel(model, { method: none(), schedule: new Map() }, name))
  return encodeModel(prunedModel(model, fromPlan(plan, entries), name))
}
