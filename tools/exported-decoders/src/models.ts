import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Decoders with random weights; `make.py` says what is special about each, and makes them. */
export const decoderNames = [
  'bloom',
  'falcon',
  'gemma3',
  'gpt2',
  'llama',
  'llama-fused-fp32',
  'llama-fused-int4',
  'phi',
  'qwen3',
] as const

export type DecoderName = (typeof decoderNames)[number]

/** Decoders that read states of an encoder, and were exported for one number of them: 30 by dynamo, 16 by optimum. */
export type SpeechDecoderName = 'whisper-fixed' | 'whisper-merged-fixed'

/** An encoder and decoders of one model of Whisper's kind, as optimum exports them: without past, with past, and merged. */
export type SpeechPairName = 'whisper-encoder' | 'whisper-decoder' | 'whisper-past' | 'whisper-merged'

/** Where the file of a decoder, or of an encoder next to it, is. */
export function decoderPath(name: DecoderName | SpeechDecoderName | SpeechPairName): string {
  return fileURLToPath(new URL(`../models/${name}.onnx`, import.meta.url))
}

/** Logits in PyTorch after twelve tokens of `decoderFeeds` (batch 1), and after one token more of `nextFeeds`. */
type SaidByTorch = readonly [prompt: readonly number[], step: readonly number[]]

/** The results of PyTorch where later layers compute all tokens, and where they compute 0, 1 and 8 to 11 alone; by decoder. */
export function saidByTorch(): Readonly<Record<string, { readonly all: SaidByTorch; readonly some: SaidByTorch }>> {
  return JSON.parse(readFileSync(new URL('../models/by-torch.json', import.meta.url), 'utf8'))
}
