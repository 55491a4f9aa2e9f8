import type { HeadOutput, TokenReading } from '@tp/compiler'

/** The use of the tokens by the outputs of an encoder, in words. */
export function headText(head: readonly HeadOutput[]): string {
  if (head.length === 0) return 'no output is computed from its tokens'
  return head.map(outputText).join('; ')
}

function outputText({ output, reads, normalized }: HeadOutput): string {
  const handed =
    output === 'image_features' ? ', and handed to a language model (tp prune FOLDER hands over fewer)' : ''
  const text = `${output}: ${reads.map(readingText).join(' and ')}${handed}`
  return normalized ? `${text}, divided by its length` : text
}

function readingText(reading: TokenReading): string {
  switch (reading.kind) {
    case 'class-token':
      return `the class token (position ${reading.position})`
    case 'last-token':
      return 'the last token'
    case 'chosen-token':
      return 'one token of each example, where the inputs say'
    case 'mean':
    case 'sum':
      return `${reading.kind} over ${reading.masked ? 'the attended' : 'all'} tokens`
    case 'max':
      return 'the largest of each feature over the tokens'
    case 'attention':
      return 'attention that pools the tokens'
    case 'token-states':
      return 'a state for each token, pooled outside if at all'
    case 'token-answers':
      return 'an answer for each token'
    case 'positions':
      return 'every token at its position, so that pruned ones are restored first'
    case 'other':
      return `${reading.operator} over the tokens`
  }
}
