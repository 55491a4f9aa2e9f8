import type { TextDataset } from '../datasets/dataset.ts'
import { requirePooled, type SentencePrompts } from '../inputs/sentence-prompts.ts'

/**
 * Texts that begin with what Sentence Transformers begins them with.
 * @param queries how many of the texts are queries, before the documents; undefined where they are neither
 * @throws TpError TP_POOLING where the vectors leave the prompt out
 */
export function withPrompts(
  texts: TextDataset,
  prompts: SentencePrompts | undefined,
  queries: number | undefined,
): TextDataset {
  if (prompts === undefined) return texts
  const { query, document, text } = prompts
  const promptOf = (position: number): string => (queries === undefined ? text : position < queries ? query : document)
  if (texts.examples.every((_, position) => promptOf(position) === '')) return texts
  requirePooled(prompts)
  const examples = texts.examples.map((example, position) => ({
    ...example,
    read: async () => `${promptOf(position)}${await example.read()}`,
  }))
  return { ...texts, examples }
}

/** A note on the prompts; undefined where no text begins with one. */
export function promptNote(prompts: SentencePrompts | undefined, isSearch: boolean): string | undefined {
  if (prompts === undefined) return undefined
  const { query, document, text } = prompts
  const said = (
    isSearch
      ? [
          ['queries', query],
          ['documents', document],
        ]
      : [['texts', text]]
  ).filter(([, prompt]) => prompt !== '')
  if (said.length === 0) return undefined
  return `${said.map(([which, prompt]) => `${which} begin with ${JSON.stringify(prompt)}`).join(', ')} (config_sentence_transformers.json)`
}
