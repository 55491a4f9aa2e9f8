import { readFileSync } from 'node:fs'
import { input, mean } from '@tp/core'
import { embeddedModel } from '@tp/models'
import { emitModel } from '@tp/onnx'
import type { ModelFolder } from './model-folder.ts'

const { files: mail, maxTokens } = embeddedModel('mail')
const { files: digits, normalisation } = embeddedModel('digits-vit')

/** What tokenizer.json alone does not say of BERT's tokenisers. */
const bertTokenizer = {
  tokenizer_class: 'BertTokenizer',
  do_lower_case: true,
  pad_token: '[PAD]',
  unk_token: '[UNK]',
  cls_token: '[CLS]',
  sep_token: '[SEP]',
  mask_token: '[MASK]',
}

export interface BertFiles {
  readonly config: URL | string
  readonly tokenizer: URL | string
  readonly model: URL | string
  readonly int8: URL | string
}

/** A trained BERT, in float32 and with 8-bit products. */
export function addBert(
  folder: ModelFolder,
  name: string,
  { config, tokenizer, model, int8 }: BertFiles,
): Promise<void> {
  return folder.add(name, {
    'config.json': config,
    'tokenizer.json': tokenizer,
    'tokenizer_config.json': { ...bertTokenizer, model_max_length: maxTokens },
    'onnx/model.onnx': model,
    'onnx/model_quantized.onnx': int8,
  })
}

export function addMail(folder: ModelFolder, name = 'mail'): Promise<void> {
  return addBert(folder, name, mail as BertFiles)
}

const digitsProcessor = {
  image_processor_type: 'ViTImageProcessor',
  do_convert_rgb: false,
  do_resize: false,
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [normalisation?.mean],
  image_std: [normalisation?.std],
}

export function addDigits(folder: ModelFolder): Promise<void> {
  return folder.add('digits-vit', {
    'config.json': digits.config,
    'preprocessor_config.json': digitsProcessor,
    'onnx/model.onnx': digits.model,
  })
}

/** A model without attention: the mean of each column of a picture of a digit. */
export function addColumns(folder: ModelFolder, name = 'columns'): Promise<void> {
  const pictures = input('pixel_values', 'float32', ['B', 1, 28, 28])
  return folder.add(name, {
    'config.json': { model_type: 'resnet', architectures: ['ResNetForImageClassification'] },
    'preprocessor_config.json': digitsProcessor,
    'onnx/model.onnx': emitModel({ logits: mean(pictures, [1, 2]) }),
  })
}

/** A small encoder of texts with a vocabulary of letters, for files with 120 tokens. */
export function addLetters(
  folder: ModelFolder,
  name: string,
  config: object,
  files: Record<string, string>,
): Promise<void> {
  const tokenizer = JSON.parse(readFileSync(mail.tokenizer as URL, 'utf8'))
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
