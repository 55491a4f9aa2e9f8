import { readFileSync } from 'node:fs'
import { input, mean } from '@tp/core'
import { modelPath } from '@tp/models'
import { emitModel } from '@tp/onnx'
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
  files: Record<string, string>,
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
