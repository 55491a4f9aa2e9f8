import { dirname, join } from 'node:path'
import type { DecoderInspection, QuantizeOptions } from '@tp/compiler'
import { loadTokenizer, type ModelFile, openTextDecoder, readTexts, type TextNearness, textNearnessTo } from '@tp/data'
import { loadSession } from '@tp/data/files'
import { type QuantizedWithin, quantizeCompared } from '@tp/optimize'
import { nodeRuntime } from '@tp/runtime-node'
import { usageError } from '../arguments/usage-error.ts'
import type { Context } from '../context/context.ts'
import { type CompareArguments, stages } from './compare.ts'

/** Prompts that are continued, unless `--limit` says otherwise; each takes as long as its tokens one by one. */
const PROMPTS = 20

/** Tokens of a text that are read as a prompt, at most, and tokens that are generated after it. */
const PROMPT_TOKENS = 32
const NEW_TOKENS = 24

/** Prompts on which products are compared with each other. */
const FEW = 4

/** Quantizes a decoder, and compares the texts that it generates greedily after the beginnings of the user's texts. */
export async function quantizeComparedTexts(
  file: ModelFile,
  decoder: DecoderInspection,
  args: CompareArguments,
  form: QuantizeOptions,
  context: Context,
): Promise<QuantizedWithin<TextNearness>> {
  const { progress, signal, runtime = nodeRuntime() } = context
  if (args.smooth) throw usageError('tp quantize smooths encoders only: --smooth does not go with a decoder')
  if (args.task !== undefined)
    throw usageError('a decoder is compared by the texts that it generates: leave out --task')
  progress.stage(`reading ${args.data}`)
  const tokenizer = await loadTokenizer(args.tokenizer ?? join(dirname(file.path), 'tokenizer.json'))
  const prompts = await promptsOf(tokenizer, args)
  const loading = { threads: 1, signal }
  const onProgress = ({ done, total }: { readonly done: number; readonly total: number }): void =>
    progress.step(done, total)
  return await quantizeCompared({
    ...{ model: file.model, within: args.within, quantize: form, signal, onProgress },
    load: (model) =>
      model === file.model ? runtime.load(file.path, loading) : loadSession(runtime, model, file, loading),
    onStage: (stage) => progress.stage(stages[stage]),
    async compareWith(dense) {
      const compare = await textNearnessTo(openTextDecoder(dense, decoder, { signal }), prompts, {
        ...{ tokens: NEW_TOKENS, signal, onProgress },
      })
      return (session, thorough) => compare(openTextDecoder(session, decoder, { signal }), thorough ? undefined : FEW)
    },
  })
}

async function promptsOf(
  tokenizer: Awaited<ReturnType<typeof loadTokenizer>>,
  args: CompareArguments,
): Promise<number[][]> {
  const { examples } = await readTexts(args.data, {
    limit: args.limit ?? PROMPTS,
    ...(args['text-column'] !== undefined && { textColumn: args['text-column'] }),
  })
  const texts = await Promise.all(examples.map((example) => example.read()))
  const prompts = texts
    .map((text) => tokenizer.encodeAlone(text).slice(0, PROMPT_TOKENS))
    .filter(({ length }) => length > 0)
  if (prompts.length === 0) throw usageError(`${args.data} has no text to go on from`)
  return prompts.slice(0, args.limit ?? PROMPTS)
}
