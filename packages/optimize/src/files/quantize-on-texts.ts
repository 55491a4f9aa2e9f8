import { type DecoderInspection, inspectDecoder, Refused } from '@tp/compiler'
import { TpError } from '@tp/core'
import {
  loadTokenizer,
  type ModelFile,
  openTextDecoder,
  readModelFolder,
  readTexts,
  type TextNearness,
  textNearnessTo,
} from '@tp/data'
import { type QuantizeComparedOptions, quantizeCompared } from '../quantize-on-data.ts'
import type { QuantizedWithin } from '../quantize-within.ts'

export interface QuantizeOnTextsOptions
  extends Pick<
    QuantizeComparedOptions<TextNearness>,
    'load' | 'within' | 'quantize' | 'onStage' | 'onProgress' | 'signal'
  > {
  /** A table or file of texts, whose beginnings are continued. */
  readonly texts: string
  /** Default: found by its header. */
  readonly textColumn?: string | undefined
  /** Path of tokenizer.json; default: the one next to the model. */
  readonly tokenizer?: string | undefined
  /** Texts that are continued, each in as long as its tokens take one by one; default 20. */
  readonly limit?: number | undefined
}

/** Texts that are continued by default. */
const PROMPTS = 20

/** Tokens of a text that are read as a prompt, at most, and tokens that are generated after it. */
const PROMPT_TOKENS = 32
const NEW_TOKENS = 24

/** Prompts on which products are compared with each other. */
const FEW = 4

/**
 * Quantizes a decoder, and compares the texts that it generates greedily after the beginnings of others, as `quantizeOnData` compares answers.
 * @throws Refused for a file that is not a decoder with caches; TpError TP_DATA without texts, TP_TOKENIZER, and as `quantizeCompared`
 *
 * @example
 * const load = (model: Model) => loadSession(runtime, model, file)
 * const { model, nearness } = await quantizeOnTexts(file, { texts: 'texts.txt', load, within: 0.98 })
 */
export async function quantizeOnTexts(
  file: ModelFile,
  options: QuantizeOnTextsOptions,
): Promise<QuantizedWithin<TextNearness>> {
  const { signal, onProgress, texts, textColumn, tokenizer, limit = PROMPTS, ...how } = options
  const decoder = requireDecoder(file)
  const path = tokenizer ?? (await readModelFolder(file.path)).tokenizer
  if (path === undefined)
    throw new TpError('TP_TOKENIZER', 'optimize', `no tokenizer.json is next to ${file.path}; give its path`)
  const encoding = await loadTokenizer(path)
  const { examples } = await readTexts(texts, { limit, textColumn })
  const read = await Promise.all(examples.map((example) => example.read()))
  const tokens = read.map((text) => encoding.encodeAlone(text).slice(0, PROMPT_TOKENS))
  const prompts = tokens.filter(({ length }) => length > 0).slice(0, limit)
  if (prompts.length === 0) throw new TpError('TP_DATA', 'optimize', `${texts} has no text to continue; give others`)
  return await quantizeCompared({
    ...{ ...how, model: file.model, signal, onProgress },
    async compareWith(dense) {
      const compare = await textNearnessTo(openTextDecoder(dense, decoder, { signal }), prompts, {
        ...{ tokens: NEW_TOKENS, signal, onProgress },
      })
      return (session, thorough) => compare(openTextDecoder(session, decoder, { signal }), thorough ? undefined : FEW)
    },
  })
}

function requireDecoder({ model }: ModelFile): DecoderInspection {
  const found = inspectDecoder(model)
  if (found.ok) return found
  const { code, message, node } = found.refusal
  throw new Refused(code, message, node)
}
