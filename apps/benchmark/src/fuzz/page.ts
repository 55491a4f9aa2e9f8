import { markdownTable, type Table, tableOf } from '../report/table.ts'
import { limits } from './examine.ts'
import type { Verdict } from './examiner.ts'

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
    '<!-- written by `npm run benchmark -- fuzz` -->',
    `**${wrong.length} of ${verdicts.length} wrong**, in a run with onnxruntime ${runtime} on ${date}.`,
    `${fixtures} exported encoders, each spoilt in ${mutations} ways (bytes, nodes, inputs, attributes, weights, shapes, types, opsets;
\`tools/exported-encoders/src/mutants.ts\`), were decoded, inspected and pruned in four ways in turn, and what came out was loaded and
run. Wrong is: an exception that is no coded error, a refusal without a sentence, over ${limits.seconds} s of processor time, a process that
has taken over ${limits.gibibytes} GiB, and a pruned file that does not load or run where the broken one does. The most memory was ${mostMemory(verdicts)}.
Where a process ended with the dense file, the runtime itself had died of it.`,
    ...(wrong.length === 0 ? [] : [wrong.map((line) => `- ${line}`).join('\n')]),
    markdownTable(fuzzTable(verdicts)),
    operatorsSection,
  ].join('\n\n')}\n`
}

/** What is not measured with these files. */
const operatorsSection = `## Operators of packed files

\`npm run fuzz\` in \`packages/runtime-native\` (Linux, GCC or Clang) builds \`Rows\`, \`Pack\`, \`Unpack\` and \`PackedAttention\` with
AddressSanitizer and UndefinedBehaviorSanitizer and computes 50,000 cases of each: attributes and inputs are constructed so that
they fit together, and seven of eight cases are then spoilt up to five times (attributes, sizes, also of empty tensors next to which
the other sizes may be anything, positions and offsets, types, missing inputs and outputs). A stand-in for onnxruntime gives every tensor
memory that ends where the tensor does, since in onnxruntime's own arena a write past one hits the next and is not seen. Wrong is: a
report of a sanitizer, over 10 s of processor time, a refusal without a sentence, a sound case that is refused, and a result that
differs from one worked out element by element (for attention: an element that was not written; its numbers are compared in the
package's tests).

\`\`\`console
$ npm run fuzz -- --cases 50000 --seed 1
Rows: 50000 cases, 21708 computed, 0 nodes and 28292 inputs refused
Pack: 50000 cases, 14827 computed, 11675 nodes and 23498 inputs refused
Unpack: 50000 cases, 12912 computed, 11595 nodes and 25493 inputs refused
PackedAttention: 50000 cases, 13864 computed, 16156 nodes and 19980 inputs refused
\`\`\`

\`npm run fuzz -- Pack --guided 600\` lets libFuzzer (Clang) choose the cases of one operator for ten minutes by the code that they
reach. \`npm test\` has 600 cases of each, where there is a compiler whose programs run under the sanitizers.`

/** Of a process that examines up to 250 of them, the runtime's sessions included. */
export function mostMemory(verdicts: readonly Verdict[]): string {
  return `${Math.max(0, ...verdicts.map(({ gibibytes = 0 }) => gibibytes)).toFixed(2)} GiB`
}

/** How many mutants ended how, and the longest time of each. */
export function fuzzTable(verdicts: readonly Verdict[]): Table {
  const outcomes = [...new Set(verdicts.map(({ outcome }) => outcome))].map((outcome) => {
    return { outcome, own: verdicts.filter((verdict) => verdict.outcome === outcome) }
  })
  outcomes.sort((a, b) => b.own.length - a.own.length)
  return tableOf(
    'Mutants by how they ended',
    {
      outcome: ({ outcome }) => outcome,
      files: ({ own }) => `${own.length}`,
      slowest: ({ own }) => `${Math.max(0, ...own.map(({ seconds = 0 }) => seconds)).toFixed(2)} s`,
      '': ({ own }) => (own.some(({ bug }) => bug !== undefined) ? 'WRONG' : ''),
    },
    outcomes,
  )
}
