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

/** Where the file of a decoder is. */
export function decoderPath(name: DecoderName): string {
  return fileURLToPath(new URL(`../models/${name}.onnx`, import.meta.url))
}
