import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import type { AllLogits } from '@tp/metrics'
import type { AccuracyCell, AccuracyValue } from '../comparison/cell.ts'
import type { ResultLine } from '../comparison/results.ts'
import { projectPath } from '../files.ts'
import { answersOf } from '../measure/answers.ts'
import { openSubject } from '../measure/subject.ts'
import { type SubjectName, subjects } from '../registry/subjects.ts'
import type { SectionContext } from '../report/section.ts'

/** One way to save work, by its answers to the examples. */
interface AnsweredSetting {
  /** Classes, by example. */
  readonly answers: readonly number[]
  /** How many times fewer multiply-adds than the model without its dead tokens. */
  readonly speedup: number
}

/** A classifier's answers to test examples, and those of the settings that the comparison has measured. */
export interface HiddenLabels {
  readonly subject: SubjectName
  readonly dense: AllLogits
  readonly targets: readonly number[]
  readonly settings: readonly AnsweredSetting[]
}

/** Settings answer as they did in the published comparison; the dense model is run. Those in 8 bits, whose multiply-adds say nothing, are not among them. */
export async function openHidden(context: SectionContext, subject: SubjectName): Promise<HiddenLabels> {
  const measured = (await publishedValues(subject)).filter(({ setting }) => isMeant(setting))
  // Some settings were measured on more examples.
  const count = Math.min(...measured.map(({ answers }) => answers.length))
  const some = measured.filter(({ answers }) => answers.length === count)
  const whole = some.find(({ setting }) => setting.kind === 'none')?.flops as number
  const { file, inputs } = await openSubject(context, subjects[subject], 'test', count)
  const { logits } = await answersOf(context, file, inputs, `${subject}, dense`)
  return {
    subject,
    dense: { logits: Float32Array.from(logits.flat()), classes: logits[0]?.length ?? 0 },
    targets: inputs.targets,
    settings: some.map(({ answers, flops }) => ({
      answers: Array.from(answers, (digit) => Number.parseInt(digit, 36)),
      speedup: whole / flops,
    })),
  }
}

function isMeant({ kind, int8 }: AccuracyCell['setting']): boolean {
  return int8 === undefined && kind !== 'dense' && kind !== 'truncated'
}

/** Test answers of all settings of a subject. */
async function publishedValues(subject: SubjectName): Promise<(AccuracyCell & AccuracyValue)[]> {
  const bytes = await readFile(projectPath('apps/benchmark/published.jsonl.gz'))
  const lines = gunzipSync(bytes).toString().trimEnd().split('\n')
  return lines.flatMap((row) => {
    const { cell, value } = JSON.parse(row) as ResultLine
    if (cell.kind !== 'accuracy' || cell.subject !== subject || cell.split !== 'test' || value === undefined) return []
    return [{ ...cell, ...(value as AccuracyValue) }]
  })
}
