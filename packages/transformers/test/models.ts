import { readFileSync } from 'node:fs'
import { lastLogits, prunePrompt, quantizeCaches, transform } from '@tp/compiler'
import { input, mean, streaming } from '@tp/core'
import { modelPath } from '@tp/models'
import { decodeModel, emitModel, encodeModel, type Model } from '@tp/onnx'
import { decoderPath } from 'exported-decoders'
import { bertTokenizer, digitsProcessor, type PipelineFolder } from 'pipeline-models'

/** A model without attention: the mean of each column of an image of a digit. */
export function addColumns(folder: PipelineFolder, name = 'columns'): Promise<void> {
  const images = input('pixel_values', 'float32', ['B', 1, 28, 28])
  return folder.add(name, {
    'config.json': { model_type: 'resnet', architectures: ['ResNetForImageClassification'] },
    'preprocessor_config.json': digitsProcessor,
    'onnx/model.onnx': emitModel({ logits: mean(images, [1, 2]) }),
  })
}

/** A small encoder of texts with a vocabulary of letters, for files with 120 tokens. */
export function addLetters(
  folder: PipelineFolder,
  name: string,
  config: object,
  files: Record<string, string | Uint8Array>,
): Promise<void> {
  const tokenizer = JSON.parse(readFileSync(modelPath('mail', 'tokenizer'), 'utf8'))
  const letters = [...'abcdefghijklmnopqrstuvwxyz.,?!']
  const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...letters, ...letters.map((letter) => `##${letter}`)]
  tokenizer.model.vocab = Object.fromEntries(words.map((word, id) => [word, id]))
  return folder.add(name, {
    'config.json': { id2label: Object.fromEntries([...'abcde'].map((label, i) => [i, label])), ...config },
    'tokenizer.json': tokenizer,
    'tokenizer_config.json': { ...bertTokenizer, model_max_length: 40 },
    ...files,
  })
}

/** A decoder of 96 words, as it was exported. */
export const llama: Model = decodeModel(readFileSync(decoderPath('llama')))

/** The decoder with half of a prompt's tokens in its second layer. */
export function withHalfPrompt(): Model {
  const pruned = transform(
    llama,
    prunePrompt({
      method: streaming({ sinks: 2 }),
      amount: { kind: 'ratio', value: 0.5 },
      layer: 0,
      leastTokens: 0,
    }),
  )
  return pruned.model
}

/** The decoder with caches of 8 bits. */
export function withEightBitCaches(): Model {
  const small = transform(llama, quantizeCaches())
  return small.model
}

/**
 * The decoder as `llama`, with the logits of the last token alone as `llama-last`, with a pruned prompt as `llama-half`, and with caches of
 * 8 bits as `llama-int8`.
 */
export async function addLlama(folder: PipelineFolder): Promise<void> {
  const config = {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    ...{ vocab_size: 96, hidden_size: 16, num_attention_heads: 4, num_key_value_heads: 2, num_hidden_layers: 2 },
  }
  const last = transform(llama, lastLogits())
  await folder.add('llama', { 'config.json': config, 'onnx/model.onnx': decoderPath('llama') })
  await folder.add('llama-half', { 'config.json': config, 'onnx/model.onnx': encodeModel(withHalfPrompt()) })
  await folder.add('llama-int8', { 'config.json': config, 'onnx/model.onnx': encodeModel(withEightBitCaches()) })
  await folder.add('llama-last', { 'config.json': config, 'onnx/model.onnx': encodeModel(last.model) })
}
