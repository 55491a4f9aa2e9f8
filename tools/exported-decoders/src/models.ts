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

/** Where the file of a decoder is. */
export function decoderPath(name: DecoderName | SpeechDecoderName): string {
  return fileURLToPath(new URL(`../models/${name}.onnx`, import.meta.url))
}
