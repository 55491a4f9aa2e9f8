import { TpError } from '@tp/core'
import { isRecord } from '@tp/core/host'
import { dataError, listed, shown } from '../datasets/table/data-error.ts'
import type { TextTokenizer } from './tokenizer.ts'

/** Prompts that texts begin with before they are embedded; empty for none. */
export interface SentencePrompts {
  readonly query: string
  readonly document: string
  /** Of texts that are neither. */
  readonly text: string
  /** Whether their tokens are a part of the vector. */
  readonly isPooled: boolean
}

interface SentenceConfig {
  readonly prompts?: unknown
  readonly default_prompt_name?: unknown
}

/**
 * The prompts that `encode_query`, `encode_document` and `encode` of Sentence Transformers begin texts with: `query`, `document`, and the one
 * that `default_prompt_name` names. The first two have no other names there, and no default.
 * @param config config_sentence_transformers.json, read as JSON; undefined where there is none
 * @param pooling 1_Pooling/config.json
 * @returns undefined if no text begins with a prompt
 * @throws TpError TP_DATA for a default prompt that is not there
 */
export function sentencePrompts(
  config: object | undefined,
  pooling: { readonly include_prompt?: unknown } = {},
): SentencePrompts | undefined {
  const { prompts, default_prompt_name: usual }: SentenceConfig = config ?? {}
  const texts = Object.entries(isRecord(prompts) ? prompts : {}).filter(([, text]) => typeof text === 'string')
  const known = new Map([['query', ''], ['document', ''], ...(texts as [string, string][])])
  const promptOf = (name: string): string => {
    const prompt = known.get(name)
    if (prompt !== undefined) return prompt
    const seen = `names the default prompt ${shown(name)}, which is not among its prompts: ${listed([...known.keys()])}`
    throw dataError('config_sentence_transformers.json', seen)
  }
  const text = typeof usual === 'string' ? promptOf(usual) : ''
  const found = { query: promptOf('query'), document: promptOf('document'), text }
  const isPooled = pooling.include_prompt !== false
  return Object.values(found).some((prompt) => prompt !== '') ? { ...found, isPooled } : undefined
}

/**
 * A tokenizer that begins each text with the prompt of texts that are neither queries nor documents.
 * @throws TpError TP_POOLING where the vectors leave the prompt out
 */
export function withDefaultPrompt(tokenizer: TextTokenizer, prompts: SentencePrompts | undefined): TextTokenizer {
  if (prompts === undefined || prompts.text === '') return tokenizer
  requirePooled(prompts)
  return { ...tokenizer, encode: (text, maxTokens) => tokenizer.encode(`${prompts.text}${text}`, maxTokens) }
}

/** @throws TpError TP_POOLING where the vectors leave the prompt out */
export function requirePooled({ isPooled }: SentencePrompts): void {
  if (isPooled) return
  const seen = 'texts begin with a prompt of config_sentence_transformers.json, which their vectors leave out'
  const advice = 'only prompts that count for the vector are supported'
  throw new TpError('TP_POOLING', 'data', `${seen} (include_prompt in 1_Pooling/config.json); ${advice}`)
}
