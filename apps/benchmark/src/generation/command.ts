import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { parseArgs } from 'node:util'
import { points, speedUpText } from '@tp/compare'
import { type Amount, TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import {
  loadTokenizer,
  MOST_KEYS,
  readChatTemplate,
  readEndTokens,
  readModelFolder,
  readNeedles,
  readPrompts,
} from '@tp/data'
import { decodeModel } from '@tp/onnx'
import { interval } from '../report/numbers.ts'
import { plainTable, type TableColumns, tableOf } from '../report/table.ts'
import { type GenerationRow, measureGeneration } from './measure.ts'
import { variantsOf } from './variants.ts'

export const HELP = `Compares prunings of a decoder's prompts and caches: right answers, perplexity, bytes and times.

  npm run benchmark -- generation MODEL --data PATH [options]

  --data PATH        a plain text (.txt), in which numbers are hidden, or a table of prompts with answers or continuations
  --methods A,B      prune prompts by each of these; random is the mean of five seeds
  --keep R           share of a prompt's tokens that is kept, of short prompts too; as often as you like
  --layer L          after whose attention, from 0; default: two thirds of the way up
  --press FILE       a row with its caches pruned by what tp press has written; as often as you like
  --caches           a row with its caches in 8 bits
  --memory           also the peak memory of a process of its own
  --length T         of a plain text: tokens of each prompt; default 1024
  --keys N           of a plain text: how many numbers each prompt hides; default 1
  --limit N          the first N prompts of each kind
  --max-tokens N     the most tokens that are generated after a prompt; default 24
  --tokenizer FILE   default: tokenizer.json next to the model
`

/** Tokens whose likelihood is measured after a passage. */
const CONTINUATION = 128

/** @throws TpError TP_OPTION, TP_DATA, TP_TOKENIZER, and those of refusals */
export async function compareGeneration(runtime: Runtime, args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...{ data: text, methods: text, layer: text, length: text, keys: text, limit: text, 'max-tokens': text },
      ...{ keep: { type: 'string', multiple: true }, press: { type: 'string', multiple: true }, tokenizer: text },
      ...{ caches: { type: 'boolean' }, memory: { type: 'boolean' } },
    },
  })
  const [path] = positionals
  const { data, press: presses = [], caches = false, memory = false } = values
  if (path === undefined || data === undefined) throw wrong(`give a model, and --data PATH\n\n${HELP}`)
  const methods = values.methods?.split(',') ?? []
  const amounts = (values.keep ?? []).map((keep): Amount => ({ kind: 'ratio', value: Number(keep) }))
  if ((methods.length === 0) !== (amounts.length === 0)) throw wrong('--methods and --keep go together')
  const number = (name: 'layer' | 'length' | 'keys' | 'limit' | 'max-tokens'): number | undefined => {
    const value = values[name] === undefined ? undefined : Number(values[name])
    if (value !== undefined && !Number.isInteger(value)) throw wrong(`--${name} is ${values[name]}; it is a number`)
    return value
  }
  const model = decodeModel(await readFile(path))
  const variants = variantsOf({ model, methods, amounts, layer: number('layer'), presses, caches })
  const file = values.tokenizer ?? (await readModelFolder(path)).tokenizer
  if (file === undefined) throw wrong('--tokenizer FILE is missing: none is next to the model')
  const tokenizer = await loadTokenizer(file)
  const common = { tokenizer, template: await readChatTemplate(path), limit: number('limit') }
  const keys = number('keys') ?? 1
  if (keys > MOST_KEYS) throw wrong(`--keys is ${keys}; a prompt can hide ${MOST_KEYS} numbers at most`)
  const prompts =
    extname(data).toLowerCase() === '.txt'
      ? await readNeedles(data, { ...common, length: number('length') ?? 1024, keys, continuation: CONTINUATION })
      : await readPrompts(data, common)
  const rows = await measureGeneration(variants, {
    ...{ runtime, prompts, memory, tokenizer, ends: await readEndTokens(path), maxTokens: number('max-tokens') ?? 24 },
    onProgress: (done) => void process.stderr.write(`${done} …\n`),
  })
  process.stdout.write(`${prompts.length} prompts\n${plainTable(tableOf('', columnsOf(rows), rows))}\n`)
  return 0
}

function wrong(message: string): TpError {
  return new TpError('TP_OPTION', 'benchmark', message)
}

function columnsOf([dense]: readonly GenerationRow[]): TableColumns<GenerationRow> {
  const megabytes = (bytes: number | undefined): string => ((bytes ?? 0) / 1e6).toFixed(1)
  return {
    method: ({ method, seeds }) => (seeds === 1 ? method : `${method} (${seeds} seeds)`),
    keep: ({ keep }) => keep,
    ...(dense?.right && {
      right: ({ right }) => (right ? points(right) : ''),
      'points fewer': (row) => (row.loss && row !== dense ? points(row.loss) : ''),
    }),
    ...(dense?.perplexity && {
      perplexity: (row) => {
        const { estimate, low, high } = row.perplexity ?? { estimate: 1, low: 1, high: 1 }
        return row === dense ? estimate.toFixed(2) : `×${estimate.toFixed(3)} (${interval({ low, high })})`
      },
    }),
    'caches in MB': ({ cacheBytes }) => megabytes(cacheBytes),
    ...(dense?.peakBytes && { 'memory in MB': ({ peakBytes }) => megabytes(peakBytes) }),
    'prompt ms': ({ prompt }) => prompt.p50Ms.toFixed(1),
    'prompt speed-up': ({ prompt }) => speedUpText(prompt.speedup),
    'token ms': ({ token }) => token.p50Ms.toFixed(1),
    'token speed-up': ({ token }) => speedUpText(token.speedup),
  }
}
