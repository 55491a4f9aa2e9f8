import { markdownTable } from '../output/table.ts'
import { limits } from './examine.ts'
import type { Verdict } from './examiner.ts'
import { fuzzTable } from './table.ts'

export interface Surroundings {
  readonly date: string
  readonly runtime: string
  readonly fixtures: number
  readonly mutations: number
  /** What was wrong, a line each. */
  readonly wrong: readonly string[]
}

/** The page docs/fuzz.md. */
export function fuzzPage(verdicts: readonly Verdict[], surroundings: Surroundings): string {
  const { date, runtime, fixtures, mutations, wrong } = surroundings
  return `${[
    '# Broken files',
    '<!-- written by `pnpm --filter benchmark fuzz` -->',
    `**${wrong.length} of ${verdicts.length} wrong**, in a run with onnxruntime ${runtime} on ${date}.`,
    `${fixtures} exported encoders, each spoilt in ${mutations} ways (bytes, nodes, inputs, attributes, weights, shapes, types, opsets;
\`tools/exported-encoders/src/mutants.ts\`), were decoded, inspected and pruned in four ways in turn, and what came out was loaded and
run. Wrong is: an exception that is no coded error, a refusal without a sentence, over ${limits.seconds} s of processor time, a process that
has taken over ${limits.gibibytes} GiB, and a pruned file that does not load or run where the broken one does. The most memory was ${mostMemory(verdicts)}.
Where a process ended with the dense file, the runtime itself had died of it.`,
    ...(wrong.length === 0 ? [] : [wrong.map((line) => `- ${line}`).join('\n')]),
    markdownTable(fuzzTable(verdicts)),
  ].join('\n\n')}\n`
}

/** Of a process that examines up to 250 of them, the runtime's sessions included. */
export function mostMemory(verdicts: readonly Verdict[]): string {
  return `${Math.max(0, ...verdicts.map(({ gibibytes = 0 }) => gibibytes)).toFixed(2)} GiB`
}
