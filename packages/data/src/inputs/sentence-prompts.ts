import { TpError } from '@tp/core'
import { isRecord } from '@tp/core/host'
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

/** Names of the prompt for documents, the first of which is taken. */
const DOCUMENT = ['document', 'passage', 'corpus']

/**
 * The prompts that `encode_query`, `encode_document` and `encode` of Sentence Transformers begin texts with.
 * @param config config_sentence_transformers.json, read as JSON; undefined where there is none
 * @param pooling 1_Pooling/config.json
 * @returns undefined if no text begins with a prompt
 */
export function sentencePrompts(
  config: object | undefined,
  pooling: { readonly include_prompt?: unknown } = {},
): SentencePrompts | undefined {
  const { prompts, default_prompt_name: usual }: SentenceConfig = config ?? {}
  const known = new Map(Object.entries(isRecord(prompts) ? prompts : {}).filter(([, text]) => typeof text === 'string'))
  const promptOf = (...names: unknown[]): string => {
    const name = [...names, usual].find((each) => known.has(each as string))
    return (known.get(name as string) as string | undefined) ?? ''
  }
  const found = { query: promptOf('query'), document: promptOf(...DOCUMENT), text: promptOf() }
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
