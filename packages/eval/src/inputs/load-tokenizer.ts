import { readFile } from 'node:fs/promises'
import { TpError } from '@tp/core'
import { openTokenizer, type TextTokenizer } from './tokenizer.ts'

/**
 * Opens a Hugging Face tokenizer.json. Its own truncation and padding are not followed: they are left-overs of training.
 * @throws TpError TP_TOKENIZER
 */
export async function loadTokenizer(path: string): Promise<TextTokenizer> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new TpError('TP_TOKENIZER', 'eval', `${path}: cannot be read; give the model's tokenizer.json`, { cause })
  })
  return openTokenizer(text, path)
}
