import { isRecord } from '@tp/core/host'
import { shown } from '../datasets/table/data-error.ts'
import { refusal, seen, type TokenizerJson } from './check-tokenizer.ts'

export type ModelType = 'WordPiece' | 'BPE' | 'Unigram' | 'WordLevel'

/** The type of a model; where the file does not say it, Hugging Face's library goes by the fields. */
export function typeOfModel({
  type,
  vocab,
  merges,
  continuing_subword_prefix: prefix,
}: TokenizerJson['model']): ModelType {
  if (typeof type === 'string') return type as ModelType
  if (Array.isArray(vocab)) return 'Unigram'
  if (merges !== undefined) return 'BPE'
  return prefix === undefined ? 'WordLevel' : 'WordPiece'
}

/**
 * Checks that a model has words, in the form of its type, and that its merges are of words that it has.
 * @throws TpError TP_TOKENIZER
 */
export function checkModel(model: TokenizerJson['model'], type: ModelType, source: string): void {
  const { vocab } = model
  const isList = type === 'Unigram'
  if (isList ? !Array.isArray(vocab) : !isRecord(vocab))
    throw refusal(source, `the vocabulary of its ${type} model has to be ${isList ? 'a list' : 'a record'}`)
  if (Object.keys(vocab as object).length === 0) throw refusal(source, 'its model has an empty vocabulary')
  if (isList) checkScores(vocab as readonly unknown[], model, source)
  if (type === 'BPE') checkMerges(model, vocab as Readonly<Record<string, unknown>>, source)
}

function checkScores(vocab: readonly unknown[], { unk_id: unknown }: TokenizerJson['model'], source: string): void {
  for (const entry of vocab) {
    const [token, score, ...more] = Array.isArray(entry) ? entry : []
    if (typeof token === 'string' && typeof score === 'number' && more.length === 0) continue
    throw refusal(source, `its vocabulary has ${seen(entry)}; it has to be a token and its score`)
  }
  if (typeof unknown === 'number' && unknown >= vocab.length)
    throw refusal(source, `its unk_id is ${unknown}, and its vocabulary has ${vocab.length} tokens`)
}

function checkMerges(
  { merges, continuing_subword_prefix: prefix }: TokenizerJson['model'],
  vocab: Readonly<Record<string, unknown>>,
  source: string,
): void {
  if (typeof prefix === 'string' && prefix !== '')
    throw refusal(source, `its BPE model has the continuing_subword_prefix ${shown(prefix)}, which is not supported`)
  const all = merges as readonly unknown[]
  // All are pairs, or all are texts.
  const isPairs = Array.isArray(all[0])
  for (const merge of all) {
    if (!isPairs && typeof merge === 'string' && merge.startsWith('#version')) continue
    const parts: unknown = isPairs ? merge : typeof merge === 'string' ? merge.split(' ') : undefined
    if (!Array.isArray(parts) || parts.length !== 2 || !parts.every((part) => typeof part === 'string'))
      throw refusal(source, `its merges have ${seen(merge)}; each has to be two tokens`)
    const missing = [...parts, parts.join('')].find((token) => !Object.hasOwn(vocab, token))
    if (missing !== undefined)
      throw refusal(source, `its merges have ${shown(parts.join(' '))}, but its vocabulary has no ${shown(missing)}`)
  }
}

/**
 * The added tokens with the ids that Hugging Face's library gives them: the one that the model has for such a token, or the next.
 * The ids in the file are only compared there.
 */
export function withOwnIds(
  added: readonly { readonly content: string; readonly id: number }[],
  { vocab }: TokenizerJson['model'],
): object[] {
  const ids = new Map<string, number>(
    Array.isArray(vocab)
      ? vocab.map(([token], id) => [token as string, id])
      : (Object.entries(vocab as object) as [string, number][]),
  )
  let next = ids.size
  return added.map((token) => {
    const id = ids.get(token.content) ?? next
    if (token.content !== '') {
      ids.set(token.content, id)
      next = Math.max(next, id + 1)
    }
    return { ...token, id }
  })
}
