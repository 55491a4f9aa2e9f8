import { readFile } from 'node:fs/promises'
import { timeInTurns, type VariantLatency } from '@tp/compare'
import { type PruneOptions, prune, transform } from '@tp/compiler'
import { none, schedule } from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import { openTokenizer, textDataset, textInputs } from '@tp/data/inputs'
import { clsAttention } from '@tp/method-attention'
import { type Speedup, trajectoriesOf } from '@tp/metrics'
import { embeddedModel, mailData, modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'

/** A piece of the mail as the tokenizer cuts it, where it stands in the text. */
export interface MailPiece {
  readonly start: number
  readonly text: string
  /** Layer that prunes it; undefined: kept to the end. */
  readonly prunedAt: number | undefined
}

/** One run of a mail through the dense and the pruned model. */
export interface MeasuredMail {
  readonly text: string
  readonly pieces: readonly MailPiece[]
  readonly dense: Lane
  readonly pruned: Lane
  /** Median over rounds of dense time over pruned time in the same round. */
  readonly speedup: Speedup
  readonly rounds: number
  readonly setting: string
}

export interface Lane {
  /** Median of one run. */
  readonly ms: number
  readonly answer: string
  /** Of the answer, 0 … 1. */
  readonly probability: number
  /** Tokens that remain after each layer's site. */
  readonly tokens: readonly number[]
}

const LAYERS = 6
const KEEP = [0.6, 0.6, 0.6, 0.6]
const ROUNDS = 300

/** Runs one mail of the test split, dense (without its dead tokens) and pruned in layers 0 to 3, in turns on one thread. */
export async function measure(example: number): Promise<MeasuredMail> {
  const mail = mailData('test')[example]
  if (mail === undefined) throw new Error(`there is no mail ${example}`)
  const { labels } = embeddedModel('mail')
  const model = decodeModel(await readFile(modelPath('mail')))
  const tokenizer = openTokenizer(
    await readFile(modelPath('mail', 'tokenizer'), 'utf8'),
    modelPath('mail', 'tokenizer'),
  )
  const amounts = schedule(LAYERS, { keep: KEEP, layers: KEEP.map((_, layer) => layer) })
  const write = (options: PruneOptions): Uint8Array => {
    const result = transform(model, prune(options))
    return encodeModel(result.model)
  }
  const method = clsAttention()
  await using dense = await nodeRuntime().load(write({ method: none(), schedule: amounts }), { threads: 1 })
  await using pruned = await nodeRuntime().load(write({ method, schedule: amounts }), { threads: 1 })
  await using traced = await nodeRuntime().load(write({ method, schedule: amounts, trace: true }), { threads: 1 })

  const text = mail.text.replaceAll(/\s+/g, ' ').trim()
  const dataset = textDataset('mails', [{ text, label: mail.label }])
  const inputs = await textInputs(dataset, dense.inputs, tokenizer)
  const feeds = await inputs.feeds([0])
  const ids = tokenizer.encode(text, 512)
  const { rounds, latencies } = await timeInTurns([dense, pruned], [feeds], { rounds: ROUNDS })
  const outputs = await traced.run(feeds)
  const ways = trajectoriesOf(outputs, [ids.length])[0] ?? []
  const answers = await Promise.all([dense.run(feeds), pruned.run(feeds)])
  const kept = Array.from({ length: LAYERS }, (_, layer) => {
    return ways.filter(({ prunedAt }) => prunedAt === undefined || prunedAt > layer).length
  })
  const [denseMs, prunedMs, speedup] = timesOf(latencies)
  const [denseAnswer, prunedAnswer] = answers.map((answer) => answerOf(answer, labels)) as [Answer, Answer]
  if (denseAnswer.answer !== prunedAnswer.answer) throw new Error('pruning changes the answer to this mail')
  return {
    text,
    pieces: piecesOf(
      text,
      ids.map((id) => tokenizer.textOf(id)),
    ).map(({ position, ...piece }) => {
      return { ...piece, prunedAt: ways[position]?.prunedAt }
    }),
    dense: { ms: denseMs, ...denseAnswer, tokens: kept.map(() => ids.length) },
    pruned: { ms: prunedMs, ...prunedAnswer, tokens: kept },
    speedup,
    rounds,
    setting: `${method.name}, keep ${KEEP[0]} in each of layers 0 to ${KEEP.length - 1}`,
  }
}

/** @throws Error on a machine so busy that the two medians are not in the ratio of the runs in turn */
function timesOf([dense, pruned]: readonly VariantLatency[]): [dense: number, pruned: number, speedup: Speedup] {
  if (dense === undefined || pruned === undefined) throw new Error('both variants are timed')
  const apart = Math.abs(dense.p50Ms / pruned.p50Ms / pruned.speedup.value - 1)
  if (apart > 0.05) throw new Error(`the machine is busy: medians and ratios differ by ${(100 * apart).toFixed(0)} %`)
  return [dense.p50Ms, pruned.p50Ms, pruned.speedup]
}

type Answer = Pick<Lane, 'answer' | 'probability'>

function answerOf({ logits }: NamedTensors, labels: readonly string[]): Answer {
  const powers = labels.map((_, label) => Math.exp(Number(logits?.data[label])))
  const best = powers.indexOf(Math.max(...powers))
  const sum = powers.reduce((total, power) => total + power)
  return { answer: labels[best] as string, probability: (powers[best] as number) / sum }
}

/** Finds the pieces in the text, whose case the tokenizer has lowered. Special tokens are nowhere in it. */
function piecesOf(text: string, pieces: readonly string[]): { position: number; start: number; text: string }[] {
  const lowered = text.toLowerCase()
  let end = 0
  return pieces.flatMap((piece, position) => {
    const bare = piece.trim().replace(/^##/, '')
    const start = piece === '' ? -1 : lowered.indexOf(bare, end)
    if (start < 0) return []
    end = start + bare.length
    return [{ position, start, text: text.slice(start, end) }]
  })
}
