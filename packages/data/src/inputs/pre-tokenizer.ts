import { isRecord } from '@tp/core/host'

/**
 * A pre-tokenizer in words that the library here follows as Hugging Face's own does. Its `Whitespace` knows only the letters of
 * English, and it keeps a text that a split is to remove.
 */
export function preTokenizerFor(part: unknown): unknown {
  if (!isRecord(part)) return part
  const { type, pretokenizers, pattern, behavior, invert } = part
  if (type === 'Sequence' && Array.isArray(pretokenizers))
    return { ...part, pretokenizers: pretokenizers.map(preTokenizerFor) }
  if (type === 'Whitespace') return matches('\\w+|[^\\w\\s]+')
  const removed = isRecord(pattern) && behavior === 'Removed' && invert === false ? pattern.String : undefined
  if (type === 'Split' && typeof removed === 'string') return { ...part, pattern: { Regex: escaped(removed) } }
  return part
}

function matches(Regex: string): object {
  return { type: 'Split', pattern: { Regex }, behavior: 'Removed', invert: true }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')
}
