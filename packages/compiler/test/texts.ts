import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Tokenizer } from '@huggingface/tokenizers'
import type { NamedTensors, Session } from '@tp/core/runtime'
import { mailData, modelPath } from '@tp/models'
import { decodeModel, type Model } from '@tp/onnx'
import { sharedFolder } from './fixtures.ts'
import { int64, rows } from './run.ts'

/** A trained text model over `input_ids` and `attention_mask`, with texts of its kind. */
export interface TextModel {
  readonly name: string
  readonly model: Model
  /** Token ids of texts of different lengths, special tokens included. */
  readonly texts: readonly (readonly number[])[]
}

/** The embedded mail model with test mails of at most `longest` tokens. */
export function mailModel(count: number, longest: number): TextModel {
  const texts = mailData('test').map(({ text }) => text)
  return textModel('mail', modelPath('mail'), modelPath('mail', 'tokenizer'), { texts, count, longest })
}

/** MiniLM with reviews, where the shared folder is there. */
export function minilmModel(count: number, longest: number): TextModel | undefined {
  const folder = join(sharedFolder, 'models/minilm-sentiment')
  const data = join(sharedFolder, 'data/sst2/dev.tsv')
  if (!existsSync(folder) || !existsSync(data)) return undefined
  const texts = readFileSync(data, 'utf8')
    .split('\n')
    .map((line) => line.split('\t')[1] ?? '')
  return textModel('minilm', join(folder, 'model.onnx'), join(folder, 'tokenizer.json'), { texts, count, longest })
}

function textModel(
  name: string,
  path: string,
  tokenizerPath: string,
  { texts, count, longest }: { texts: readonly string[]; count: number; longest: number },
): TextModel {
  const tokenizer = new Tokenizer(JSON.parse(readFileSync(tokenizerPath, 'utf8')), {})
  const fitting: number[][] = []
  for (const text of texts) {
    if (fitting.length === count) break
    if (text.length > 8 * longest) continue
    const { ids } = tokenizer.encode(text)
    if (ids.length > 4 && ids.length <= longest) fitting.push(ids)
  }
  return { name, model: decodeModel(readFileSync(path)), texts: fitting }
}

/** One row of a batch: ids, and which of them are real. */
export interface TextIds {
  readonly ids: readonly number[]
  readonly attended: readonly boolean[]
}

export function plainRow(ids: readonly number[]): TextIds {
  return { ids, attended: ids.map(() => true) }
}

/** The row with `count` pieces of padding on the left, full of numbers that would show if anything looked at them. */
export function leftPadded({ ids, attended }: TextIds, count: number): TextIds {
  const padding = Array.from({ length: count }, (_, i) => 100 + i)
  return { ids: [...padding, ...ids], attended: [...padding.map(() => false), ...attended] }
}

/** The row with some tokens in the middle declared padding. */
export function withHoles({ ids, attended }: TextIds): TextIds {
  return { ids, attended: attended.map((is, i) => is && (i === 0 || i % 5 !== 2)) }
}

/** Rows as a batch, padded on the right to `width` with ids that would show. */
export function batchOf(list: readonly TextIds[], width: number): NamedTensors {
  const ids = list.flatMap((row) => Array.from({ length: width }, (_, i) => row.ids[i] ?? 7 + (i % 50)))
  const mask = list.flatMap((row) => Array.from({ length: width }, (_, i) => (row.attended[i] === true ? 1 : 0)))
  return { input_ids: int64([list.length, width], ids), attention_mask: int64([list.length, width], mask) }
}

/** The results of one example: logits, and per traced layer which tokens were kept. */
export interface RowResult {
  readonly logits: readonly number[]
  readonly kept: Readonly<Record<string, readonly number[]>>
}

export async function runRows(session: Session, list: readonly TextIds[], width: number): Promise<RowResult[]> {
  const results = await session.run(batchOf(list, width))
  const traces = Object.keys(results).filter((name) => name.endsWith('.indices'))
  const logits = rows(results.logits)
  return list.map((_, row) => {
    const kept = traces.map((name) => {
      const valid = rows(results[name.replace('indices', 'valid')])[row] as number[]
      return [name, (rows(results[name])[row] as number[]).filter((_, slot) => valid[slot] === 1)]
    })
    return { logits: logits[row] as number[], kept: Object.fromEntries(kept) as Record<string, number[]> }
  })
}

export function keptTotal({ kept }: RowResult): number {
  return Object.values(kept).reduce((sum, tokens) => sum + tokens.length, 0)
}
