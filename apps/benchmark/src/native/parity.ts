import { type Pruned, pack, prune } from '@tp/compiler'
import { isTpError, type MethodEntry, type Schedule, schedule } from '@tp/core'
import type { NamedTensors, Session } from '@tp/core/runtime'
import { methods as attentionMethods } from '@tp/method-attention'
import { methods as gradientMethods } from '@tp/method-gradient'
import { methods as hybridMethods } from '@tp/method-hybrid'
import { methods as rlMethods } from '@tp/method-rl'
import { encodeModel, type Model } from '@tp/onnx'
import { nativeRuntime } from '@tp/runtime-native'
import { openMinilm } from '../foundations/minilm.ts'
import { largestDifference, rowsThatDiffer } from '../measure/compare-outputs.ts'
import type { Subject } from '../measure/subject.ts'
import { openMail } from '../quickstart/mail.ts'
import type { Context, Findings, Section } from '../report/section.ts'
import { encoders, openEncoder } from '../vision/encoders.ts'

const subjects: Readonly<Record<string, (context: Context) => Promise<Subject>>> = {
  mail: ({ runtime }) => openMail(runtime),
  'minilm-sentiment': (context) => openMinilm(context, ['imdb', 'test.tsv'], EXAMPLES),
  ...Object.fromEntries(
    encoders.map((encoder) => [
      encoder.name,
      (context: Context) => openEncoder(context, { ...encoder, test: EXAMPLES }, 'test'),
    ]),
  ),
}

/** One batch of them. */
const EXAMPLES = 8

/** Not at the last block: behind it only the class token is read. */
const layers = (layerCount: number): number[] => Array.from({ length: layerCount - 2 }, (_, i) => i + 1)

const amounts: Readonly<Record<string, (layerCount: number) => Schedule>> = {
  'a share': (layerCount) => schedule(layerCount, { keep: 0.7, layers: layers(layerCount) }),
  'a mass': (layerCount) => schedule(layerCount, { mass: 0.8, layers: layers(layerCount) }),
}

/** Every method that needs nothing trained, on every trained model: the same answers, and the same tokens stay. */
export const paritySections: readonly Section[] = Object.entries(subjects).map(([name, open]) => ({
  name: `parity-${name}`,
  title: `Parity: ${name}, one batch of ${EXAMPLES}`,
  run: async (context) => compareAll(context, await open(context)),
}))

async function compareAll(context: Context, subject: Subject): Promise<Findings> {
  const rows: string[][] = []
  const values: unknown[] = []
  const refused = new Map<string, string[]>()
  const inputs = await subject.inputs.feeds(Array.from({ length: EXAMPLES }, (_, i) => i))
  const entries: readonly MethodEntry[] = [...attentionMethods, ...hybridMethods, ...gradientMethods, ...rlMethods]
  for (const { name, create } of entries) {
    for (const [words, amount] of Object.entries(amounts)) {
      const pruned = pruneIfPossible(subject, create, amount(subject.layerCount))
      if (pruned === undefined) continue
      context.onProgress(`${name} by ${words}`)
      const packed = pack(pruned.model)
      if (!packed.ok) {
        const { code } = packed.refusal
        refused.set(code, [...(refused.get(code) ?? []), `${name} by ${words}`])
      }
      const found = await compareOne(context, pruned, packed.ok ? packed.model : undefined, inputs)
      values.push({ method: name, rule: words, ...found })
      const cell = (one: Compared | undefined): string[] =>
        one === undefined ? ['refused', ''] : [one.difference.toExponential(1), `${one.otherRows}`]
      rows.push([name, words, ...cell(found.padded), ...cell(found.packed)])
    }
  }
  const headings = [
    'method',
    'tokens stay by',
    'native, padded: logits',
    'other tokens',
    'packed: logits',
    'other tokens',
  ]
  const notes = [...refused].map(([code, who]) => `Not packed, ${reasons[code] ?? code}: ${who.join(', ')}.`)
  return {
    tables: [{ caption: 'Largest difference from onnxruntime-node', headings, rows }],
    notes,
    values,
  }
}

const reasons: Readonly<Record<string, string>> = {
  TP_PACK: 'since all rows keep equally many tokens and nothing is gained',
  TP_PRUNED: 'since tokens come back between the blocks',
}

function pruneIfPossible(subject: Subject, create: MethodEntry['create'], amount: Schedule): Pruned | undefined {
  try {
    const pruned = prune(subject.model, { method: create(), schedule: amount, trace: true })
    return pruned.ok ? pruned : undefined
  } catch (error) {
    // It wants trained values, or another rule.
    if (isTpError(error)) return undefined
    throw error
  }
}

interface Compared {
  readonly difference: number
  /** Rows of the batch in which other tokens stay at some block. */
  readonly otherRows: number
}

async function compareOne(
  { runtime }: Context,
  pruned: Pruned,
  packed: Model | undefined,
  inputs: NamedTensors,
): Promise<{ padded: Compared; packed: Compared | undefined }> {
  const native = nativeRuntime()
  const run = async (loading: Promise<Session>): Promise<NamedTensors> => {
    await using session = await loading
    return await session.run(inputs)
  }
  const file = encodeModel(pruned.model)
  const expected = await run(runtime.load(file, { threads: 1 }))
  const judge = (seen: NamedTensors): Compared => ({
    difference: largestDifference(expected, seen),
    otherRows: rowsThatDiffer(expected, seen).size,
  })
  return {
    padded: judge(await run(native.load(file, { threads: 1 }))),
    packed: packed && judge(await run(native.load(encodeModel(packed), { threads: 1 }))),
  }
}
