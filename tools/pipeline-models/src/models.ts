import { embeddedModel } from '@tp/models'
import type { PipelineFolder } from './model-folder.ts'

const { files: mail, maxTokens } = embeddedModel('mail')
const { files: digits, normalization } = embeddedModel('digits-vit')

/** The settings of BERT's tokenizers that tokenizer.json alone does not hold. */
export const bertTokenizer: object = {
  tokenizer_class: 'BertTokenizer',
  do_lower_case: true,
  model_max_length: maxTokens,
  pad_token: '[PAD]',
  unk_token: '[UNK]',
  cls_token: '[CLS]',
  sep_token: '[SEP]',
  mask_token: '[MASK]',
}

/** How images of 28 × 28 gray pixels become inputs. */
export const digitsProcessor: object = {
  image_processor_type: 'ViTImageProcessor',
  do_convert_rgb: false,
  do_resize: false,
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [normalization?.mean],
  image_std: [normalization?.std],
}

export interface BertFiles {
  readonly config: URL | string
  readonly tokenizer: URL | string
  readonly model: URL | string
  readonly int8: URL | string
}

/** A BERT, in float32 and with 8-bit products. */
export function addBert(
  folder: PipelineFolder,
  name: string,
  { config, tokenizer, model, int8 }: BertFiles,
): Promise<void> {
  return folder.add(name, {
    'config.json': config,
    'tokenizer.json': tokenizer,
    'tokenizer_config.json': bertTokenizer,
    'onnx/model.onnx': model,
    'onnx/model_quantized.onnx': int8,
  })
}

/** The model of mails that comes with the project. */
export function addMail(folder: PipelineFolder, name = 'mail'): Promise<void> {
  return addBert(folder, name, mail as BertFiles)
}

/** The model of handwritten digits that comes with the project. */
export function addDigits(folder: PipelineFolder, name = 'digits-vit'): Promise<void> {
  return folder.add(name, {
    'config.json': digits.config,
    'preprocessor_config.json': digitsProcessor,
    'onnx/model.onnx': digits.model,
  })
}
