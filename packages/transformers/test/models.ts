import { embeddedModel } from '@tp/models'
import type { ModelFolder } from './model-folder.ts'

const { files: mail, maxTokens } = embeddedModel('mail')
const { files: digits, normalisation } = embeddedModel('digits-vit')

/** Special tokens of BERT's tokenisers, which tokenizer.json alone does not name. */
export const bertTokenizer = {
  tokenizer_class: 'BertTokenizer',
  model_max_length: maxTokens,
  do_lower_case: true,
  pad_token: '[PAD]',
  unk_token: '[UNK]',
  cls_token: '[CLS]',
  sep_token: '[SEP]',
  mask_token: '[MASK]',
}

export async function addMail(folder: ModelFolder, name = 'mail'): Promise<void> {
  await folder.add(name, {
    'config.json': mail.config,
    'tokenizer.json': mail.tokenizer as URL,
    'tokenizer_config.json': bertTokenizer,
    'onnx/model.onnx': mail.model,
    'onnx/model_quantized.onnx': mail.int8 as URL,
  })
}

export async function addDigits(folder: ModelFolder): Promise<void> {
  await folder.add('digits-vit', {
    'config.json': digits.config,
    'preprocessor_config.json': {
      image_processor_type: 'ViTImageProcessor',
      do_convert_rgb: false,
      do_resize: false,
      do_rescale: true,
      rescale_factor: 1 / 255,
      do_normalize: true,
      image_mean: [normalisation?.mean],
      image_std: [normalisation?.std],
    },
    'onnx/model.onnx': digits.model,
  })
}
